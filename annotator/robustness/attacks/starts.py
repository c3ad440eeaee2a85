"""Where a search begins: places of different kinds, spread over the region."""

import numpy as np
from scipy.spatial import cKDTree

from annotator.robustness.attacks.cells import about_so_many
from annotator.robustness.contract import Floats, Region, Rows

_MANY = 10_000
"""Larger regions are thinned before their skeleton is sought."""


def starts(region: Region, count: int, seed: int) -> Rows:
    """Return candidates to begin from, the baseline first.

    They take turns: middles of further components, the skeleton (ridges of the depth), the
    border, and places as users would choose them at random.

    Args:
        region: The region.
        count: How many at most.
        seed: Decides the random ones.
    """
    draw = np.random.default_rng(seed)
    random = draw.choice(len(region), size=min(count, len(region)), replace=False, p=region.weight)
    kinds = (
        _component_middles(region, count),
        _spread(region, _ridge(region), count),
        _spread(region, _border(region), count),
        random,
    )
    turns = [int(kind[i]) for i in range(count) for kind in kinds if i < len(kind)]
    chosen = list(dict.fromkeys([region.baseline, *turns]))[:count]
    return np.array(chosen, np.int64)


def _component_middles(region: Region, count: int) -> Rows:
    """Return the deepest candidate of each component, the largest component first."""
    order = np.lexsort((np.arange(len(region)), -region.depth, region.component))
    _, first, sizes = np.unique(region.component[order], return_index=True, return_counts=True)
    middles: Rows = order[first][np.argsort(-sizes, kind="stable")][:count]
    return middles


def _ridge(region: Region) -> Rows:
    """Return candidates that are as deep as all around them: the skeleton, roughly."""
    some = about_so_many(region, _MANY).rows
    places = region.lattice[some]
    around = cKDTree(places).query(places, k=min(3 ** places.shape[1], len(some)))[1]
    depth = region.depth[some]
    ridge: Rows = some[depth >= depth[around].reshape(len(some), -1).max(axis=1)]
    return ridge


def _border(region: Region) -> Rows:
    """Return candidates next to the region's outside."""
    least = np.quantile(region.depth, 0.1)
    border: Rows = np.flatnonzero(region.depth <= max(least, region.depth.min()))
    return border


def _spread(region: Region, among: Rows, count: int) -> Rows:
    """Return candidates far from each other, each the farthest from those before it."""
    places: Floats = region.lattice[among].astype(np.float64)
    chosen = [int(np.argmax(((places - region.lattice[region.baseline]) ** 2).sum(axis=1)))]
    nearest = ((places - places[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(count, len(among)):
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, ((places - places[chosen[-1]]) ** 2).sum(axis=1))
    spread: Rows = among[chosen]
    return spread
