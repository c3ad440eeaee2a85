"""Shape of the surface round every voxel, as extra input channels of small networks.

A large network learns this from occupied voxels alone; a small one that is trained
briefly gains much from being told, above all on scans without colour.
"""

import torch
from torch import Tensor

from models.sparse import VoxelLevel, sparse_pool

GEOMETRY_CHANNELS = 10
"""Normal tensor (6), planarity, roughness, height, and a constant."""

_HEIGHT_VOXELS = 40.0
"""Voxels of height that count as 1: two metres at 5 cm."""


def geometry_features(level: VoxelLevel, xyz: Tensor) -> Tensor:
    """Describe the neighbourhood (two rings of voxels) of every voxel of a level.

    The normal n enters as the six distinct entries of n n^T, which need no sign.

    Args:
        level: Voxels of one or more scenes, z up.
        xyz: Representative points, any unit, [N, 3].

    Returns:
        [N, 10] float32, all about 0..1.
    """
    values, vectors = torch.linalg.eigh(_covariances(level, xyz))
    normal = vectors[:, :, 0]
    x, y, z = normal.unbind(1)
    tensor = torch.stack([x * x, y * y, z * z, x * y, x * z, y * z], dim=1)
    spread = values.clamp(min=0) / values[:, 2:].clamp(min=1e-12)
    planarity = spread[:, 1:2] - spread[:, 0:1]
    rest = torch.cat([planarity, spread[:, 0:1], _heights(level), torch.ones_like(planarity)], 1)
    return torch.cat([tensor, rest], dim=1).to(torch.float32)


def neighbourhood_normals(coords: Tensor, xyz: Tensor) -> Tensor:
    """Return the unit normal of every voxel's neighbourhood, of either sign, [N, 3] float32.

    Args:
        coords: Distinct voxel indices of one scene, [N, 3].
        xyz: Representative points, [N, 3].
    """
    level = VoxelLevel(torch.nn.functional.pad(coords, (1, 0)))
    _, vectors = torch.linalg.eigh(_covariances(level, xyz))
    found: Tensor = vectors[:, :, 0].contiguous()
    return found


def _covariances(level: VoxelLevel, xyz: Tensor) -> Tensor:
    """Return the covariance of the points around each voxel, [N, 3, 3], plus a little."""
    # Sums of squares of coordinates cancel badly; MPS knows no float64.
    points = xyz if xyz.device.type == "mps" else xyz.double()
    points = points - points.mean(dim=0)
    squares = (points[:, :, None] * points[:, None, :]).flatten(1)
    moments = torch.cat([torch.ones_like(points[:, :1]), points, squares], dim=1)
    pairs = level.kernel_map(3)
    for _ in range(2):
        moments = sparse_pool(moments, pairs, "sum")
    mean = moments[:, 1:4] / moments[:, :1]
    square = (moments[:, 4:] / moments[:, :1]).view(-1, 3, 3)
    covariance = (square - mean[:, :, None] * mean[:, None, :]).float()
    # Alone voxels have no spread; the jitter makes their axes definite, z first.
    scale = covariance.diagonal(dim1=1, dim2=2).mean().clamp(min=1e-12)
    jitter = torch.tensor([3e-4, 2e-4, 1e-4], device=xyz.device) * scale
    return covariance + torch.diag(jitter)


def _heights(level: VoxelLevel) -> Tensor:
    """Return heights over the floor (the lowest 1 % of each scene), [N, 1] in 0..2."""
    z = level.coords[:, 3].float()
    result = torch.empty_like(z)
    for scene in torch.unique(level.coords[:, 0]):
        rows = level.coords[:, 0] == scene
        ordered = z[rows].sort().values
        result[rows] = (z[rows] - ordered[len(ordered) // 100]) / _HEIGHT_VOXELS
    return result.clamp(0, 2)[:, None]
