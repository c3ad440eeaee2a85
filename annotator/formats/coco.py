"""COCO instances: one JSON file for all photos.

    {"images": [{"id", "file_name", "width", "height"}],
     "categories": [{"id", "name", "supercategory"}],
     "annotations": [{"id", "image_id", "category_id", "segmentation", "area", "bbox",
                      "iscrowd", "attributes"}]}

Segmentations are run-length codes, which are exact, or polygons. A polygon cannot leave out
a hole, so holes are joined to their outline by a bridge without area. `area` and `bbox`
are those of the pixels. `attributes` hold what COCO has no place for: the object's name,
id and colour.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.domain import AnnotatorError, ObjectInfo, object_colour, rle
from annotator.domain.masks import Inside, bounds_of
from annotator.domain.polygons import Polygon, joined, mask_of, polygons_of
from annotator.formats.annotated import (
    UNLABELLED,
    AnnotatedImage,
    ClassNumbers,
    layered,
    require_pixels,
)
from annotator.formats.atomic import atomic_write
from annotator.formats.images import MAX_PIXELS
from annotator.formats.source import DAMAGED, Reading

_LARGEST = 1 << 30
Entry = dict[str, Any]


def write_coco(
    path: Path,
    images: Iterable[AnnotatedImage],
    classes: Sequence[str] = (),
    *,
    tolerance: float | None = None,
) -> None:
    """Write photos as COCO instances, completely or not at all.

    Args:
        path: File to write.
        images: The photos.
        classes: Names of the project's classes, which get the first category ids.
        tolerance: For polygons that may be off by so many pixels; None for run-length codes.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    numbers = ClassNumbers(classes)
    entries: list[Entry] = []
    annotations: list[Entry] = []
    for image_id, image in enumerate(images, 1):
        size = {"width": image.width, "height": image.height}
        entries.append({"id": image_id, "file_name": image.file_name, **size})
        for info, mask in image.masks():
            annotation = _annotation(info, mask, tolerance)
            keys = {"id": len(annotations) + 1, "image_id": image_id}
            annotations.append(
                {**keys, "category_id": numbers.number(info.label) + 1, **annotation}
            )
    names = enumerate(numbers.names, 1)
    document = {
        "info": {"description": "Click Annotator", "version": "1.0"},
        "licenses": [],
        "images": entries,
        "annotations": annotations,
        "categories": [{"id": i, "name": name, "supercategory": ""} for i, name in names],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(document, allow_nan=False).encode("ascii"))


def _annotation(info: ObjectInfo, mask: Inside, tolerance: float | None) -> Entry:
    x0, y0, x1, y1 = bounds_of(mask) or (0, 0, 0, 0)
    if tolerance is None:
        segmentation: Any = {"size": list(mask.shape), "counts": rle.to_text(rle.encode(mask))}
    else:
        segmentation = [_flat(polygon) for polygon in polygons_of(mask, tolerance)]
    return {
        "segmentation": segmentation,
        "area": int(mask.sum()),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "attributes": {
            "object_id": info.object_id,
            "name": info.name,
            "colour": list(info.colour),
        },
    }


def _flat(polygon: Polygon) -> list[float]:
    return [float(v) for v in np.round(joined(polygon.rings), 2).ravel()]


# --- Reading


@dataclass(frozen=True)
class _Dataset:
    """A COCO file as checked so far."""

    reading: Reading
    categories: dict[int, str]
    annotations: dict[int, list[Entry]]


def read_coco(path: Path) -> Iterator[AnnotatedImage]:
    """Read the photos of a COCO file, one after another.

    Where objects overlap, the smaller one lies on top.

    Raises:
        AnnotatorError: If it is no such file; names the annotation that is wrong.
    """
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    images = _list(document, "images", reading)
    categories = {
        _id(entry, "id", reading): str(entry.get("name", ""))
        for entry in _list(document, "categories", reading)
    }
    by_image: dict[int, list[Entry]] = {}
    for annotation in _list(document, "annotations", reading):
        by_image.setdefault(_id(annotation, "image_id", reading), []).append(annotation)
    dataset = _Dataset(reading, categories, by_image)
    for image in images:
        yield _image(image, dataset)


def load_json(reading: Reading, largest: int) -> Entry:
    """Read a JSON object.

    Raises:
        AnnotatorError: If the file is none, or too large.
    """
    if reading.size > largest:
        raise reading.damaged("is too large", "Split it into several files.")
    try:
        document = json.loads(reading.path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise reading.damaged(f"is not a JSON file ({str(error)[:100]})", DAMAGED) from error
    if not isinstance(document, dict):
        raise reading.damaged("holds no JSON object", DAMAGED)
    return document


def _list(document: Entry, key: str, reading: Reading) -> list[Entry]:
    entries = document.get(key)
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise reading.damaged(f'has no list "{key}"', "Choose a file of COCO instances.")
    return entries


def _id(entry: Entry, key: str, reading: Reading) -> int:
    value = entry.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise reading.damaged(f'has a "{key}" that is no whole number', DAMAGED)
    return value


def _image(image: Entry, dataset: _Dataset) -> AnnotatedImage:
    name = str(image.get("file_name") or "")
    height, width = require_pixels(
        dataset.reading.path.name, image.get("height"), image.get("width"), MAX_PIXELS
    )
    masks = []
    taken: set[int] = set()
    for annotation in dataset.annotations.get(_id(image, "id", dataset.reading), []):
        if annotation.get("segmentation"):
            info = _info(annotation, taken, dataset.categories)
            taken.add(info.object_id)
            masks.append((info, _mask(annotation, height, width, dataset.reading)))
    labels, objects = layered(masks, height, width)
    return AnnotatedImage(name, labels, objects)


def _info(annotation: Entry, taken: set[int], categories: dict[int, str]) -> ObjectInfo:
    attributes = annotation.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    object_id = attributes.get("object_id")
    if not isinstance(object_id, int) or not 0 < object_id < 2**31 or object_id in taken:
        object_id = max(taken, default=0) + 1
    category = annotation.get("category_id")
    label = categories.get(category, "") if isinstance(category, int) else ""
    name = str(attributes.get("name") or f"{label or 'Object'} {object_id}")
    colour = colour_of(attributes.get("colour"), object_id)
    return ObjectInfo(object_id, name, "" if label == UNLABELLED else label, colour)


def colour_of(value: object, object_id: int) -> tuple[int, int, int]:
    """Return a colour that a file gives as three numbers, or the object's own."""
    if isinstance(value, list) and len(value) == 3:
        numbers = [v for v in value if isinstance(v, int) and 0 <= v <= 255]
        if len(numbers) == 3:
            return numbers[0], numbers[1], numbers[2]
    return object_colour(object_id)


def _mask(annotation: Entry, height: int, width: int, reading: Reading) -> Inside:
    segmentation = annotation["segmentation"]
    try:
        if isinstance(segmentation, dict):
            return _from_runs(segmentation, height, width)
        rings = [np.array(ring, np.float64).reshape(-1, 2) for ring in segmentation]
        if not all(np.isfinite(ring).all() for ring in rings):
            raise ValueError("coordinates that are not finite")
        return mask_of([Polygon(ring) for ring in rings], height, width)
    except (ValueError, TypeError, OverflowError) as error:
        number = annotation.get("id")
        raise AnnotatorError(
            f"Annotation {number} of {reading.path.name} has no readable mask: {error}.", DAMAGED
        ) from error


def _from_runs(segmentation: Entry, height: int, width: int) -> Inside:
    if segmentation.get("size") != [height, width]:
        raise ValueError(f"its size is {segmentation.get('size')}, not {[height, width]}")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        return rle.decode(rle.from_text(counts), height, width)
    if not isinstance(counts, list) or not all(type(c) is int for c in counts):
        raise ValueError("its counts are no list of whole numbers")
    return rle.decode(counts, height, width)
