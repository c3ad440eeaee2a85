"""Photos, and annotations made elsewhere, into a project."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.domain import LabelClass, LabelSet, ObjectInfo, WorkingImage
from annotator.project.project import Project


def add_image(project: Project, path: Path, working: WorkingImage, content_hash: str) -> int:
    """Add a photo to a project; return the asset's id.

    Args:
        project: The project.
        path: The photo's file.
        working: What is annotated of it.
        content_hash: Of the photo at full resolution.
    """
    pixels = working.width * working.height
    return project.add_asset(
        path, "image", content_hash, pixels, working.spacing, working_count=working.count
    )


def paste_labels(
    project: Project,
    asset_id: int,
    labels: npt.NDArray[np.int32],
    objects: Sequence[ObjectInfo],
) -> dict[int, int]:
    """Add objects with their pixels to an asset, as edits by hand that can be undone.

    Classes that the project does not know become known. Points of locked objects stay.

    Args:
        project: The project.
        asset_id: The asset.
        labels: [W] or [h, w] ids of the asset's working points, 0 = none.
        objects: Names, classes and colours by id; objects without points are left out.

    Returns:
        The new id of each object by its old one.
    """
    flat = labels.ravel()
    present = set(np.unique(flat).tolist())
    chosen = [info for info in objects if info.object_id in present and info.object_id > 0]
    add_classes(project, [info.label for info in chosen])
    new_ids: dict[int, int] = {}
    for info in chosen:
        added = project.add_object(asset_id, name=info.name, label=info.label, colour=info.colour)
        new_ids[info.object_id] = added.object_id
        project.paint(asset_id, np.flatnonzero(flat == info.object_id), added.object_id)
    return new_ids


def add_classes(project: Project, names: Sequence[str]) -> None:
    """Make classes known to a project, in order, those that it knows already left alone."""
    classes = list(project.document.label_set.classes)
    known = {c.name for c in classes} | {""}
    for name in names:
        if name not in known:
            known.add(name)
            number = 1 + max((c.label_id for c in classes), default=0)
            classes.append(LabelClass(number, name))
    if len(classes) > len(project.document.label_set.classes):
        project.set_label_set(LabelSet(tuple(classes)))
