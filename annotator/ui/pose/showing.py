"""A person of the document as it is drawn."""

from annotator.domain.people import Person, consistent_box
from annotator.domain.poses import Point
from annotator.project import AssetState, Project
from annotator.ui.image.canvas import colour_of
from annotator.ui.pose.figures import Figure


def figure_of(
    project: Project,
    asset: AssetState,
    person: Person,
    joints: tuple[Point, ...],
    *,
    current: bool = False,
    pending: bool = False,
) -> Figure:
    """Return a person's figure.

    Args:
        project: The project.
        asset: The photo, as it is or was.
        person: The person.
        joints: Where its joints are drawn, [K].
        current: Whether gestures are for it.
        pending: Whether the engine is asked about people just now.
    """
    info = asset.objects[person.object_id]
    score = "" if person.score is None else f" · {person.score:.0%}"
    lock = " · locked" if info.locked else ""
    waiting = pending and person.asks and project.followed(asset, person) is None
    return Figure(
        person.object_id, project.skeleton_of(person), joints, person.visibility, person.fixed,
        consistent_box(person.box, joints, person.visibility),
        colour_of(asset.objects, person.object_id), f"{info.name}{score}{lock}", current, waiting,
    )  # fmt: skip


def figures_of(project: Project, asset: AssetState) -> tuple[Figure, ...]:
    """Return everybody of a photo as it is or was, without those hidden."""
    return tuple(
        figure_of(project, asset, person, project.shown_joints(asset, person))
        for object_id, person in asset.people.items()
        if asset.objects[object_id].visible
    )
