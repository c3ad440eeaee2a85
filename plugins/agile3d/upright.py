"""Which way is up in a scan of a table top that came in the camera's frame."""

import numpy as np
import numpy.typing as npt
import torch

from models.agile3d import neighbourhood_normals

Float32 = npt.NDArray[np.float32]

LARGEST = 2.5
"""Longest side in metres of scans that may be turned: rooms come with z up, and a wall may
be their largest plane."""
ALIKE = np.cos(np.deg2rad(12))
LEVEL = np.cos(np.deg2rad(20))
ENOUGH = 0.2
"""Share of the voxels that the plane must have."""
CANDIDATES = 256


def upright_turn(coords: npt.NDArray[np.int32], xyz: Float32) -> Float32:
    """Return the rotation [3, 3] that makes a scan's main plane level, for `xyz @ turn.T`.

    The plane is the commonest direction of the surface. Nothing is turned (identity) if
    the scan is as large as a room, if no direction is common, or if the main plane or a
    plane nearly as large is level already.

    Args:
        coords: [V, 3] distinct voxel indices.
        xyz: [V, 3] positions, metres.
    """
    identity = np.eye(3, dtype=np.float32)
    if len(xyz) < 50 or np.ptp(xyz, axis=0).max() > LARGEST * 1.5:
        return identity
    normals = neighbourhood_normals(torch.from_numpy(coords), torch.from_numpy(xyz)).numpy()
    up, share = _main_direction(normals)
    level = float((np.abs(normals[:, 2]) > ALIKE).mean())
    if share < ENOUGH or abs(up[2]) > LEVEL or level > 0.7 * share:
        return identity
    return _to_z(_away_from_table(up, normals, xyz))


def _main_direction(normals: Float32) -> tuple[Float32, float]:
    """Return the commonest direction [3] of unit normals [V, 3], and the share that has it."""
    tried = normals[:: max(1, len(normals) // CANDIDATES)]
    alike = np.abs(normals @ tried.T) > ALIKE
    best = int(alike.sum(axis=0).argmax())
    chosen = normals[alike[:, best]]
    mean = (chosen * np.sign(chosen @ tried[best])[:, None]).mean(axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32), float(alike[:, best].mean())


def _away_from_table(up: Float32, normals: Float32, xyz: Float32) -> Float32:
    """Return the direction or its opposite, so that things stand on the plane."""
    height = xyz @ up
    plane = np.median(height[np.abs(normals @ up) > ALIKE])
    return up if np.mean(height) >= plane else -up


def _to_z(up: Float32) -> Float32:
    """Return the smallest rotation that takes a unit vector to +z."""
    axis = np.cross(up, (0.0, 0.0, 1.0))
    sine, cosine = float(np.linalg.norm(axis)), float(up[2])
    if sine < 1e-6:
        return np.diag([1.0, cosine, cosine]).astype(np.float32)
    x, y, z = axis / sine
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return (np.eye(3) + sine * cross + (1 - cosine) * cross @ cross).astype(np.float32)
