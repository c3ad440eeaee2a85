"""Drops the parts of an object's mask that touch none of its clicks."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Int64 = npt.NDArray[np.int64]


def keep_connected(labels: Int64, voxels: Int64, pairs: Int64, clicked: Int64) -> Int64:
    """Return labels [C] in which a part without a click of its object became background.

    Cells of a label touch if they share a voxel or their voxels touch.

    Args:
        labels: [C] object of each cell, 0 = background.
        voxels: [C] voxel of each cell; every voxel has one.
        pairs: [E, 2] voxels that touch.
        clicked: [n] clicked cells; a cell counts for the object it is labelled with.
    """
    keys, node = np.unique(voxels * (labels.max() + 1) + labels, return_inverse=True)
    owner, label = np.divmod(keys, labels.max() + 1)
    first, second = _touching(owner, pairs)
    same = label[first] == label[second]
    edges = (np.ones(int(same.sum()), bool), (first[same], second[same]))
    _, part = connected_components(coo_array(edges, (len(keys),) * 2), directed=False)
    kept = np.isin(part, part[node[clicked]])
    return np.where(kept[node], labels, 0)


def _touching(owner: Int64, pairs: Int64) -> tuple[Int64, Int64]:
    """Return all pairs of nodes whose voxels touch.

    Args:
        owner: Voxel of each node, ascending, every voxel at least once.
        pairs: [E, 2] voxels that touch.
    """
    count = np.bincount(owner)
    start = np.cumsum(count) - count
    a, b = pairs.T
    combinations = count[a] * count[b]
    pair = np.repeat(np.arange(len(pairs)), combinations)
    number = np.arange(len(pair)) - np.repeat(np.cumsum(combinations) - combinations, combinations)
    of_first, of_second = np.divmod(number, count[b[pair]])
    return start[a[pair]] + of_first, start[b[pair]] + of_second
