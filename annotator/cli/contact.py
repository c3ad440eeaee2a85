"""Contact sheets: some frames of a clip side by side, to be looked at."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from annotator.cli.pictures import tiled

UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
MOMENTS = (0.0, 0.15, 0.35, 0.6, 0.8)
"""Parts of the clip, none of which halves it: a flow that starts over would show twice the same."""
_MARGIN = 0.12
_WIDTH = 320


def draw_sheet(path: Path, frames: UInt8, region: Bool, width: int = _WIDTH) -> None:
    """Draw the photo with its region, then frames around the region.

    Args:
        path: JPEG or PNG file.
        frames: [T, H, W, 3].
        region: [H, W].
        width: Of each picture, pixels.
    """
    place = _around(region)
    outlined = _outlined(frames[0], region, max(region.shape) // 400 + 1)[place]
    chosen = [int(part * len(frames)) for part in MOMENTS]
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [_sized(each, width) for each in (outlined, *(frames[n][place] for n in chosen))]
    Pillow.fromarray(tiled(pictures, columns=3)).save(path, quality=88)


def _around(region: Bool) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    by = round(_MARGIN * max(region.shape))
    return (
        slice(max(int(rows[0]) - by, 0), int(rows[-1]) + 1 + by),
        slice(max(int(columns[0]) - by, 0), int(columns[-1]) + 1 + by),
    )


def _outlined(photo: UInt8, region: Bool, width: int) -> UInt8:
    contours, _ = cv2.findContours(
        region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    drawn = np.ascontiguousarray(photo).copy()
    cv2.drawContours(drawn, contours, -1, (255, 200, 0), 2 * width)
    return drawn


def _sized(picture: UInt8, width: int) -> UInt8:
    height = max(round(picture.shape[0] * width / picture.shape[1]), 1)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
