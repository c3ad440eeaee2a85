"""People as LabelMe points: a rectangle and a point a joint, held together by `group_id`.

The rectangle's label is the class, a point's label its joint. An occluded joint has the flag
`occluded`, and is marked `difficult`, by which X-AnyLabeling means the same; an absent one has
no point. LabelMe keeps the file's `skeletons`, which it does not know, when it saves.
"""

import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError, Skeleton
from annotator.domain.people import KNOWN_SKELETONS, PosedImage, PosedPerson, box_of_joints
from annotator.domain.poses import ABSENT, OCCLUDED, VISIBLE, Corners, Point
from annotator.formats.annotated import require_pixels
from annotator.formats.atomic import atomic_write
from annotator.formats.coco import load_json
from annotator.formats.coco_keypoints import PERSON
from annotator.formats.images import MAX_PIXELS, image_size
from annotator.formats.labelme import VERSION
from annotator.formats.skeletons import skeleton_entry, skeleton_of
from annotator.formats.source import DAMAGED, Reading

_LARGEST = 1 << 28
Entry = dict[str, Any]


def write_labelme_joints(path: Path, image: PosedImage) -> None:
    """Write a photo's people, completely or not at all; the photo is named, not copied.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    skeletons = dict.fromkeys(person.skeleton for person in image.people)
    document: Entry = {
        "version": VERSION,
        "flags": {},
        "shapes": [
            shape
            for number, person in enumerate(image.people, 1)
            for shape in _shapes(person, person.object_id or number)
        ],
        "imagePath": _relative(path, image),
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
        "skeletons": [skeleton_entry(skeleton) for skeleton in skeletons],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(document, indent=1, allow_nan=False).encode("ascii"))


def _relative(path: Path, image: PosedImage) -> str:
    if image.path is None:
        return image.file_name
    try:
        return Path(os.path.relpath(image.path, path.absolute().parent)).as_posix()
    except ValueError:  # another Windows drive
        return str(image.path)


def _shapes(person: PosedPerson, group: int) -> list[Entry]:
    x0, y0, x1, y1 = person.box
    common: Entry = {"group_id": group, "mask": None}
    box: Entry = {
        **common,
        "label": person.label or PERSON,
        "points": [[x0, y0], [x1, y1]],
        "shape_type": "rectangle",
        "description": person.name,
        "flags": {},
        "skeleton": person.skeleton.name,
    }
    rows = zip(person.skeleton.joints, person.keypoints, person.visibility, strict=True)
    points = [
        {
            **common,
            "label": joint,
            "points": [list(point)],
            "shape_type": "point",
            "description": "",
            "flags": {"occluded": visibility == OCCLUDED},
            "difficult": visibility == OCCLUDED,
        }
        for joint, point, visibility in rows
        if visibility != ABSENT
    ]
    return [box, *points]


# --- Reading


def read_labelme_joints(path: Path) -> PosedImage:
    """Read the points of a LabelMe file; points of one group are one person.

    The skeleton is the file's own, else the first known one that has all the joints, else
    the joints as they appear.

    Raises:
        AnnotatorError: If it is no such file; names the shape that is wrong.
    """
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    shapes = document.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(s, dict) for s in shapes):
        raise reading.damaged('has no list "shapes"', "Choose a file of LabelMe.")
    name = str(document.get("imagePath") or path.with_suffix(".jpg").name).replace("\\", "/")
    height, width = document.get("imageHeight"), document.get("imageWidth")
    if height is None or width is None:
        width, height = image_size(path.parent / name)
    height, width = require_pixels(path.name, height, width, MAX_PIXELS)
    groups: dict[object, list[Entry]] = {}
    for number, shape in enumerate(shapes):
        if shape.get("shape_type") in ("point", "rectangle"):
            _check(shape, number, reading)
            groups.setdefault(str(shape.get("group_id")), []).append(shape)
    skeletons = _skeletons(document, list(groups.values()), reading)
    people = [_person(group, skeletons) for group in groups.values() if _points(group)]
    return PosedImage(Path(name).name, width, height, tuple(people), path.parent / name)


def _check(shape: Entry, number: int, reading: Reading) -> None:
    needed = 1 if shape["shape_type"] == "point" else 2
    points = shape.get("points")
    fine = isinstance(points, list) and len(points) == needed and all(map(_is_place, points))
    if not fine:
        raise AnnotatorError(f"Shape {number} of {reading.path.name} has no places.", DAMAGED)


def _is_place(point: object) -> bool:
    if not isinstance(point, list) or len(point) != 2:
        return False
    return all(type(v) in (int, float) and math.isfinite(v) for v in point)


def _points(group: Iterable[Entry]) -> list[Entry]:
    return [shape for shape in group if shape["shape_type"] == "point"]


def _skeletons(
    document: Entry, groups: Sequence[Sequence[Entry]], reading: Reading
) -> list[Skeleton]:
    """Return the skeletons to choose from, the last one having every joint of the file."""
    entries = document.get("skeletons")
    try:
        own = [skeleton_of(entry) for entry in entries] if isinstance(entries, list) else []
    except ValueError as error:
        raise reading.damaged(f"has a skeleton that cannot be read: {error}", DAMAGED) from error
    own = [next((known for known in KNOWN_SKELETONS if known == s), s) for s in own]
    labels = [str(shape.get("label")) for group in groups for shape in _points(group)]
    joints = tuple(dict.fromkeys(label for label in labels if label))
    every = [Skeleton(f"{len(joints)} joints", joints)] if joints else []
    return [*own, *KNOWN_SKELETONS, *every]


def _person(group: Sequence[Entry], skeletons: Sequence[Skeleton]) -> PosedPerson:
    points = {str(shape.get("label")): shape for shape in _points(group)}
    boxes = [shape for shape in group if shape["shape_type"] == "rectangle"]
    told = str(boxes[0].get("skeleton")) if boxes else ""
    fitting = [s for s in skeletons if points.keys() <= set(s.joints)] or [skeletons[-1]]
    skeleton = next((s for s in fitting if s.name == told), fitting[0])
    found = [_joint(points.get(joint)) for joint in skeleton.joints]
    keypoints, visibility = tuple(p for p, _ in found), tuple(v for _, v in found)
    box = _box(boxes[0]) if boxes else None
    group_id = group[0].get("group_id")
    return PosedPerson(
        skeleton, keypoints, visibility,
        box or box_of_joints(keypoints, visibility) or (0.0, 0.0, 1.0, 1.0),
        name=str(boxes[0].get("description") or "") if boxes else "",
        label=str(boxes[0].get("label") or "") if boxes else "",
        object_id=group_id if type(group_id) is int and 0 < group_id < 2**31 else 0,
    )  # fmt: skip


def _joint(shape: Entry | None) -> tuple[Point, int]:
    if shape is None:
        return (0.0, 0.0), ABSENT
    flags = shape.get("flags")
    hidden = isinstance(flags, dict) and flags.get("occluded") is True
    x, y = shape["points"][0]
    return (float(x), float(y)), OCCLUDED if hidden or shape.get("difficult") is True else VISIBLE


def _box(shape: Entry) -> Corners | None:
    (x0, y0), (x1, y1) = shape["points"]
    box = (float(min(x0, x1)), float(min(y0, y1)), float(max(x0, x1)), float(max(y0, y1)))
    return box if box[0] < box[2] and box[1] < box[3] else None
