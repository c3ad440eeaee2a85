"""Labelled photos of public collections, read from local folders.

Every reader yields `Photo`s: an image and one or more *layers*, each a map of labels
(0 background, 1.. regions, 255 unknown). A layer of kind "object" holds whole things,
a layer of kind "part" holds regions that a person marked inside or across things.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
VOID = 255
_LONG_SIDE = 512
_SMALLEST = 0.003
_MOST_REGIONS = 60


@dataclass
class Photo:
    """A training photo.

    Attributes:
        name: Unique, starts with the collection.
        image: RGB [H, W, 3].
        layers: Kind ("object", "part") and label map [H, W] pairs.
    """

    name: str
    image: UInt8
    layers: list[tuple[str, UInt8]] = field(default_factory=list)


def read_rgb(path: Path) -> UInt8:
    """Read an image file as RGB, at most 512 pixels long.

    Raises:
        ValueError: If the file is not a readable image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: not a readable image")
    scale = _LONG_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8)


def _resize_labels(labels: UInt8, shape: tuple[int, ...]) -> UInt8:
    size = (shape[1], shape[0])
    return cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _paint(polygons: list[list[float]], shape: tuple[int, ...], scale: npt.NDArray[Any]) -> UInt8:
    mask = np.zeros(shape[:2], np.uint8)
    for flat in polygons:
        points = np.round(np.asarray(flat, np.float64).reshape(-1, 2) * scale).astype(np.int32)
        cv2.fillPoly(mask, [points], 1)
    return mask


def _run_lengths(segmentation: dict[str, Any], shape: tuple[int, ...]) -> UInt8:
    """Decode COCO's uncompressed run lengths, column by column."""
    height, width = segmentation["size"]
    flat = np.zeros(height * width, np.uint8)
    ends = np.cumsum(segmentation["counts"])
    for start, end in zip(ends[0::2], ends[1::2], strict=False):
        flat[start:end] = 1
    return _resize_labels(flat.reshape(width, height).T.copy(), shape)


def _stack(masks: list[tuple[UInt8, bool]], shape: tuple[int, ...]) -> UInt8:
    """Paint masks, large below small; crowds (true) become unknown."""
    labels = np.zeros(shape[:2], np.uint8)
    masks = sorted(masks, key=lambda item: -int(item[0].sum()))
    count = 0
    for mask, crowd in masks:
        if crowd:
            labels[mask > 0] = VOID
        elif mask.mean() >= _SMALLEST and count < _MOST_REGIONS:
            count += 1
            labels[mask > 0] = count
    return labels


def coco_photos(root: Path, reserved: set[int]) -> Iterator[Photo]:
    """Photos of a folder with COCO files (`annotations/instances_*.json`) and their images."""
    files = {path.name: path for path in sorted(root.rglob("*.jpg"))}
    for listing in sorted(root.glob("annotations/instances_*.json")):
        content = json.loads(listing.read_text())
        marks: dict[int, list[dict[str, Any]]] = {}
        for mark in content["annotations"]:
            marks.setdefault(mark["image_id"], []).append(mark)
        for entry in content["images"]:
            number = int(Path(entry["file_name"]).stem)
            path = files.get(f"{number:012d}.jpg")
            if number in reserved or path is None or number not in marks:
                continue
            image = read_rgb(path)
            scale = np.asarray([image.shape[1] / entry["width"], image.shape[0] / entry["height"]])
            masks = [(_coco_mask(m, image.shape, scale), bool(m["iscrowd"])) for m in marks[number]]
            layer = ("object", _stack(masks, image.shape))
            yield Photo(f"coco-{number:012d}", image, [layer])


def _coco_mask(mark: dict[str, Any], shape: tuple[int, ...], scale: npt.NDArray[Any]) -> UInt8:
    segmentation = mark["segmentation"]
    if isinstance(segmentation, list):
        return _paint(segmentation, shape, scale)
    return _run_lengths(segmentation, shape)


def yolo_photos(root: Path, reserved: set[int]) -> Iterator[Photo]:
    """COCO photos of a folder `images/` with polygons in `instance_segmentation/labels/`."""
    for path in sorted((root / "images").rglob("*.jpg")):
        listing = root / "instance_segmentation" / "labels" / path.parent.name / f"{path.stem}.txt"
        if int(path.stem) in reserved or not listing.is_file():
            continue
        image = read_rgb(path)
        scale = np.asarray([image.shape[1], image.shape[0]])
        lines = [[float(v) for v in line.split()[1:]] for line in listing.read_text().splitlines()]
        masks = [(_paint([line], image.shape, scale), False) for line in lines if len(line) >= 6]
        yield Photo(f"coco-{path.stem}", image, [("object", _stack(masks, image.shape))])


def clothing_photos(root: Path, _: set[int]) -> Iterator[Photo]:
    """The pixel-labelled photos of Clothing Co-Parsing: the person, and the garments."""
    from scipy.io import loadmat

    for listing in sorted((root / "annotations" / "pixel-level").glob("*.mat")):
        image = read_rgb(root / "photos" / f"{listing.stem}.jpg")
        parts = _resize_labels(loadmat(listing)["groundtruth"].astype(np.uint8), image.shape)
        person = (parts > 0).astype(np.uint8)
        yield Photo(f"ccp-{listing.stem}", image, [("object", person), ("part", parts)])


def berkeley_photos(root: Path, reserved: set[int]) -> Iterator[Photo]:
    """BSDS500: every person's segmentation is a layer of parts."""
    from scipy.io import loadmat

    data = root / "BSDS500" / "data"
    for listing in sorted((data / "groundTruth").rglob("*.mat")):
        if int(listing.stem) in reserved:
            continue
        image = read_rgb(data / "images" / listing.parent.name / f"{listing.stem}.jpg")
        people = loadmat(listing)["groundTruth"][0]
        layers = [
            ("part", _segments(person["Segmentation"][0, 0], image.shape)) for person in people
        ]
        yield Photo(f"bsds-{listing.stem}", image, layers)


def _segments(segmentation: npt.NDArray[Any], shape: tuple[int, ...]) -> UInt8:
    """Number the large segments from 1; small ones stay 0."""
    labels = np.zeros(segmentation.shape, np.uint8)
    values, counts = np.unique(segmentation, return_counts=True)
    kept = values[counts >= _SMALLEST * segmentation.size][:_MOST_REGIONS]
    for index, value in enumerate(kept):
        labels[segmentation == value] = index + 1
    return _resize_labels(labels, shape)


Reader = Callable[[Path, set[int]], Iterator[Photo]]
COLLECTIONS: dict[str, tuple[Reader, str]] = {
    "BSDS500": (berkeley_photos, "bsds"),
    "COCO128": (coco_photos, "coco"),
    "COCO_Tiny": (coco_photos, "coco"),
    "COCO-MINI": (coco_photos, "coco"),
    "tiny_coco": (coco_photos, "coco"),
    "coco128_yolo": (yolo_photos, "coco"),
    "clothing-co-parsing": (clothing_photos, ""),
}
"""Folder name, its reader, and which list of reserved numbers applies."""


def read_numbers(path: Path | None) -> set[int]:
    """Return the numbers in a text file, one a line; none without a file."""
    if path is None:
        return set()
    return {int(match) for match in re.findall(r"^\s*(\d+)\s*$", path.read_text(), re.MULTILINE)}
