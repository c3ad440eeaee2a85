"""From points to voxels."""

import numpy as np
import numpy.typing as npt

_INT32 = np.iinfo(np.int32)


def quantize(
    xyz: npt.NDArray[np.floating], voxel_size: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Assign points to voxels floor(xyz / voxel_size), numbered by first occurrence.

    The division is made in the precision of `xyz`, as upstream does: points on a
    border may fall into other voxels in float32 than in float64.

    Args:
        xyz: Points in metres, [P, 3] float32 or float64, P >= 1.
        voxel_size: Edge of a voxel in metres.

    Returns:
        Voxel coordinates [N, 3]; the point that represents each voxel, the first in
        it, [N], ascending; the voxel of every point [P].

    Raises:
        ValueError: If there are no points, one is not finite or too far away.
    """
    if xyz.ndim != 2 or xyz.shape[1] != 3 or len(xyz) == 0:
        raise ValueError(f"points must be [P, 3] with P >= 1, not {xyz.shape}")
    if not voxel_size > 0:
        raise ValueError(f"the voxel size must be positive, not {voxel_size}")
    cells = np.floor(xyz / xyz.dtype.type(voxel_size))
    if not bool(np.isfinite(cells).all()):
        raise ValueError("some points have coordinates that are not finite; remove them first")
    if cells.min() < _INT32.min or cells.max() > _INT32.max:
        raise ValueError("some points lie too far from the origin for the voxel size; centre them")
    coords = cells.astype(np.int64)
    _, first, inverse = np.unique(_keys(coords), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    unique_map = first[order]
    return coords[unique_map].astype(np.int32), unique_map, rank[inverse.reshape(-1)]


def roomy_size(
    xyz: npt.NDArray[np.floating], points: float, smallest: float, growth: float = 1.25
) -> float:
    """Return a voxel edge whose voxels hold at least so many points on average.

    Args:
        xyz: Points in metres, [P, 3], P >= 1.
        points: Points a voxel wanted.
        smallest: Edge in metres to begin with.
        growth: Factor by which it grows until enough points are in a voxel, or all in one.

    Raises:
        ValueError: As `quantize`.
    """
    size = smallest
    while (count := len(quantize(xyz, size)[1])) * points > len(xyz) and count > 1:
        size *= growth
    return size


def _keys(coords: npt.NDArray[np.int64]) -> npt.NDArray[np.generic]:
    """Return one sortable key a row of [P, 3]: 64-bit numbers if the box allows, else records."""
    low = coords.min(axis=0)
    sizes = [int(s) for s in coords.max(axis=0) - low + 1]
    if sizes[0] * sizes[1] * sizes[2] >= 2**62:
        return np.ascontiguousarray(coords).view("i8,i8,i8").reshape(-1)
    x, y, z = (coords - low).T
    keys: npt.NDArray[np.int64] = (x * sizes[1] + y) * sizes[2] + z
    return keys
