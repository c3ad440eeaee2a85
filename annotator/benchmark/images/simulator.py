"""The simulated annotator of RITM's evaluation: click the middle of the largest error."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Truth = npt.NDArray[np.int8]
"""[H, W]: 1 object, 0 background, -1 to be ignored."""

Bool = npt.NDArray[np.bool_]
IGNORE = -1


@dataclass(frozen=True, slots=True)
class PixelClick:
    """A click on a pixel.

    Attributes:
        positive: Whether it says "inside".
        row: 0-based from the top.
        column: 0-based from the left.
    """

    positive: bool
    row: int
    column: int


def next_click(truth: Truth, prediction: Bool, earlier: Iterable[PixelClick] = ()) -> PixelClick:
    """Click the pixel farthest from the border of the missed or of the false region.

    Distances are exact integers before the root, so ties are broken as by exact arithmetic:
    a false region wins over an equally deep missed one, the first pixel in raster order
    over later ones. Sofiiuk et al., RITM, section 4, as their code has it.

    Args:
        truth: [H, W].
        prediction: [H, W] the mask so far.
        earlier: Clicks so far; their pixels are not clicked again.

    Returns:
        The click; without any error left that is (negative, 0, 0).
    """
    counted = truth != IGNORE
    inside = truth == 1
    missed = depth(inside & ~prediction & counted)
    false = depth(~inside & prediction & counted)
    for click in earlier:
        missed[click.row, click.column] = false[click.row, click.column] = 0
    positive = bool(missed.max(initial=0) > false.max(initial=0))
    winner = missed if positive else false
    row, column = np.unravel_index(int(winner.argmax()), winner.shape)
    return PixelClick(positive, int(row), int(column))


def depth(region: Bool) -> npt.NDArray[np.int64]:
    """Return the squared distance of every pixel of a region to the nearest outside it.

    Outside of the picture nothing belongs to the region.

    Args:
        region: [H, W].

    Returns:
        [H, W] exact squared pixels; 0 outside the region.
    """
    result = np.zeros(region.shape, np.int64)
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if len(rows) == 0:
        return result
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    padded = np.pad(region[part], 1)
    nearest = ndimage.distance_transform_edt(
        padded, return_distances=False, return_indices=True
    ).astype(np.int64)
    squared = ((nearest - np.indices(padded.shape)) ** 2).sum(axis=0)
    result[part] = squared[1:-1, 1:-1]
    return result
