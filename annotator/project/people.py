"""What can be done to the people of a project."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from annotator.domain import ObjectInfo, PersonPrompt, Skeleton, object_colour
from annotator.domain.people import Person, PosedImage, PosedPerson, consistent_box, from_posed
from annotator.domain.poses import Point
from annotator.project import people_events as pe
from annotator.project.document import AssetState, Change
from annotator.project.history import History
from annotator.project.logged import LogFacts, LoggedDocument
from annotator.project.poses import PoseShelf, pose_digest
from annotator.project.results import ResultRecord
from annotator.project.store import Store

PERSON = "person"
"""Class of people who were given no other."""


class PeopleProject(LoggedDocument):
    """The part of a project that is about people on photos."""

    def __init__(self, path: Path, store: Store, history: History, facts: LogFacts) -> None:
        """Use `create` or `open` instead."""
        super().__init__(path, store, history, facts)
        self._poses = PoseShelf(store)

    # --- Skeletons

    def add_skeleton(self, skeleton: Skeleton) -> str:
        """Let the project know a skeleton; return the name by which persons have it.

        One of the same name but with other joints gets a number behind its name.
        """
        known = self.document.skeletons
        names = (skeleton.name, *(f"{skeleton.name} {n}" for n in range(2, len(known) + 3)))
        for name in names:
            named = replace(skeleton, name=name)
            if known.get(name) == named:
                return name
            if name not in known:
                self._commit(pe.SkeletonAdded(named))
                return name
        raise AssertionError("unreachable")

    def skeleton_of(self, person: Person) -> Skeleton:
        """Return the skeleton of a person of the project."""
        return self.document.skeletons[person.skeleton]

    # --- People

    def add_people(
        self,
        asset_id: int,
        people: Sequence[Person],
        how: pe.HowAdded,
        *,
        labels: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> tuple[int, ...]:
        """Add persons as new objects, in one step; return their ids.

        Args:
            asset_id: The photo.
            people: The persons; their ids are given anew.
            how: Where they come from.
            labels: Class of each; "person" if none are given.
            names: Name of each; "Person 3" and the like if none are given.

        Raises:
            AnnotatorError: If a skeleton is unknown or does not fit.
        """
        if not people:
            return ()
        first = self.asset(asset_id).next_object_id
        ids = tuple(range(first, first + len(people)))
        infos = tuple(
            ObjectInfo(
                object_id,
                (names[i] if names else "") or f"Person {object_id}",
                (labels[i] if labels else "") or PERSON,
                object_colour(object_id),
            )
            for i, object_id in enumerate(ids)
        )
        numbered = tuple(
            replace(p, object_id=i, box=_floats(p.box)) for i, p in zip(ids, people, strict=True)
        )
        self._commit(pe.PeopleAdded(asset_id, infos, numbered, how))
        return ids

    def import_people(self, asset_id: int, people: Sequence[PosedPerson]) -> tuple[int, ...]:
        """Add persons of a file, their joints as placed ones, in one step; return their ids.

        Crowds, of whom files have no joints, are left out.
        """
        single = [posed for posed in people if not posed.crowd]
        known = {posed.skeleton: self.add_skeleton(posed.skeleton) for posed in single}
        adopted = [replace(from_posed(p, 0), skeleton=known[p.skeleton]) for p in single]
        labels, names = [p.label for p in single], [p.name for p in single]
        return self.add_people(asset_id, adopted, "imported", labels=labels, names=names)

    def set_person(self, asset_id: int, person: Person, how: pe.HowSet) -> Change:
        """Change a person as a whole.

        Raises:
            AnnotatorError: If there is none such, or it is locked.
        """
        return self._commit(pe.PersonSet(asset_id, person, how))

    def set_joints(
        self,
        asset_id: int,
        object_id: int,
        joints: Sequence[pe.JointSetting],
        how: pe.HowJoints,
    ) -> Change:
        """Place, move or release joints of a person, or say how visible they are.

        Raises:
            AnnotatorError: If there is no such person or joint, or it is locked.
        """
        return self._commit(pe.JointsSet(asset_id, object_id, tuple(joints), how))

    # --- What engines made of them

    def hold_pose(
        self,
        asset_id: int,
        prompt: PersonPrompt,
        joints: Sequence[Point],
        *,
        queue_ms: float = 0.0,
        run_ms: float = 0.0,
        device: str = "",
    ) -> None:
        """Keep what the photo's pose engine answered for a person. No event, no step.

        Args:
            asset_id: The photo.
            prompt: What was told of the person.
            joints: The answer in the person's own joints, [K].
            queue_ms: Milliseconds it waited.
            run_ms: Milliseconds it took.
            device: What it was computed on.

        Raises:
            AnnotatorError: If it cannot be written.
        """
        asset = self.asset(asset_id)
        record = ResultRecord(
            asset_id, self._facts.last_seq, time.time_ns(), queue_ms, run_ms, device,
            asset.engine_for("poses").ref,
        )  # fmt: skip
        self._poses.put(_digest(asset, prompt), joints, record)
        self.changed.emit(Change(frozenset({"result", "people"}), asset_id))

    def followed(self, asset: AssetState, person: Person) -> tuple[Point, ...] | None:
        """Return what the pose engine made of a person as it is or was; None if unknown."""
        if not person.asks:
            return None
        found = self._poses.get(_digest(asset, person.prompt()))
        return found if found is not None and len(found) == len(person.start) else None

    def shown_joints(self, asset: AssetState, person: Person) -> tuple[Point, ...]:
        """Return every joint of a person as it stands, [K]; placed ones exactly as placed."""
        return person.shown(self.followed(asset, person))

    def posed_image(self, asset: AssetState, width: int, height: int) -> PosedImage:
        """Return the people of a photo as files hold them.

        Args:
            asset: The photo, as it is or was.
            width: Its pixels in a row.
            height: Its rows.
        """
        people = tuple(self.posed(asset, person) for person in asset.people.values())
        return PosedImage(asset.path.name, width, height, people, asset.path)

    def posed(self, asset: AssetState, person: Person) -> PosedPerson:
        """Return a person as files hold it."""
        info = asset.objects[person.object_id]
        joints = self.shown_joints(asset, person)
        return PosedPerson(
            self.skeleton_of(person), joints, person.visibility,
            consistent_box(person.box, joints, person.visibility),
            name=info.name, label=info.label, score=person.score, object_id=person.object_id,
        )  # fmt: skip


def _digest(asset: AssetState, prompt: PersonPrompt) -> str:
    engine = asset.engine_for("poses")
    return pose_digest(asset.content_hash, engine.ref, engine.parameters, prompt)


def _floats(box: Sequence[float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in box)
    return (x0, y0, x1, y1)
