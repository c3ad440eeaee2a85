"""LabelMe JSON: one file a photo, polygons that people can edit there.

An object of several parts becomes several polygons of one group, as LabelMe means it; a
hole is joined to its outline by a bridge without area. Read are polygons, rectangles,
circles and masks; points and lines have no area and are left out.
"""

import base64
import binascii
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, ObjectInfo, object_colour
from annotator.domain.masks import Inside
from annotator.domain.polygons import Polygon, joined, mask_of, polygons_of
from annotator.formats.annotated import UNLABELLED, AnnotatedImage, layered, require_pixels
from annotator.formats.atomic import atomic_write
from annotator.formats.coco import load_json
from annotator.formats.images import MAX_PIXELS, image_size
from annotator.formats.source import DAMAGED, Reading

VERSION = "5.5.0"
_LARGEST = 1 << 28
_CIRCLE_CORNERS = 128
Entry = dict[str, Any]


def write_labelme(path: Path, image: AnnotatedImage, tolerance: float) -> None:
    """Write a photo's objects, completely or not at all; the photo itself is named, not copied.

    Args:
        path: File to write.
        image: The photo.
        tolerance: By how many pixels outlines may be off, to have fewer corners.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    document: Entry = {
        "version": VERSION,
        "flags": {},
        "shapes": [
            shape for info, mask in image.masks() for shape in _shapes(info, mask, tolerance)
        ],
        "imagePath": _relative(path, image),
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }
    with atomic_write(path) as file:
        file.write(json.dumps(document, indent=1, allow_nan=False).encode("ascii"))


def _relative(path: Path, image: AnnotatedImage) -> str:
    if image.path is None:
        return image.file_name
    try:
        return Path(os.path.relpath(image.path, path.absolute().parent)).as_posix()
    except ValueError:  # another Windows drive
        return str(image.path)


def _shapes(info: ObjectInfo, mask: Inside, tolerance: float) -> list[Entry]:
    return [
        {
            "label": info.label or UNLABELLED,
            "points": np.round(joined(polygon.rings), 2).tolist(),
            "group_id": info.object_id,
            "description": info.name,
            "shape_type": "polygon",
            "flags": {},
            "mask": None,
        }
        for polygon in polygons_of(mask, tolerance)
    ]


# --- Reading


def read_labelme(path: Path) -> AnnotatedImage:
    """Read a LabelMe file; shapes of one group and class are one object.

    Raises:
        AnnotatorError: If it is no such file; names the shape that is wrong.
    """
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    shapes = document.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(s, dict) for s in shapes):
        raise reading.damaged('has no list "shapes"', "Choose a file of LabelMe.")
    name = str(document.get("imagePath") or path.with_suffix(".jpg").name).replace("\\", "/")
    height, width = _size(document, path, name)
    masks: dict[object, tuple[ObjectInfo, Inside]] = {}
    for number, shape in enumerate(shapes):
        mask = _mask(shape, number, height, width, reading)
        if mask is None:
            continue
        key = _key(shape, number)
        if key in masks:
            masks[key][1][:] |= mask
        else:
            masks[key] = (_info(shape, len(masks) + 1), mask)
    labels, objects = layered(list(masks.values()), height, width)
    return AnnotatedImage(Path(name).name, labels, objects, path.parent / name)


def _size(document: Entry, path: Path, name: str) -> tuple[int, int]:
    height, width = document.get("imageHeight"), document.get("imageWidth")
    if height is None or width is None:
        width, height = image_size(path.parent / name)
    return require_pixels(path.name, height, width, MAX_PIXELS)


def _key(shape: Entry, number: int) -> object:
    group = shape.get("group_id")
    return number if group is None else (str(shape.get("label")), str(group))


def _info(shape: Entry, object_id: int) -> ObjectInfo:
    label = str(shape.get("label") or "")
    label = "" if label == UNLABELLED else label
    name = str(shape.get("description") or "") or f"{label or 'Object'} {object_id}"
    return ObjectInfo(object_id, name, label, object_colour(object_id))


def _mask(shape: Entry, number: int, height: int, width: int, reading: Reading) -> Inside | None:
    kind = shape.get("shape_type") or "polygon"
    try:
        points = np.array(shape.get("points"), np.float64).reshape(-1, 2)
        if not np.isfinite(points).all():
            raise ValueError("its points are not finite")
        if kind == "mask":
            return _pasted(shape, points, height, width)
        outline = _OUTLINES[kind](points) if kind in _OUTLINES else None
    except (ValueError, TypeError, OverflowError, IndexError, OSError) as error:
        raise AnnotatorError(
            f"Shape {number} of {reading.path.name} cannot be read: {error}.", DAMAGED
        ) from error
    return None if outline is None else mask_of([Polygon(outline)], height, width)


def _rectangle(points: Any) -> Any:  # noqa: ANN401 - [K, 2] floats
    (x0, y0), (x1, y1) = points[0], points[1]
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _circle(points: Any) -> Any:  # noqa: ANN401 - [K, 2] floats
    radius = float(np.linalg.norm(points[1] - points[0]))
    angles = np.linspace(0, 2 * np.pi, _CIRCLE_CORNERS, endpoint=False)
    return points[0] + radius * np.column_stack([np.cos(angles), np.sin(angles)])


_OUTLINES = {"polygon": lambda points: points, "rectangle": _rectangle, "circle": _circle}


def _pasted(shape: Entry, points: Any, height: int, width: int) -> Inside:  # noqa: ANN401
    """Return a mask that stands as a picture in the rectangle of two points."""
    try:
        data = base64.b64decode(str(shape.get("mask") or ""), validate=True)
    except binascii.Error as error:
        raise ValueError("its mask is not base64") from error
    x0, y0 = (int(v) for v in np.floor(points.min(axis=0)))
    with Pillow.open(io.BytesIO(data), formats=["PNG"]) as image:
        if image.width > width or image.height > height:
            raise ValueError("its mask is larger than the photo")
        small = np.array(image.convert("L")) > 0
    mask = np.zeros((height, width), np.bool_)
    x0, y0 = max(x0, 0), max(y0, 0)
    window = mask[y0 : y0 + small.shape[0], x0 : x0 + small.shape[1]]
    window[:] = small[: window.shape[0], : window.shape[1]]
    return mask
