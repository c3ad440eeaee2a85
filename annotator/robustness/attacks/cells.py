"""Dividing a region into cells with one candidate each that stands for the others."""

from dataclasses import dataclass

import numpy as np

from annotator.robustness.contract import Floats, Region, Rows


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
    keys = _numbered(lattice // edge)
    _, first, of = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    of = np.argsort(order)[of.ravel()]
    return Cells(edge, chosen[_middles(lattice.astype(np.float64), of)], of)


def _numbered(cells: Rows) -> Rows:
    """Return one number for each cell [N] of a lattice [N, D]: quicker to compare than rows."""
    if len(cells) == 0:
        return np.zeros(0, np.int64)
    low = cells.min(axis=0)
    size = tuple((cells.max(axis=0) - low + 1).tolist())
    return np.asarray(np.ravel_multi_index(tuple((cells - low).T), size), np.int64)


def _middles(points: Floats, of: Rows) -> Rows:
    """Return for each group the point nearest to its mean, the first of equal ones."""
    counts = np.bincount(of).astype(np.float64)
    means = np.stack([np.bincount(of, column) / counts for column in points.T], axis=1)
    away = ((points - means[of]) ** 2).sum(axis=1)
    least = np.full(len(counts), np.inf)
    np.minimum.at(least, of, away)
    nearest = np.flatnonzero(away == least[of])
    middles: Rows = nearest[np.unique(of[nearest], return_index=True)[1]]
    return middles


def about_so_many(region: Region, count: int) -> Cells:
    """Return the finest division into at most `count` cells."""
    dimensions = region.lattice.shape[1]
    edge = max(1, int((len(region) / count) ** (1 / dimensions)))
    while len(np.unique(_numbered(region.lattice // edge))) > count:
        edge = edge + max(1, edge // 8)
    return cells_of(region, edge)
