"""Photos with masks: the published click benchmarks, and TETRIS's coloured instances."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from annotator.benchmark.images import samples as published
from annotator.domain import AnnotatorError, Image
from annotator.formats import read_image
from annotator.robustness.datasets.base import (
    Dataset,
    Sample,
    Source,
    Truth,
    credits_of,
    fingerprint_of_files,
    make_dataset,
)

TETRIS_SIDE = 2048
"""Longer photos of the TETRIS set are reduced to this long side, as published."""

_LOOKED_AT = 8
Colours = npt.NDArray[np.uint8]


def masks_dataset(folder: Path) -> Dataset:
    """Return a folder in one of the layouts of the published benchmarks.

    Raises:
        AnnotatorError: If it has none of them, or a mask has no photo.
    """
    found = published.find_samples(folder)
    files = {path for sample in found for path in (sample.photo, sample.mask)}
    sources = [Source(s.name, s.photo.stem, partial(_load_mask, s)) for s in found]
    title = f"photos with masks in {folder.name}"
    return make_dataset(
        title, "image", sources, fingerprint_of_files(files, folder), credits_of(folder)
    )


def _load_mask(sample: published.Sample) -> Sample:
    image = read_image(sample.photo)
    truth = sample.read_truth((image.rgb.shape[0], image.rgb.shape[1]))
    return Sample(sample.name, image, truth)


def has_coloured_masks(folder: Path) -> bool:
    """Say whether the masks of a folder show instances by colour, as those of TETRIS do."""
    masks = folder / "masks"
    if not masks.is_dir() or not (folder / "images").is_dir():
        return False
    some = sorted(path for path in masks.iterdir() if path.suffix.lower() == ".png")
    return any(_is_coloured(path) for path in some[:_LOOKED_AT])


def _is_coloured(path: Path) -> bool:
    try:
        values = read_colours(path)
    except AnnotatorError:
        return False
    return bool((values != values[..., :1]).any())


def tetris_dataset(folder: Path) -> Dataset:
    """Return images/ with masks/ in which every colour but black is one instance.

    Raises:
        AnnotatorError: If a folder is missing or a mask has no photo.
    """
    photos, masks = folder / "images", folder / "masks"
    if not photos.is_dir() or not masks.is_dir():
        raise AnnotatorError(f"{folder} has no images/ and masks/.", "TETRIS's layout needs both.")
    by_stem = {path.stem: path for path in _pictures(photos)}
    pairs = [(_photo_of(mask, by_stem), mask) for mask in _pictures(masks)]
    sources = [source for photo, mask in pairs for source in _instances(photo, mask)]
    files = {path for pair in pairs for path in pair}
    title = f"photos with coloured instances in {folder.name}"
    return make_dataset(
        title, "image", sources, fingerprint_of_files(files, folder), credits_of(folder)
    )


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in published.SUFFIXES)


def _photo_of(mask: Path, photos: dict[str, Path]) -> Path:
    if mask.stem not in photos:
        raise AnnotatorError(f"{mask.name} has no photo in images/.")
    return photos[mask.stem]


def _instances(photo: Path, mask: Path) -> Iterator[Source]:
    for colour in instance_colours(read_colours(mask)):
        name = f"{mask.stem}-{bytes(colour).hex()}"
        yield Source(name, photo.stem, partial(_load_instance, name, photo, mask, colour))


def instance_colours(values: Colours) -> list[tuple[int, ...]]:
    """Return the colours of a mask [H, W, 3] but black, ascending."""
    codes = np.unique(values.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32))
    return [(int(c) >> 16, int(c) >> 8 & 255, int(c) & 255) for c in codes if c]


def _load_instance(name: str, photo: Path, mask: Path, colour: Sequence[int]) -> Sample:
    image, values = read_image(photo), read_colours(mask)
    if values.shape[:2] != image.rgb.shape[:2]:
        raise AnnotatorError(f"{mask.name} and {photo.name} differ in size.")
    inside = (values == np.array(colour, np.uint8)).all(axis=2)
    return Sample(name, *reduced(image, inside))


def reduced(image: Image, inside: npt.NDArray[np.bool_]) -> tuple[Image, Truth]:
    """Bring photo and mask to a long side of at most `TETRIS_SIDE`, linearly, as published.

    Args:
        image: The photo.
        inside: [H, W] one instance.
    """
    height, width = inside.shape
    scale = TETRIS_SIDE / max(height, width)
    if scale >= 1:
        return image, inside.astype(np.int8)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    rgb = cv2.resize(image.rgb, size, interpolation=cv2.INTER_LINEAR)
    soft = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return Image(np.asarray(rgb, np.uint8), image.name), (soft > 0.5).astype(np.int8)


def read_colours(path: Path) -> Colours:
    """Return the colours of a mask, [H, W, 3].

    Raises:
        AnnotatorError: If it cannot be read.
    """
    try:
        with Pillow.open(path) as opened:
            return np.array(opened.convert("RGB"))
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise AnnotatorError(f"{path.name} cannot be read: {error}.") from error
