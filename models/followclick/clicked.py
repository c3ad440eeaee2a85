"""The region that clicks mean when nobody has made a mask."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

TOLERANCE = 12
"""Lab steps (OpenCV's 8-bit Lab) from a clicked colour that belong to its region."""


def clicked_region(
    rgb: npt.NDArray[np.uint8], places: Iterable[Sequence[float]]
) -> npt.NDArray[np.bool_]:
    """Return the connected pixels of nearly the clicked colours.

    Enough to try a motion, no substitute for the mask of a segmentation engine.

    Args:
        rgb: Photo [H, W, 3].
        places: (x, y) of the clicks in pixels; those beyond the border count as on it.

    Returns:
        [H, W].
    """
    height, width = rgb.shape[:2]
    lab = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2LAB)
    found = np.zeros((height + 2, width + 2), np.uint8)
    near = (TOLERANCE,) * 3
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8)
    for x, y in places:
        seed = (min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1))
        cv2.floodFill(lab, found, seed, 0, near, near, flags)
    return found[1:-1, 1:-1] > 0
