"""Photos with masks as benchmark samples, in the layouts of the published sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from annotator.benchmark.images.simulator import IGNORE, Bool, Truth
from annotator.domain import AnnotatorError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
UNSURE = 128


@dataclass(frozen=True)
class Layout:
    """Where a published set keeps photos and masks.

    Attributes:
        photos: Folder of photos.
        masks: Folder of masks with the same stems; several objects of one photo have stems
            with a letter behind (Berkeley).
        any_value: Whether every non-zero pixel is the object (DAVIS, COCO MVal); else values
            above 128 are, and 128 itself is ignored (GrabCut, Berkeley).
    """

    photos: str
    masks: str
    any_value: bool = False


LAYOUTS = (
    Layout("images", "masks"),
    Layout("data_GT", "boundary_GT"),
    Layout("img", "gt", any_value=True),
)


@dataclass(frozen=True)
class Sample:
    """One object of one photo.

    Attributes:
        name: Stem of the mask's file.
        photo: File of the photo.
        mask: File of the mask.
        any_value: See `Layout`.
    """

    name: str
    photo: Path
    mask: Path
    any_value: bool

    def read_truth(self, size: tuple[int, int]) -> Truth:
        """Return the object in a photo of `size` rows and columns.

        Raises:
            AnnotatorError: If the mask cannot be read or has another size.
        """
        values = _read(self.mask).astype(np.int16)
        if values.shape[:2] != size:
            raise AnnotatorError(f"{self.mask.name} and {self.photo.name} differ in size.")
        planes = values if values.ndim == 3 else values[..., None]
        if self.any_value:
            inside: Bool = (planes[..., :3] != 0).any(axis=2)
            return inside.astype(np.int8)
        first = planes[..., 0]
        return np.where(first == UNSURE, IGNORE, first > UNSURE).astype(np.int8)


def find_samples(folder: Path) -> list[Sample]:
    """Return the samples of a folder in one of the known layouts, sorted by name.

    Raises:
        AnnotatorError: If there are none, or a mask has no photo.
    """
    for layout in LAYOUTS:
        if (folder / layout.photos).is_dir() and (folder / layout.masks).is_dir():
            samples = list(_samples(folder, layout))
            if samples:
                return samples
    known = ", ".join(f"{layout.photos}/ + {layout.masks}/" for layout in LAYOUTS)
    raise AnnotatorError(f"No photos with masks found in {folder}.", f"Known layouts: {known}.")


def _samples(folder: Path, layout: Layout) -> Iterator[Sample]:
    photos = {path.stem: path for path in _pictures(folder / layout.photos)}
    for mask in _pictures(folder / layout.masks):
        photo = photos.get(mask.stem) or photos.get(mask.stem[:-1])
        if photo is None:
            raise AnnotatorError(f"{mask.name} has no photo in {layout.photos}/.")
        yield Sample(mask.stem, photo, mask, layout.any_value)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _read(path: Path) -> npt.NDArray[np.uint8]:
    """Return the raw values of a mask, [H, W] or [H, W, C]."""
    try:
        with Pillow.open(path) as opened:
            # an indexed mask counts by its colours, as the published readers see it
            picture = opened.convert("RGB") if opened.mode == "P" else opened
            return np.array(picture)
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise AnnotatorError(f"{path.name} cannot be read: {error}.") from error
