"""Voxels that touch each other."""

import numpy as np
import numpy.typing as npt

# Half of the 26 neighbours: the other half are the same pairs seen from the other side.
_HALF = np.array(
    [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) > (0, 0, 0)]
)


def neighbour_pairs(coords: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
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
