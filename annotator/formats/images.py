"""Photos from files: the table of formats, and the functions that read any of them.

What a `domain.Image` holds is what a person sees: upright (EXIF orientation), RGB, 8 bits.

* Transparent pixels lie over mid-grey (128, 128, 128), `BACKDROP`.
* More than 8 bits a channel: see `deep_colours`.
* Of films and files with several pages, the first picture.

Pillow decodes; it is handed only the formats of the table, and the size that the header
claims is checked before anything is decoded.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Image, Progress, no_progress
from annotator.formats import deep_colours
from annotator.formats.source import DAMAGED, Reading

MAX_PIXELS = 400_000_000
"""Larger photos are refused before they are decoded.

This many take 1.2 GB, and up to 4 GB while they are read."""

BACKDROP = (128, 128, 128)
"""What shows through transparent pixels."""

_HEAD = 16
_ORIENTATION = 274
_T = TypeVar("_T")
RGB = npt.NDArray[np.uint8]

# Pillow's limit holds for the whole process and lies below a 200-megapixel phone's; above
# ours it still refuses by itself, in whatever else uses Pillow.
Pillow.MAX_IMAGE_PIXELS = MAX_PIXELS
# It warns about odd metadata, which change nothing of what is seen; and of sizes, which are
# checked here. Filters of a single call would not be safe in threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class ImageReader:
    """One format of photos that can be read.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffixes: File suffixes, lower case with the dot; the first one is the usual.
        magic: Beginnings of such files.
        decoders: What Pillow calls the format.
    """

    format_id: str
    title: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]
    decoders: tuple[str, ...]


IMAGE_READERS: tuple[ImageReader, ...] = (
    ImageReader("jpeg", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), (b"\xff\xd8\xff",),
                ("JPEG", "MPO")),
    ImageReader("png", "PNG", (".png",), (b"\x89PNG\r\n\x1a\n",), ("PNG",)),
    ImageReader("tiff", "TIFF", (".tif", ".tiff"),
                (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), ("TIFF",)),
    ImageReader("webp", "WebP", (".webp",), (b"RIFF",), ("WEBP",)),
    ImageReader("bmp", "BMP", (".bmp", ".dib"), (b"BM",), ("BMP",)),
)  # fmt: skip

IMAGE_SUFFIXES = frozenset(suffix for reader in IMAGE_READERS for suffix in reader.suffixes)


def read_image(
    path: Path | str, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Image:
    """Read a photo of any known format; what the file begins with decides, not its suffix.

    Args:
        path: The file.
        progress: Told the fraction done; a decoder cannot be watched, so in few steps.
        cancel: Stops the reading between those steps.

    Returns:
        The photo [H, W, 3] uint8, upright.

    Raises:
        AnnotatorError: If it cannot be read; names the file and what to do.
        Cancelled: If `cancel` was set.
    """
    reading = Reading.of(Path(path).absolute(), progress, cancel)
    reading.step(0.0)
    rgb = _in_words(reading, lambda: _decode(reading))
    reading.step(1.0)
    return Image(rgb, name=reading.path.stem)


def read_thumbnail(path: Path | str, size: int) -> Image:
    """Read a photo, reduced to at most `size` pixels on its longer side.

    JPEG files are decoded at an eighth to full resolution, whichever suffices. The small
    picture inside many files is not used: editors leave it as it was before the edit.

    Raises:
        AnnotatorError: If the photo cannot be read.
    """
    reading = Reading.of(Path(path).absolute())
    return Image(_in_words(reading, lambda: _decode_small(reading, size)), name=reading.path.stem)


def image_size(path: Path | str) -> tuple[int, int]:
    """Return (width, height) of a photo as it is shown, without decoding it.

    Raises:
        AnnotatorError: If the file is no photo that can be read.
    """
    reading = Reading.of(Path(path).absolute())
    return _in_words(reading, lambda: _header_size(reading))


def is_image_path(path: Path | str) -> bool:
    """Say whether a file is a photo by its suffix or, if that is unknown, by its beginning."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return not path.is_dir()
    return path.is_file() and _by_beginning(path) is not None


def image_files(folder: Path | str) -> list[Path]:
    """Return the photos in a folder in the order a person counts: photo 9 before photo 10.

    Raises:
        AnnotatorError: If the folder cannot be listed.
    """
    folder = Path(folder)
    try:
        files = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    except OSError as error:
        raise AnnotatorError(
            f"{folder.name} cannot be listed: {error.strerror}.", "Check the path and its rights."
        ) from error
    return sorted((p for p in files if not p.name.startswith(".")), key=_counting_key)


def _counting_key(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d{1,18})", path.name.lower())
    return [(int(p), "") if i % 2 else (-1, p) for i, p in enumerate(parts)], path.name


def _by_beginning(path: Path) -> ImageReader | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    for reader in IMAGE_READERS:
        if head.startswith(reader.magic) and (reader.format_id != "webp" or head[8:12] == b"WEBP"):
            return reader
    return None


def _find_reader(reading: Reading) -> ImageReader:
    """Choose the reader by the beginning of the file."""
    if not reading.path.is_file():  # a pipe or device could be read for ever
        raise reading.damaged("is no file", "Choose a photo.")
    if not reading.size:
        raise reading.damaged("is empty", "Choose another photo.")
    reader = _by_beginning(reading.path)
    if reader is None:
        known = ", ".join(r.title for r in IMAGE_READERS)
        raise reading.damaged("is no photo in a known format", f"Known formats: {known}.")
    return reader


def _in_words(reading: Reading, work: Callable[[], _T]) -> _T:
    """Run a decoder; whatever it stumbles over becomes an error that names the file."""
    try:
        return work()
    except (AnnotatorError, Cancelled):
        raise
    except MemoryError as error:
        raise reading.damaged(
            "does not fit into memory", "Close other programs, or reduce the photo first."
        ) from error
    except Exception as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise AnnotatorError(
            f"{reading.path.name} cannot be read: {reason[:200]}.", DAMAGED
        ) from error


@contextmanager
def _opened(reading: Reading) -> Iterator[Pillow.Image]:
    """Open a photo without decoding it; its size is checked."""
    reader = _find_reader(reading)
    try:
        image = Pillow.open(reading.path, formats=reader.decoders)
    except Pillow.DecompressionBombError as error:
        raise _too_large(reading, 0) from error
    with image:
        _check_size(reading, *image.size)
        yield image


def _check_size(reading: Reading, width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise reading.damaged("has no pixels")
    if width * height > MAX_PIXELS:
        raise _too_large(reading, width * height)


def _too_large(reading: Reading, pixels: int) -> AnnotatorError:
    amount = f"{pixels / 1e6:,.0f}" if pixels else f"more than {2 * MAX_PIXELS / 1e6:,.0f}"
    return reading.damaged(
        f"claims {amount} megapixels; at most {MAX_PIXELS / 1e6:,.0f} are opened",
        "Cut or reduce the photo first.",
    )


def _decode(reading: Reading) -> RGB:
    if _find_reader(reading).format_id == "tiff":
        deep = deep_colours.read_tiff(reading, lambda w, h: _check_size(reading, w, h))
        if deep is not None:
            return deep
    with _opened(reading) as image:
        reading.step(0.1)
        if deep_colours.drops_bits(image):
            return turned(deep_colours.read_colours(reading), _orientation(image))
        image.load()
        reading.step(0.7)
        return turned(_to_rgb(image), _orientation(image))


def _decode_small(reading: Reading, size: int) -> RGB:
    box = (max(int(size), 1),) * 2
    drafted = _drafted(reading, box)
    if drafted is not None:
        return drafted
    image = Pillow.fromarray(_decode(reading))
    image.thumbnail(box, Pillow.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(image)


def _drafted(reading: Reading, box: tuple[int, int]) -> RGB | None:
    """Reduce a photo while decoding; None if its colours must be understood first.

    Palettes and masks cannot be averaged as numbers, and transparent pixels would bring in
    colours that nobody sees.
    """
    if _find_reader(reading).format_id == "tiff" and deep_colours.tiff_size(reading):
        return None
    with _opened(reading) as image:
        if image.mode not in ("RGB", "L") or "transparency" in image.info:
            return None
        if deep_colours.drops_bits(image):
            return None
        image.thumbnail(box, Pillow.Resampling.BILINEAR, reducing_gap=2.0)
        return turned(_to_rgb(image), _orientation(image))


def _header_size(reading: Reading) -> tuple[int, int]:
    if _find_reader(reading).format_id == "tiff":
        size = deep_colours.tiff_size(reading)
        if size is not None:
            return size
    with _opened(reading) as image:
        width, height = image.size
        # Pillow turns TIFF files by itself and says their turned size.
        sideways = image.format != "TIFF" and _orientation(image) >= 5
        return (height, width) if sideways else (width, height)


def _orientation(image: Pillow.Image) -> int:
    """Return the EXIF orientation, 1 to 8; damaged metadata say nothing."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - any damage to metadata that a photo can do without
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turned(rgb: RGB, orientation: int) -> RGB:
    """Return an image [H, W, 3] as it is to be seen (Exif 2.32, tag 0x0112)."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def _to_rgb(image: Pillow.Image) -> RGB:
    if image.mode in deep_colours.DEEP_MODES:
        return deep_colours.to_eight_bits(np.asarray(image), None)
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return _over_backdrop(image.convert("RGBA"))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _over_backdrop(image: Pillow.Image) -> RGB:
    backdrop = Pillow.new("RGB", image.size, BACKDROP)
    backdrop.paste(image, mask=image.getchannel("A"))
    return np.array(backdrop)
