"""Drops the parts of an object's mask that touch none of its clicks."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Int64 = npt.NDArray[np.int64]


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
