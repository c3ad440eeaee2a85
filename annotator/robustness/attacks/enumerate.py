"""Scoring every candidate of a round, or one a cell: the field of quality by where the click is.

With a stride, cells that may hold something more extreme can be divided further. Whether one
may is judged by the steepest slope between neighbouring scores, times a margin: that bound is
empirical, and said to be.
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from annotator.robustness.attacks.cells import cells_of
from annotator.robustness.attacks.scored import Scored
from annotator.robustness.contract import Floats, History, Region, Rows
from annotator.robustness.records import Field
from annotator.robustness.settings import Settings

_NEIGHBOURS = 8


@dataclass(frozen=True, eq=False)
class Cover:
    """Scored candidates and what they stand for.

    Attributes:
        rows: [M] scored candidates.
        quality: [M].
        of: [C] the scored candidate (0..M-1) that every candidate belongs to.
    """

    rows: Rows
    quality: Floats
    of: Rows


def field_of(scored: Scored, history: History, settings: Settings) -> tuple[Field, Rows]:
    """Enumerate a round.

    Args:
        scored: The round.
        history: The clicks before it.
        settings: Stride, refinement, margin.

    Returns:
        The field, and the rows [K] of the region that were scored.
    """
    started, before = time.perf_counter(), scored.asked
    region = scored.region
    cover = _first_cover(scored, settings.stride)
    if settings.refine and settings.stride > 1:
        cover = _refined(scored, cover, settings)
    lower, upper, bound = _bounds(region, cover, settings)
    click = scored.round.click(region.baseline)
    counts = np.bincount(cover.of, minlength=len(cover.rows))
    field = Field(
        history=history,
        positive=click.positive,
        object_id=click.object_id,
        positions=region.positions[cover.rows],
        quality=cover.quality,
        weight=np.bincount(cover.of, region.weight, len(cover.rows)).astype(np.float64),
        share=counts / len(region),
        baseline=int(np.flatnonzero(cover.rows == region.baseline)[0]),
        candidates=len(region),
        stride=settings.stride,
        lower=lower,
        upper=upper,
        bound=bound,
        evaluations=scored.asked - before,
        seconds=time.perf_counter() - started,
        indices=None if region.indices is None else region.indices[cover.rows],
    )
    return field, cover.rows


def _first_cover(scored: Scored, stride: int) -> Cover:
    cells = cells_of(scored.region, stride)
    rows, of = cells.rows, cells.of
    baseline = scored.region.baseline
    if baseline not in rows:
        rows = np.append(rows, baseline)
        of = of.copy()
        of[baseline] = len(rows) - 1
    return _sorted(rows, scored.quality(rows), of)


def _sorted(rows: Rows, quality: Floats, of: Rows) -> Cover:
    """Return a cover in raster order, so that the first extreme is the first in the region."""
    order = np.argsort(rows)
    return Cover(rows[order], quality[order], np.argsort(order)[of])


def _refined(scored: Scored, cover: Cover, settings: Settings) -> Cover:
    """Divide cells that may hold a new extreme, until none may."""
    edge = settings.stride
    while edge > 1:
        edge = edge // 2
        while len(promising := _promising(scored.region, cover, settings, edge)):
            cover = _divided(scored, cover, promising, edge)
    return cover


def _promising(region: Region, cover: Cover, settings: Settings, edge: int) -> Rows:
    """Return the cells wider than `edge` that may hold a new minimum or maximum."""
    low, high = _reach(region, cover, settings.safety)
    wide = _radius(region, cover) >= edge
    may = (low < cover.quality.min()) | (high > cover.quality.max())
    promising: Rows = np.flatnonzero(wide & may)
    return promising


def _divided(scored: Scored, cover: Cover, cells: Rows, edge: int) -> Cover:
    """Return the cover with some cells divided into cells of an edge."""
    region, of = scored.region, cover.of.copy()
    members = np.flatnonzero(np.isin(of, cells) & (cover.rows[of] != np.arange(len(of))))
    finer = cells_of(region, edge, members)
    of[members] = len(cover.rows) + finer.of
    rows = np.concatenate([cover.rows, finer.rows])
    quality = np.concatenate([cover.quality, scored.quality(finer.rows)])
    return _sorted(rows, quality, of)


def _reach(region: Region, cover: Cover, safety: float) -> tuple[Floats, Floats]:
    """Return the least and greatest quality [M] that the candidates of each cell may have.

    The slope of a cell is the steepest to the scored candidates around it and around these.
    """
    places = region.lattice[cover.rows].astype(np.float64)
    count = min(_NEIGHBOURS + 1, len(places))
    away, near = cKDTree(places).query(places, k=count)
    away, near = away.reshape(len(places), -1), near.reshape(len(places), -1)
    rise = np.abs(cover.quality[near] - cover.quality[:, None])
    slope = (rise / np.maximum(away, 1.0)).max(axis=1)
    slope = slope[near].max(axis=1)
    spread = safety * slope * _radius(region, cover)
    return cover.quality - spread, cover.quality + spread


def _radius(region: Region, cover: Cover) -> Floats:
    """Return the distance [M] of each scored candidate to the farthest it stands for."""
    away = region.lattice - region.lattice[cover.rows[cover.of]]
    squared = (away.astype(np.float64) ** 2).sum(axis=1)
    radius = np.zeros(len(cover.rows))
    np.maximum.at(radius, cover.of, np.sqrt(squared))
    return radius


def _bounds(region: Region, cover: Cover, settings: Settings) -> tuple[float, float, str]:
    """Return what no candidate is below and above, and what that rests on."""
    lowest, highest = float(cover.quality.min()), float(cover.quality.max())
    if len(cover.rows) == len(region):
        return lowest, highest, "exact"
    if not settings.refine:
        return lowest, highest, "none"
    low, high = _reach(region, cover, settings.safety)
    return float(min(low.min(), lowest)), float(max(high.max(), highest)), "empirical"
