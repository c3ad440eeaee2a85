"""Photos with more than 8 bits a channel, shown with 8.

Whoever uses most of the range of the numbers gets all of it: 16-bit files from 0 to
65,535, floats from 0 to 1. Sensors with 10, 12 or 14 bits, microscopes and thermal
cameras use a part; where the 99.9th percentile stays below half of the range (or the
numbers have none: 32-bit integers, floats outside of 0..1), the range between the 0.1th
and the 99.9th percentile is stretched instead, over all channels alike, so that hues stay.

Pillow keeps the high byte of 16-bit colours only, and does not know float colours;
OpenCV decodes those, after Pillow has checked the header.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from annotator.formats.source import Reading

DEEP_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})
"""Modes of Pillow with one channel of more than 8 bits."""

MAX_DEEP_BYTES = 1_200_000_000
"""Largest decoded size of colours of more than 8 bits."""

PERCENTILES = (0.1, 99.9)
_SAMPLED = 4_000_000
_STRIP = 1 << 22
_WIDTH, _HEIGHT, _BITS, _SAMPLES, _TURN = 256, 257, 258, 277, 274

RGB = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.generic]


def drops_bits(image: Pillow.Image) -> bool:
    """Say whether Pillow would drop bits of an opened, not yet decoded image."""
    modes = [str(tile[3]) for tile in getattr(image, "tile", ())]
    return image.mode in ("RGB", "RGBA", "LA") and any(";16" in mode for mode in modes)


def read_tiff(reading: Reading, check_size: Callable[[int, int], None]) -> RGB | None:
    """Read a TIFF file with several channels of more than 8 bits; None if it is no such file.

    Args:
        reading: The file.
        check_size: Raises if a photo of (width, height) is too large.

    Returns:
        The photo, upright.
    """
    tags = _tiff_tags(reading)
    if not _is_deep(tags):
        return None
    width, height = _number(tags, _WIDTH), _number(tags, _HEIGHT)
    check_size(width, height)
    needed = width * height * _number(tags, _SAMPLES) * max(_bits(tags)) // 8
    if needed > MAX_DEEP_BYTES:
        raise reading.damaged(
            f"would take {needed / 1e9:.1f} GB as it is stored",
            "Convert it to 8 bits a channel, or reduce it first.",
        )
    return read_colours(reading)


def tiff_size(reading: Reading) -> tuple[int, int] | None:
    """Return (width, height) as shown of a TIFF file that `read_tiff` would read."""
    tags = _tiff_tags(reading)
    if not _is_deep(tags):
        return None
    width, height = _number(tags, _WIDTH), _number(tags, _HEIGHT)
    return (height, width) if _number(tags, _TURN) in (5, 6, 7, 8) else (width, height)


def _tiff_tags(reading: Reading) -> ImageFileDirectory_v2:
    """Read the first directory of a TIFF file: numbers about the picture, no pixels."""
    with reading.path.open("rb") as file:
        head = file.read(8)
        if head[2:3] == b"+" or head[3:4] == b"+":
            head += file.read(8)
        tags = ImageFileDirectory_v2(head)
        file.seek(tags.next)
        tags.load(file)
    return tags


def _number(tags: ImageFileDirectory_v2, tag: int) -> int:
    value = tags.get(tag, 1)
    return value if isinstance(value, int) else 1


def _bits(tags: ImageFileDirectory_v2) -> tuple[int, ...]:
    bits = tags.get(_BITS, (1,))
    bits = bits if isinstance(bits, tuple) else (bits,)
    return bits if bits and all(isinstance(b, int) for b in bits) else (1,)


def _is_deep(tags: ImageFileDirectory_v2) -> bool:
    return _number(tags, _SAMPLES) > 1 and max(_bits(tags)) > 8


def read_colours(reading: Reading) -> RGB:
    """Decode colours of more than 8 bits a channel and show them with 8.

    OpenCV turns TIFF files upright whatever it is told, and leaves PNG files as stored.

    Raises:
        AnnotatorError: If OpenCV cannot decode the file.
    """
    import cv2  # slow to import, and seldom needed

    data = np.fromfile(reading.path, np.uint8)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None:
        raise reading.damaged("is not a photo that can be decoded")
    del data
    reading.step(0.6)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.shape[2] == 2:
        raise reading.damaged("has two channels", "Convert it to RGB or RGBA first.")
    colours, alpha = pixels[:, :, 2::-1], pixels[:, :, 3] if pixels.shape[2] == 4 else None
    return to_eight_bits(colours, alpha)


def to_eight_bits(pixels: Numbers, alpha: Numbers | None) -> RGB:
    """Show numbers of any range with 8 bits.

    Args:
        pixels: [H, W] or [H, W, 1 or 3] integers or floats; what is not finite is black.
        alpha: [H, W] opacity in the same numbers, or None.

    Returns:
        [H, W, 3] uint8.
    """
    low, high = shown_range(pixels)
    height, width = pixels.shape[:2]
    shown = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // max(width, 1))
    for top in range(0, height, rows):
        strip = slice(top, top + rows)
        scaled = _scaled(pixels[strip], low, high)
        if alpha is not None:
            opacity = _scaled(alpha[strip], 0.0, _opaque(alpha.dtype))[..., None] / np.float32(255)
            scaled = (scaled - np.float32(128)) * opacity + np.float32(128)
        eight = np.round(scaled).astype(np.uint8)
        shown[strip] = eight if eight.ndim == 3 else eight[:, :, None]
    return shown


def _scaled(numbers: Numbers, low: float, high: float) -> npt.NDArray[np.float32]:
    values = np.nan_to_num(numbers.astype(np.float32), nan=low, posinf=high, neginf=low)
    scaled: npt.NDArray[np.float32] = np.clip((values - low) * (255 / (high - low)), 0, 255)
    return scaled


def shown_range(pixels: Numbers) -> tuple[float, float]:
    """Return the numbers that are shown black and white; see the module."""
    step = math.isqrt(max(1, pixels.size // _SAMPLED))
    sample = pixels[::step, ::step].astype(np.float64).ravel()
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(sample, PERCENTILES))
    top = _top(pixels.dtype)
    if top / 2 <= high <= top and low >= 0:
        return 0.0, top
    if low == high:  # hardly any pixel differs: show what does
        low, high = float(sample.min()), float(sample.max())
    if low == high:
        return (0.0, max(2 * low, 1.0)) if low >= 0 else (2 * low, 0.0)
    return low, high


def _top(dtype: np.dtype[np.generic]) -> float:
    """Return the largest number that a format means: white."""
    if dtype.kind == "f":
        return 1.0
    return float(np.iinfo(str(dtype)).max) if dtype.itemsize <= 2 else float("inf")


def _opaque(dtype: np.dtype[np.generic]) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(str(dtype)).max)
