"""Drops the parts of an object's mask that touch none of its clicks."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Int64 = npt.NDArray[np.int64]

# Half of the 26 neighbours: the other half are the same pairs seen from the other side.
_HALF = np.array(
    [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) > (0, 0, 0)]
)


def neighbour_pairs(coords: npt.NDArray[np.int32]) -> Int64:
    """Return the pairs [E, 2] of voxel rows that touch, also by an edge or a corner.

    Args:
        coords: [V, 3] distinct voxel coordinates.
    """
    cells = coords.astype(np.int64) - coords.min(axis=0) + 1
    sizes = cells.max(axis=0) + 2
    stride = np.array([sizes[1] * sizes[2], sizes[2], 1])
    keys = cells @ stride
    order = np.argsort(keys)
    ordered = keys[order]
    pairs = []
    for step in _HALF @ stride:
        place = np.searchsorted(ordered, keys + step)
        place[place == len(ordered)] = 0
        found = np.flatnonzero(ordered[place] == keys + step)
        pairs.append(np.stack([found, order[place[found]]], axis=1))
    return np.concatenate(pairs)


def keep_connected(labels: Int64, pairs: Int64, clicked: Int64) -> Int64:
    """Return labels [V] in which a part without a click of its object became background.

    Args:
        labels: [V] object of each voxel, 0 = background.
        pairs: [E, 2] voxels that touch.
        clicked: [n] clicked voxels; a voxel counts for the object it is labelled with.
    """
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    first, second = pairs[same].T
    graph = coo_array((np.ones(len(first), bool), (first, second)), (len(labels),) * 2)
    _, part = connected_components(graph, directed=False)
    kept = np.isin(part, part[clicked])
    return np.where(kept, labels, 0)
