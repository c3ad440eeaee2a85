"""Voxel-thinned working sets: annotate a part of a huge scan, push labels back to all of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Int32, Int64, PointCloud


@dataclass(frozen=True)
class WorkingSet:
    """The points that are shown and annotated, and how they stand for all points.

    Attributes:
        cloud: The working points, [W] of them.
        rows: [W] int64, row of each working point in the full cloud.
        inverse: [N] int64, working point that stands for each full point.
    """

    cloud: PointCloud
    rows: Int64
    inverse: Int64

    def push_back(self, labels: npt.NDArray[np.int32]) -> Int32:
        """Spread labels [W] of the working points to all points [N]."""
        return labels[self.inverse]


def voxel_index(xyz: npt.NDArray[np.float32], size: float) -> tuple[Int64, Int64]:
    """Number the voxels of edge `size` metres by first occurrence.

    Args:
        xyz: [N, 3] points.
        size: Voxel edge in metres, positive.

    Returns:
        rows [V] of the first point in each voxel, ascending, and inverse [N], the
        voxel of each point.
    """
    cells = np.floor(xyz.astype(np.float64) / size).astype(np.int64)
    if not len(cells):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    cells -= cells.min(axis=0)
    extent = cells.max(axis=0) + 1
    if float(extent[0]) * float(extent[1]) * float(extent[2]) < 2**62:
        keys = (cells[:, 0] * extent[1] + cells[:, 1]) * extent[2] + cells[:, 2]
        first, inverse = _groups(keys)
    else:
        _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.ravel()]


def _groups(keys: Int64) -> tuple[Int64, Int64]:
    """Return the first row of each distinct key, by key, and each row's number among them.

    Like `np.unique`, whose stable sort takes several times as long.
    """
    by_key = np.argsort(keys)
    in_order = keys[by_key]
    begins = np.concatenate([[True], in_order[1:] != in_order[:-1]])
    inverse = np.empty_like(by_key)
    inverse[by_key] = np.cumsum(begins) - 1
    return np.minimum.reduceat(by_key, np.flatnonzero(begins)), inverse


def thin(cloud: PointCloud, spacing: float) -> WorkingSet:
    """Keep the first point of every voxel of edge `spacing` metres; 0 keeps all points."""
    if spacing <= 0:
        everything = np.arange(len(cloud))
        return WorkingSet(cloud, everything, everything)
    rows, inverse = voxel_index(cloud.xyz, spacing)
    return WorkingSet(cloud.take(rows), rows, inverse)
