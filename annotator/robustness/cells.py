"""Dividing a region into cells with one candidate each that stands for the others."""

from dataclasses import dataclass

import numpy as np

from annotator.robustness.target import Floats, Region, Rows


@dataclass(frozen=True, eq=False)
class Cells:
    """Groups of candidates.

    Attributes:
        edge: Edge of a cell in steps of the lattice.
        rows: [M] the candidate nearest to the middle of each cell's candidates.
        of: [C] the cell of every candidate.
    """

    edge: int
    rows: Rows
    of: Rows


def cells_of(region: Region, edge: int, among: Rows | None = None) -> Cells:
    """Divide a region, or some of its candidates, into cells of a lattice.

    Args:
        region: The region.
        edge: Edge of a cell; 1 makes every candidate its own cell.
        among: [C'] rows of the candidates to divide; all if None.

    Returns:
        Cells in the order of their first candidates; `of` is [C'].
    """
    chosen = np.arange(len(region)) if among is None else among
    lattice = region.lattice[chosen]
    if edge == 1:
        return Cells(1, chosen, np.arange(len(chosen)))
    _, first, of = np.unique(lattice // edge, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    of = np.argsort(order)[of.ravel()]
    return Cells(edge, chosen[_middles(lattice.astype(np.float64), of)], of)


def _middles(points: Floats, of: Rows) -> Rows:
    """Return for each group the point nearest to its mean, the first of equal ones."""
    counts = np.bincount(of).astype(np.float64)
    means = np.stack([np.bincount(of, column) / counts for column in points.T], axis=1)
    away = ((points - means[of]) ** 2).sum(axis=1)
    order = np.lexsort((np.arange(len(of)), away, of))
    starts = np.searchsorted(of[order], np.arange(len(counts)))
    middles: Rows = order[starts]
    return middles


def about_so_many(region: Region, count: int) -> Cells:
    """Return the finest division into at most `count` cells."""
    edge = max(1, int((len(region) / count) ** (1 / region.lattice.shape[1])))
    cells = cells_of(region, edge)
    while len(cells.rows) > count:
        edge = edge + max(1, edge // 8)
        cells = cells_of(region, edge)
    return cells
