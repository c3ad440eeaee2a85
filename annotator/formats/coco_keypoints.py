"""COCO keypoints: one JSON file for all photos, as pycocotools evaluates it.

Beside the fields of COCO instances, a category has `keypoints` (names) and `skeleton` (edges,
counted from 1), an annotation `keypoints` ([x, y, v] a joint; v = 0 absent, 1 occluded,
2 visible; 0, 0, 0 if absent) and `num_keypoints` (v > 0). `bbox` is x, y, width, height;
`area` that of the box unless the person came with another one. Coordinates are written as
they are; COCO does not say whether whole numbers are corners or centres of pixels.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError, Skeleton
from annotator.domain.people import PosedImage, PosedPerson, box_of_joints
from annotator.domain.poses import ABSENT, Corners
from annotator.formats.annotated import require_pixels
from annotator.formats.atomic import atomic_write
from annotator.formats.coco import load_json
from annotator.formats.images import MAX_PIXELS
from annotator.formats.skeletons import category_entry, skeleton_of_category
from annotator.formats.source import DAMAGED, Reading

PERSON = "person"
_LARGEST = 1 << 30
_DIGITS = 6
Entry = dict[str, Any]


def write_coco_keypoints(path: Path, images: Iterable[PosedImage]) -> None:
    """Write people, completely or not at all.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    categories = _Categories()
    entries: list[Entry] = []
    annotations: list[Entry] = []
    for image_id, image in enumerate(images, 1):
        size = {"width": image.width, "height": image.height}
        entries.append({"id": image_id, "file_name": image.file_name, **size})
        for person in image.people:
            keys = {"id": len(annotations) + 1, "image_id": image_id}
            category = categories.number(person)
            annotations.append({**keys, "category_id": category, **_annotation(person)})
    document = {
        "info": {"description": "Click Annotator", "version": "1.0"},
        "licenses": [],
        "images": entries,
        "annotations": annotations,
        "categories": categories.entries() or [_default_category()],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(document, allow_nan=False).encode("ascii"))


class _Categories:
    """One category for every class with a skeleton."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Skeleton], int] = {}

    def number(self, person: PosedPerson) -> int:
        key = (person.label or PERSON, person.skeleton)
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def entries(self) -> list[Entry]:
        return [category_entry(s, number, label) for (label, s), number in self._numbers.items()]


def _default_category() -> Entry:
    from annotator.domain import COCO_17

    return category_entry(COCO_17, 1, PERSON)


def _annotation(person: PosedPerson) -> Entry:
    triples = zip(person.keypoints, person.visibility, strict=True)
    x0, y0, x1, y1 = person.box
    flat: list[float] = []
    for (x, y), v in triples:
        flat += [0, 0, 0] if v == ABSENT else [round(x, _DIGITS), round(y, _DIGITS), v]
    entry: Entry = {
        "keypoints": flat,
        "num_keypoints": sum(v != ABSENT for v in person.visibility),
        "bbox": [round(v, _DIGITS) for v in (x0, y0, x1 - x0, y1 - y0)],
        "area": (x1 - x0) * (y1 - y0) if person.area is None else person.area,
        "iscrowd": int(person.crowd),
        "segmentation": [],
        "attributes": {"object_id": person.object_id, "name": person.name},
    }
    return entry if person.score is None else {**entry, "score": person.score}


# --- Reading


def read_coco_keypoints(path: Path) -> Iterator[PosedImage]:
    """Read the people of a COCO file, photo by photo; annotations without joints are left out.

    Raises:
        AnnotatorError: If it is no such file; names the annotation that is wrong.
    """
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    skeletons = _skeletons(document, reading)
    if not skeletons:
        raise reading.damaged("has no category with keypoints", "Choose a file of COCO keypoints.")
    by_image: dict[Any, list[Entry]] = {}
    for annotation in _entries(document, "annotations", reading):
        by_image.setdefault(_key(annotation.get("image_id"), reading), []).append(annotation)
    for image in _entries(document, "images", reading):
        found = by_image.get(_key(image.get("id"), reading), [])
        yield _image(image, found, skeletons, reading)


def _entries(document: Entry, key: str, reading: Reading) -> list[Entry]:
    entries = document.get(key)
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise reading.damaged(f'has no list "{key}"', "Choose a file of COCO keypoints.")
    return entries


def _key(value: object, reading: Reading) -> int | str:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise reading.damaged(f"has an image with the id {value!r}", DAMAGED)


def _skeletons(document: Entry, reading: Reading) -> dict[Any, tuple[str, Skeleton]]:
    """Return label and skeleton of each category that has keypoints, by its id."""
    found = {}
    for category in _entries(document, "categories", reading):
        if category.get("keypoints"):
            try:
                skeleton = skeleton_of_category(category)
            except ValueError as error:
                name = category.get("name")
                raise reading.damaged(f"has a category {name!r}: {error}", DAMAGED) from error
            found[_key(category.get("id"), reading)] = (str(category.get("name", "")), skeleton)
    return found


def _image(
    image: Entry,
    annotations: list[Entry],
    skeletons: dict[Any, tuple[str, Skeleton]],
    reading: Reading,
) -> PosedImage:
    height, width = require_pixels(
        reading.path.name, image.get("height"), image.get("width"), MAX_PIXELS
    )
    people = []
    for annotation in annotations:
        category = annotation.get("category_id")
        if annotation.get("keypoints") and isinstance(category, int) and category in skeletons:
            people.append(_person(annotation, *skeletons[category], reading))
    return PosedImage(str(image.get("file_name") or ""), width, height, tuple(people))


def _person(annotation: Entry, label: str, skeleton: Skeleton, reading: Reading) -> PosedPerson:
    try:
        values = _numbers(annotation["keypoints"], 3 * len(skeleton))
        keypoints = tuple((x, y) for x, y in zip(values[::3], values[1::3], strict=True))
        visibility = tuple(_visibility(v) for v in values[2::3])
        box = _box(annotation.get("bbox")) or box_of_joints(keypoints, visibility)
        area, score = (_optional(annotation.get(key)) for key in ("area", "score"))
    except ValueError as error:
        number = annotation.get("id")
        raise AnnotatorError(
            f"Annotation {number} of {reading.path.name} has no readable joints: {error}.", DAMAGED
        ) from error
    attributes = annotation.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    object_id = attributes.get("object_id")
    return PosedPerson(
        skeleton, keypoints, visibility, box or (0.0, 0.0, 1.0, 1.0),
        name=str(attributes.get("name") or ""), label=label, score=score, area=area,
        crowd=bool(annotation.get("iscrowd")),
        object_id=object_id if type(object_id) is int and 0 < object_id < 2**31 else 0,
    )  # fmt: skip


def _numbers(values: object, count: int) -> list[float]:
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"it needs {count} numbers")
    if not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ValueError("a coordinate is no finite number")
    return [float(v) for v in values]


def _visibility(value: float) -> int:
    if value not in (0, 1, 2):
        raise ValueError(f"visibility {value:g} is none of 0, 1, 2")
    return int(value)


def _optional(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None  # type: ignore[arg-type]


def _box(value: object) -> Corners | None:
    if value is None:
        return None
    x, y, width, height = _numbers(value, 4)
    return (x, y, x + width, y + height) if width > 0 and height > 0 else None
