"""Training views: a crop of a photo, changed at random, and objects in it to click on.

Everything is drawn from the generator that is passed in, so a view depends on nothing else.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.clickseg.training.sources import VOID, UInt8

Rng = np.random.Generator
Box = tuple[int, int, int, int]
"""Row begin, row end, column begin, column end; ends excluded."""

KIND_WEIGHTS = {"object": 1.0, "salient": 1.5, "part": 0.2}
COLLECTION_WEIGHTS = {"coco": 0.45, "bsds": 0.35, "ccp": 0.2}
_SMALLEST_SHARE = 0.008
_LARGEST_SHARE = 0.85


@dataclass(frozen=True, eq=False)
class View:
    """A square crop to train on.

    Attributes:
        image: RGB [S, S, 3].
        targets: Labels of the objects to click on, [P, S, S]: 0, 1 or 255 (unknown).
    """

    image: UInt8
    targets: UInt8


@dataclass(frozen=True, eq=False)
class Stored:
    """A prepared photo; arrays stay in the files until they are touched.

    Attributes:
        name: The photo's.
        image: RGB [H, W, 3].
        layers: Kind and label map [H, W].
    """

    name: str
    image: UInt8
    layers: list[tuple[str, UInt8]]


class PhotoStore:
    """The photos of one split of a prepared folder.

    Args:
        root: Written by `models.clickseg.training.prepare`.
        split: "train" or "val".

    Raises:
        FileNotFoundError: If the folder holds no index.
    """

    def __init__(self, root: Path, split: str) -> None:
        entries = json.loads((root / "index.json").read_text())
        self._photos: dict[str, list[Stored]] = {}
        for entry in entries:
            if entry["split"] == split:
                photo = _open(root, entry)
                self._photos.setdefault(photo.name.split("-")[0], []).append(photo)
        weights = np.asarray([COLLECTION_WEIGHTS.get(name, 0.3) for name in self._photos])
        self._weights = weights / weights.sum() if len(weights) else weights

    def __len__(self) -> int:
        return sum(len(group) for group in self._photos.values())

    def all(self) -> list[Stored]:
        """Return every photo in a fixed order."""
        return [photo for group in self._photos.values() for photo in group]

    def draw(self, rng: Rng) -> Stored:
        """Draw a photo, collections by their weights."""
        groups = list(self._photos.values())
        group = groups[rng.choice(len(groups), p=self._weights)]
        return group[rng.integers(len(group))]


def _open(root: Path, entry: dict[str, Any]) -> Stored:
    name = entry["name"]
    image = np.load(root / "images" / f"{name}.npy", mmap_mode="r")
    labels = np.load(root / "labels" / f"{name}.npy", mmap_mode="r")
    return Stored(name, image, list(zip(entry["kinds"], labels, strict=True)))


def draw_layer(rng: Rng, photo: Stored) -> UInt8:
    """Draw one of a photo's label maps; whole things more often than parts."""
    kinds = [kind for kind, _ in photo.layers]
    weights = np.asarray([KIND_WEIGHTS[kind] / kinds.count(kind) for kind in kinds])
    layer = photo.layers[rng.choice(len(kinds), p=weights / weights.sum())][1]
    return np.asarray(layer)


def draw_object(rng: Rng, labels: UInt8) -> UInt8 | None:
    """Draw one region of a label map as 0, 1, 255; None if none has a fitting size."""
    counts = np.bincount(labels.ravel(), minlength=256)[1:VOID]
    shares = counts / labels.size
    fitting = np.flatnonzero((shares > _SMALLEST_SHARE) & (shares < _LARGEST_SHARE)) + 1
    if len(fitting) == 0:
        return None
    weights = np.sqrt(counts[fitting - 1])
    label = rng.choice(fitting, p=weights / weights.sum())
    target: UInt8 = (labels == label).astype(np.uint8)
    target[labels == VOID] = VOID
    return target


def bounds(mask: npt.NDArray[Any]) -> Box:
    """Return the box of the pixels that are 1 in a mask [H, W] that has some."""
    rows, columns = np.flatnonzero((mask == 1).any(1)), np.flatnonzero((mask == 1).any(0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def draw_window(rng: Rng, target: UInt8) -> Box:
    """Draw a crop: the whole photo, a part of it, or a close view of the object."""
    height, width = target.shape
    style = rng.random()
    if style < 0.35:
        return 0, height, 0, width
    if style < 0.7:
        top, bottom, left, right = bounds(target)
        grow = rng.uniform(1.15, 2.0, 2)
        sizes = (max((bottom - top) * grow[0], 60), max((right - left) * grow[1], 60))
        sizes = (max(sizes[0], 0.6 * sizes[1]), max(sizes[1], 0.6 * sizes[0]))
        centre = ((top + bottom) / 2, (left + right) / 2)
        shift = rng.uniform(-0.08, 0.08, 2) * sizes
        return _clamped(centre[0] + shift[0], centre[1] + shift[1], sizes, (height, width))
    side = rng.uniform(0.5, 1.0) * min(height, width)
    sizes = (side * rng.uniform(0.8, 1.25), side * rng.uniform(0.8, 1.25))
    rows, columns = np.nonzero(target == 1)
    pick = rng.integers(len(rows))
    shift = rng.uniform(-0.35, 0.35, 2) * sizes
    return _clamped(rows[pick] + shift[0], columns[pick] + shift[1], sizes, (height, width))


def _clamped(y: float, x: float, sizes: tuple[float, float], shape: tuple[int, int]) -> Box:
    box = []
    for centre, size, length in zip((y, x), sizes, shape, strict=True):
        size = min(round(size), length)
        begin = min(max(round(centre - size / 2), 0), length - size)
        box += [int(begin), int(begin + size)]
    return box[0], box[1], box[2], box[3]


def cut(array: UInt8, box: Box, side: int, smooth: bool) -> UInt8:
    """Cut a box out of an array and resize it to a square."""
    part = np.ascontiguousarray(array[box[0] : box[1], box[2] : box[3]])
    shrinks = min(part.shape[:2]) > side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(part, (side, side), interpolation=method if smooth else cv2.INTER_NEAREST)
    return np.asarray(resized, np.uint8)


def change_colours(rng: Rng, image: UInt8) -> UInt8:
    """Change brightness, contrast, saturation and tint of an RGB image; sometimes blur it."""
    x = image.astype(np.float32)
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * (0.0 if rng.random() < 0.04 else rng.uniform(0.6, 1.4))
    x = (x - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-30, 30)
    x *= rng.uniform(0.9, 1.1, 3).astype(np.float32)
    if rng.random() < 0.15:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.15:
        x += rng.normal(0, rng.uniform(2, 8), x.shape).astype(np.float32)
    changed: UInt8 = np.clip(x, 0, 255).astype(np.uint8)
    return changed


def paste(rng: Rng, view: UInt8, image: UInt8, target: UInt8) -> tuple[UInt8, UInt8] | None:
    """Paste an object of another photo into a view, with colours moved towards the view's.

    Args:
        rng: Decides place, size and colours.
        view: RGB [S, S, 3] to paste into.
        image: RGB [H, W, 3] with the object.
        target: The object, [H, W].

    Returns:
        The composite [S, S, 3] and the object's mask in it [S, S], or None if nothing is seen.
    """
    side = len(view)
    box = bounds(target)
    part, mask = image[box[0] : box[1], box[2] : box[3]], target[box[0] : box[1], box[2] : box[3]]
    scale = rng.uniform(0.25, 0.85) * side / max(mask.shape)
    size = tuple(max(round(n * scale), 8) for n in mask.shape)
    soft = cv2.GaussianBlur((mask == 1).astype(np.float32), (0, 0), 0.8)
    soft = cv2.resize(soft, size[::-1], interpolation=cv2.INTER_AREA)
    part = np.ascontiguousarray(part)
    part = cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    if rng.random() < 0.5:
        soft, part = soft[:, ::-1], part[:, ::-1]
    top = int(rng.uniform(-0.2, 1.2) * max(side - size[0], 1))
    left = int(rng.uniform(-0.2, 1.2) * max(side - size[1], 1))
    alpha = np.zeros((side, side), np.float32)
    layer = np.zeros((side, side, 3), np.float32)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + size[0], side), min(left + size[1], side)
    if y1 - y0 < 8 or x1 - x0 < 8:
        return None
    alpha[y0:y1, x0:x1] = soft[y0 - top : y1 - top, x0 - left : x1 - left]
    layer[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]
    own = alpha > 0.5
    if not _SMALLEST_SHARE < own.mean() < _LARGEST_SHARE:
        return None
    pull = rng.uniform(0.0, 0.6)
    layer += pull * (view.reshape(-1, 3).mean(0) - layer[own].mean(0))
    mixed = view * (1 - alpha[..., None]) + layer.clip(0, 255) * alpha[..., None]
    return mixed.clip(0, 255).astype(np.uint8), own.astype(np.uint8)


def draw_view(rng: Rng, store: PhotoStore, side: int, prompts: int, pasted: float = 0.3) -> View:
    """Draw a view with objects to click on.

    Args:
        rng: Decides everything.
        store: Photos.
        side: Pixels along the view's side.
        prompts: How many objects, possibly the same one again.
        pasted: Share of views with an object pasted in.
    """
    while True:
        photo = store.draw(rng)
        anchor = draw_object(rng, draw_layer(rng, photo))
        if anchor is not None:
            break
    box = draw_window(rng, anchor)
    image = cut(photo.image, box, side, smooth=True)
    found = [cut(anchor, box, side, smooth=False)]
    for _ in range(prompts - 1):
        other = draw_object(rng, cut(draw_layer(rng, photo), box, side, smooth=False))
        found.append(found[0] if other is None else other)
    if rng.random() < pasted:
        image, found = _with_pasted(rng, store, image, found)
    targets = np.stack([f for f in found if _fits(f)] or [found[0]])
    targets = targets[np.arange(prompts) % len(targets)]
    image = change_colours(rng, image)
    if rng.random() < 0.5:
        image, targets = image[:, ::-1].copy(), targets[:, :, ::-1].copy()
    return View(image, targets)


def _fits(target: UInt8) -> bool:
    return bool(_SMALLEST_SHARE / 2 < (target == 1).mean() < 0.95)


def _with_pasted(
    rng: Rng, store: PhotoStore, image: UInt8, found: list[UInt8]
) -> tuple[UInt8, list[UInt8]]:
    other = store.draw(rng)
    target = draw_object(rng, np.asarray(other.layers[-1][1]))
    if target is None or other.layers[-1][0] == "part":
        return image, found
    composite = paste(rng, image, np.asarray(other.image), target)
    if composite is None:
        return image, found
    image, own = composite
    hidden = [np.where(own == 1, np.uint8(0), f) for f in found]
    return image, [own, *hidden][: len(found)]
