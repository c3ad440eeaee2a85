"""YOLO segmentation: a text file a photo, a line an object, corners from 0 to 1.

    labels/NAME.txt   class x1 y1 x2 y2 ... of each object
    classes.txt       the class names, one a line
    data.yaml         the same for Ultralytics, whose photos lie in images/ beside labels/

A line is a single ring: holes and further parts are joined to it by bridges without area.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from annotator.domain import AnnotatorError, ObjectInfo, object_colour
from annotator.domain.masks import Inside
from annotator.domain.polygons import Polygon, joined, mask_of, polygons_of
from annotator.formats.annotated import (
    UNLABELLED,
    AnnotatedImage,
    ClassNumbers,
    FileNames,
    layered,
)
from annotator.formats.atomic import atomic_write
from annotator.formats.images import image_files
from annotator.formats.source import DAMAGED, Reading

_LARGEST = 1 << 28


def write_yolo(
    folder: Path,
    images: Iterable[AnnotatedImage],
    classes: Sequence[str] = (),
    *,
    tolerance: float = 0.49,
) -> list[Path]:
    """Write photos as YOLO segmentation; return the text files.

    Args:
        folder: Where to; made if needed.
        images: The photos.
        classes: Names of the project's classes, which get the first numbers.
        tolerance: By how many pixels outlines may be off, to have fewer corners.

    Raises:
        AnnotatorError: If a file cannot be written.
    """
    numbers, names = ClassNumbers(classes), FileNames()
    labels = folder / "labels"
    labels.mkdir(parents=True, exist_ok=True)
    written = []
    for image in images:
        path = labels / f"{names.stem(image.file_name)}.txt"
        lines = [_line(numbers.number(info.label), mask, tolerance) for info, mask in image.masks()]
        with atomic_write(path) as file:
            file.write("".join(lines).encode("ascii"))
        written.append(path)
    _write_classes(folder, numbers.names)
    return written


def _line(number: int, mask: Inside, tolerance: float) -> str:
    rings = [ring for polygon in polygons_of(mask, tolerance) for ring in polygon.rings]
    height, width = mask.shape
    corners = joined(rings) / (width, height)
    return f"{number} {' '.join(f'{v:.6f}' for v in corners.ravel().tolist())}\n"


def _write_classes(folder: Path, names: Sequence[str]) -> None:
    with atomic_write(folder / "classes.txt") as file:
        file.write("".join(f"{name}\n" for name in names).encode())
    lines = ["path: .", "train: images", "val: images", "names:"]
    # JSON strings are YAML strings, whatever a class is called.
    lines += [f"  {number}: {json.dumps(name)}" for number, name in enumerate(names)]
    with atomic_write(folder / "data.yaml") as file:
        file.write(("\n".join(lines) + "\n").encode())


def read_yolo(path: Path, width: int, height: int) -> AnnotatedImage:
    """Read the text file of a photo of the given size.

    Class names are taken from classes.txt in its folder or the one above.

    Raises:
        AnnotatorError: If a line is no polygon.
    """
    reading = Reading.of(path)
    if reading.size > _LARGEST:
        raise reading.damaged("is too large", DAMAGED)
    names = _class_names(path)
    masks: list[tuple[ObjectInfo, Inside]] = []
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        found = _object(line.split(), len(masks) + 1, (width, height), names)
        if found is None:
            raise AnnotatorError(
                f"Line {number} of {path.name} is no class with a polygon.",
                "Each line needs a class number and at least three corners x y.",
            )
        masks.append(found)
    labels, objects = layered(masks, height, width)
    return AnnotatedImage(path.with_suffix(".jpg").name, labels, objects, None)


def _object(
    words: Sequence[str], object_id: int, size: tuple[int, int], names: Sequence[str]
) -> tuple[ObjectInfo, Inside] | None:
    try:
        number = int(words[0])
        corners = np.array([float(word) for word in words[1:]]).reshape(-1, 2) * size
    except (ValueError, OverflowError):
        return None
    if number < 0 or len(corners) < 3 or not np.isfinite(corners).all():
        return None
    label = names[number] if number < len(names) else f"class {number}"
    label = "" if label == UNLABELLED else label
    colour = object_colour(object_id)
    info = ObjectInfo(object_id, f"{label or 'Object'} {object_id}", label, colour)
    return info, mask_of([Polygon(corners)], size[1], size[0])


def _class_names(path: Path) -> list[str]:
    for folder in (path.parent, path.parent.parent):
        if (folder / "classes.txt").is_file():
            return (folder / "classes.txt").read_text("utf-8", "replace").splitlines()
    return []


def photo_of(path: Path, photos: Path | None) -> Path:
    """Return the photo of a YOLO file, whose numbers are shares of the photo's size.

    Args:
        path: The file of labels.
        photos: Where to look first; None for the usual places alone.

    Raises:
        AnnotatorError: If there is none.
    """
    beside = Path(*("images" if part == "labels" else part for part in path.absolute().parts))
    for folder in (photos, path.parent, beside.parent):
        if folder is not None and folder.is_dir():
            for photo in image_files(folder):
                if photo.stem == path.stem:
                    return photo
    raise AnnotatorError(
        f"There is no photo for {path.name}, whose size is needed.",
        "Put the photos into images/ beside labels/, or name their folder.",
    )
