"""Where a click could land: a dense set of places, looked at coarsely first and finer later."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from annotator.domain.cloud import Float32, Float64, Int64

MOST = 25_000
"""Places that a set may have: nobody can see more on a screen, and distances stay quick."""

NEIGHBOURS = 5
"""Places, itself among them, between which a value may jump before its surroundings are filled."""


@dataclass(frozen=True, eq=False)
class Places:
    """Places for a click in pixels of an image or metres of a cloud.

    Attributes:
        flat: [N] flat index of each place's pixel, or row of its point.
        positions: [N, D] the places: pixel centres (x, y), or points (x, y, z).
        spacing: About how far apart neighbours are.
    """

    flat: Int64
    positions: Float64
    spacing: float

    def __len__(self) -> int:
        return len(self.flat)

    def spread_out(self, spacing: float) -> Int64:
        """Return one place in every cell of an edge, the one nearest to the cell's middle.

        Args:
            spacing: Edge in pixels or metres.
        """
        if not len(self):
            return np.zeros(0, np.int64)
        scaled = (self.positions - self.positions.min(axis=0)) / spacing
        off_middle = ((scaled % 1 - 0.5) ** 2).sum(axis=1)
        cells = _numbered(scaled)
        order = np.lexsort((off_middle, cells))
        first = np.flatnonzero(np.diff(cells[order], prepend=-1))
        return np.sort(order[first])

    def coarsest(self, most: int) -> float:
        """Return the smallest `spacing` times a power of two that leaves at most `most` cells."""
        if not len(self):
            return self.spacing
        offsets = self.positions - self.positions.min(axis=0)
        spacing = self.spacing
        while len(np.unique(_numbered(offsets / spacing))) > most:
            spacing *= 2
        return spacing

    def within(self, centre: Float64, radius: float) -> Int64:
        """Return the places within a distance of a point [D]."""
        distance = np.linalg.norm(self.positions - centre, axis=1)
        return np.flatnonzero(distance <= radius)

    def share_out(self, rows: Int64) -> Int64:
        """Return for every place [N] which of the places `rows` is nearest to it."""
        tree = cKDTree(self.positions[rows])
        return np.asarray(tree.query(self.positions)[1], np.int64)


def _numbered(scaled: Float64) -> Int64:
    """Return a number for the unit cell [N] in which each place [N, D] lies; none is negative."""
    cells = np.floor(scaled).astype(np.int64)
    return np.asarray(np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1)), np.int64)


def pixel_places(region: npt.NDArray[np.bool_]) -> Places:
    """Return pixel centres of a region [H, W], on a square lattice if it has more than `MOST`."""
    count = int(region.sum())
    step = max(1, int(np.ceil(np.sqrt(count / MOST))))
    rows, columns = np.nonzero(region[step // 2 :: step, step // 2 :: step])
    if not len(rows) and count:
        step, (rows, columns) = 1, np.nonzero(region)
    rows, columns = rows * step + step // 2 * (step > 1), columns * step + step // 2 * (step > 1)
    positions = np.stack([columns + 0.5, rows + 0.5], axis=1)
    return Places(np.asarray(rows * region.shape[1] + columns, np.int64), positions, float(step))


def point_places(xyz: Float32, rows: Int64, spacing: float) -> Places:
    """Return points of a cloud [N, 3] metres as places, thinned if they are more than `MOST`.

    Args:
        xyz: All points.
        rows: [V] those that may be clicked.
        spacing: About how far apart these are, metres.
    """
    everything = Places(np.asarray(rows, np.int64), xyz[rows].astype(np.float64), spacing)
    edge = everything.coarsest(MOST)
    if edge == spacing and len(everything) <= MOST:
        return everything
    kept = everything.spread_out(edge)
    return Places(everything.flat[kept], everything.positions[kept], edge)


def jumps(positions: Float64, values: Float64, asked: Float64) -> Float64:
    """Return how much values differ around places that were not looked at.

    Args:
        positions: [K, D] places looked at.
        values: [K] what was found there.
        asked: [Q, D] other places.

    Returns:
        [Q] largest less smallest value of the nearest ones that were looked at.
    """
    number = min(NEIGHBOURS, len(positions))
    nearest = np.asarray(cKDTree(positions).query(asked, k=number)[1]).reshape(len(asked), number)
    around = values[nearest]
    return np.asarray(around.max(axis=1) - around.min(axis=1), np.float64)
