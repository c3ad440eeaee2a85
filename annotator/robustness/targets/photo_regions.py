"""Which pixels of a photo a round's click may go to."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from annotator.benchmark.images.simulator import IGNORE, Bool, PixelClick, Truth, depth
from annotator.robustness.contract import History, Region
from annotator.robustness.settings import Permitted

RADIUS = 5.0
"""Radius in pixels of the disk that a click is drawn as (RITM, TETRIS)."""

_EIGHT = np.ones((3, 3), bool)


def errors(truth: Truth, mask: Bool, positive: bool) -> Bool:
    """Return the pixels that a click of a sign speaks of: missed ones, or false ones.

    Args:
        truth: [H, W].
        mask: [H, W] the mask so far.
        positive: Sign of the click.
    """
    wrong = (truth == 1) & ~mask if positive else (truth == 0) & mask
    result: Bool = wrong & (truth != IGNORE)
    return result


def pixel_of(position: tuple[float, ...], size: tuple[int, ...]) -> tuple[int, int]:
    """Return the row and column of a position (x, y), in a photo of height and width `size`."""
    column, row = (int(np.floor(value)) for value in position[:2])
    return min(max(row, 0), size[0] - 1), min(max(column, 0), size[1] - 1)


def pixel_clicks(history: History, size: tuple[int, ...]) -> list[PixelClick]:
    """Return clicks as those of the simulated user."""
    return [PixelClick(c.positive, *pixel_of(c.position, size)) for c in history]


def permitted_pixels(
    wrong: Bool, clicked: list[PixelClick], baseline: PixelClick, permitted: Permitted
) -> Bool:
    """Return the pixels [H, W] that the click may go to; the baseline's is always one.

    Args:
        wrong: [H, W] the error region of the click's sign.
        clicked: Clicks so far; their pixels are not clicked again.
        baseline: The simulated user's click.
        permitted: Which rule holds.
    """
    allowed = wrong.copy()
    if permitted is Permitted.DISK:
        allowed &= _disk_fits(wrong)
    for click in clicked:
        allowed[click.row, click.column] = False
    allowed[baseline.row, baseline.column] = True
    if permitted is Permitted.COMPONENT:
        parts = _components(allowed)
        allowed = parts == parts[baseline.row, baseline.column]
    return allowed


def _disk_fits(wrong: Bool) -> Bool:
    """Return where the whole disk is in the region, parts outside of the photo aside."""
    if wrong.all():
        return wrong
    distance = ndimage.distance_transform_edt(wrong)
    result: Bool = distance > RADIUS
    return result


def _components(mask: Bool) -> npt.NDArray[np.int64]:
    labels: npt.NDArray[np.int64] = ndimage.label(mask, _EIGHT)[0].astype(np.int64)
    return labels


def photo_region(wrong: Bool, allowed: Bool, baseline: PixelClick) -> Region:
    """Return the permitted pixels as candidates, in raster order.

    Users click with a weight that grows with the distance to the region's border: the best
    of the models of users that need no training (RClicks, NeurIPS 2024).

    Args:
        wrong: [H, W] the error region.
        allowed: [H, W] the part of it that is permitted.
        baseline: The simulated user's click.
    """
    rows, columns = np.nonzero(allowed)
    inside = np.sqrt(depth(wrong)[rows, columns].astype(np.float64))
    baseline_row = np.flatnonzero((rows == baseline.row) & (columns == baseline.column))[0]
    weight = np.maximum(inside, 1.0)
    lattice = np.stack([columns, rows], axis=1).astype(np.int64)
    return Region(
        positions=lattice.astype(np.float64) + 0.5,
        lattice=lattice,
        baseline=int(baseline_row),
        weight=weight / weight.sum(),
        component=_components(allowed)[rows, columns],
        depth=inside,
    )
