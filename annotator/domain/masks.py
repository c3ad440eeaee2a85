"""What a person does to a whole mask at once: fill holes, smooth edges, drop crumbs.

Masks are [H, W] bool and come back new. Parts of an object touch at edges or corners
(8-neighbours), so holes and background touch at edges only (4-neighbours).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Inside = npt.NDArray[np.bool_]
Bounds = tuple[int, int, int, int]


def bounds_of(mask: Inside) -> Bounds | None:
    """Return (x0, y0, x1, y1) of the pixels inside, the far edges exclusive; None if empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    return int(columns[0]), top, int(columns[-1]) + 1, bottom


def fill_holes(mask: Inside, largest: int | None = None) -> Inside:
    """Fill what the mask encloses.

    Args:
        mask: [H, W].
        largest: Fill holes of at most so many pixels; None fills all.
    """
    filled = mask.copy()
    box = bounds_of(mask)
    if box is None:
        return filled
    window = _window(filled, box)
    # One pixel of outside all around joins everything that reaches the edge of the window.
    outside = np.pad(~window, 1, constant_values=True)
    names, areas = _parts(outside, connectivity=4)
    limit = mask.size if largest is None else largest
    hole = areas <= limit
    hole[[0, names[0, 0]]] = False
    window |= hole[names[1:-1, 1:-1]]
    return filled


def keep_largest(mask: Inside) -> Inside:
    """Keep the largest connected part, the first of equals; an empty mask stays empty."""
    names, areas = _parts(mask, connectivity=8)
    kept: Inside = names == 1 + int(np.argmax(areas[1:])) if len(areas) > 1 else mask.copy()
    return kept


def remove_small(mask: Inside, smallest: int) -> Inside:
    """Drop connected parts of fewer than `smallest` pixels."""
    names, areas = _parts(mask, connectivity=8)
    kept = areas >= smallest
    kept[0] = False
    cleaned: Inside = kept[names]
    return cleaned


def smooth(mask: Inside, radius: float) -> Inside:
    """Smooth the edge: a pixel goes to whom most of its surroundings belong.

    The surroundings are weighted by a Gaussian of standard deviation `radius / 2`, so that
    straight edges stay where they are, while bumps and notches much smaller than the
    radius vanish. Beyond the border the mask goes on as at the border.

    Args:
        mask: [H, W].
        radius: In pixels; 0 or less changes nothing.
    """
    smoothed = mask.copy()
    box = bounds_of(mask)
    if box is None or radius <= 0:
        return smoothed
    import cv2  # slow to import, and a click must not wait for it

    reach = math.ceil(2 * radius)
    x0, y0, x1, y1 = box
    around = (max(x0 - reach, 0), max(y0 - reach, 0), x1 + reach, y1 + reach)
    window = _window(smoothed, around)
    blurred = cv2.GaussianBlur(
        window.astype(np.float32), (0, 0), radius / 2, borderType=cv2.BORDER_REPLICATE
    )
    # A pixel exactly between both stays what it was.
    window[:] = np.where(np.abs(blurred - 0.5) < 1e-4, window, blurred > 0.5)
    return smoothed


def _window(mask: Inside, box: Bounds) -> Inside:
    x0, y0, x1, y1 = box
    return mask[y0:y1, x0:x1]


def _parts(mask: Inside, connectivity: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    """Return the part [H, W] of each pixel, 0 outside, and the pixels of each part."""
    import cv2

    _, names, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    return np.asarray(names, np.int32), np.asarray(stats)[:, cv2.CC_STAT_AREA]
