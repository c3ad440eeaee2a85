"""Training samples: augmented crops of scans as voxels with objects to segment."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from models.agile3d.quantise import quantize, roomy_size
from models.agile3d.synthetic.scan import Scan
from models.agile3d.training.disturb import cluttered, cut, doubled, grained, loosened, regrouped

Float = npt.NDArray[np.float32]
Rng = np.random.Generator

VOXEL = 0.05
"""Voxel edge in metres."""

OUTDOORS = 14.0
"""Scans longer than this many metres count as outdoor scans."""


@dataclass(frozen=True, eq=False)
class Crop:
    """Voxels of a piece of a scan.

    Attributes:
        coords: [N, 3] int32 voxel indices.
        rgb: [N, 3] float32 in 0..1.
        xyz: [N, 3] float32 metres.
        labels: [N] int64 labels of the scan, 0 unlabelled.
    """

    coords: npt.NDArray[np.int32]
    rgb: Float
    xyz: Float
    labels: npt.NDArray[np.int64]


def draw_crop(rng: Rng, scan: Scan, max_voxels: int, *, augment: bool = True) -> Crop:
    """Cut a piece around a random object out of a scan.

    Args:
        rng: Decides everything.
        scan: Scan with labels.
        max_voxels: Keeps this many voxels at most, the nearest to the centre.
        augment: Whether to turn, scale, flip and recolour.
    """
    outdoors = bool(np.ptp(scan.xyz, axis=0).max() > OUTDOORS)
    xyz = _made_small(rng, scan.xyz) if outdoors else scan.xyz
    xyz = _moved(rng, xyz) if augment else xyz
    centre = xyz[_any_object(rng, scan.labels), :2]
    distance = np.abs(xyz[:, :2] - centre).max(axis=1)
    near = np.flatnonzero(distance < rng.uniform(1.3, 2.6) * max(1, max_voxels / 5000) ** 0.5)
    if augment and not outdoors and rng.random() < 0.7:
        near = _coarser(rng, xyz, near)
    piece = Scan(xyz[near], scan.rgb[near], scan.labels[near])
    piece = _untidy(rng, piece) if augment else piece
    coords, rows, _ = quantize(piece.xyz, VOXEL)
    if len(rows) > max_voxels:
        distance = np.abs(piece.xyz[rows, :2] - centre).max(axis=1)
        kept = np.sort(np.argpartition(distance, max_voxels)[:max_voxels])
        coords, rows = coords[kept], rows[kept]
    xyz, labels = piece.xyz[rows], piece.labels[rows].astype(np.int64)
    rgb: Float = piece.rgb[rows].astype(np.float32) / np.float32(255)
    if augment:
        rgb = _painted(rng, xyz, labels, rgb)
        labels = _relabelled(rng, xyz, labels)
    return Crop(coords, rgb, xyz, labels)


def _untidy(rng: Rng, piece: Scan) -> Scan:
    """Add what is between the generator's scans and real ones in shape."""
    if rng.random() < 0.5:
        piece = cut(rng, piece)
    if rng.random() < 0.6:
        piece = cluttered(rng, piece)
    xyz = piece.xyz
    if rng.random() < 0.4:
        xyz = doubled(rng, xyz)
    if rng.random() < 0.5:
        xyz = melted(rng, xyz)
    return Scan(xyz, piece.rgb, piece.labels)


def _painted(rng: Rng, xyz: Float, labels: npt.NDArray[np.int64], rgb: Float) -> Float:
    """Change colours in all ways."""
    rgb = matched(rng, labels, rgb)
    if rng.random() < 0.75:
        rgb = grained(rng, xyz, labels, rgb)
    return recoloured(rng, _shaded(rng, xyz, patched(rng, xyz, labels, rgb)))


def _relabelled(rng: Rng, xyz: Float, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Change what counts as one thing, and where it ends."""
    if rng.random() < 0.3:
        labels = regrouped(rng, xyz, labels)
    return loosened(rng, xyz, labels) if rng.random() < 0.35 else labels


def _made_small(rng: Rng, xyz: Float) -> Float:
    """Reduce a sparse scan until voxels hold points enough, as the program does with its own."""
    size = roomy_size(xyz, rng.uniform(1.8, 3.2), VOXEL, 1.1)
    return xyz * np.float32(VOXEL / size)


def _coarser(rng: Rng, xyz: Float, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Keep one point a cell of 2.5 to 4.5 cm: meshes of real scans are that coarse."""
    _, kept, _ = quantize(xyz[rows] + rng.random(3).astype(np.float32), rng.uniform(0.025, 0.045))
    return rows[kept]


def melted(rng: Rng, xyz: Float) -> Float:
    """Round off edges and join what touches, as meshes of fused depth images do."""
    for _ in range(int(rng.integers(1, 3))):
        _, nearest = cKDTree(xyz).query(xyz, k=min(9, len(xyz)))
        share = np.float32(rng.uniform(0.2, 0.8))
        xyz = xyz + share * (xyz[nearest].reshape(len(xyz), -1, 3).mean(axis=1) - xyz)
    return xyz


def matched(rng: Rng, labels: npt.NDArray[np.int64], rgb: Float) -> Float:
    """Give things the colours of others, so that colour alone does not tell them apart."""
    ids, member = np.unique(labels, return_inverse=True)
    if rng.random() < 0.4:
        return rgb
    sizes = np.bincount(member)[:, None]
    means = np.stack([np.bincount(member, rgb[:, k]) for k in range(3)], axis=1) / sizes
    wanted = means[rng.choice(rng.choice(len(ids), min(3, len(ids)), replace=False), len(ids))]
    pull = rng.uniform(0.3, 1.0, (len(ids), 1)) * (rng.random((len(ids), 1)) < 0.7)
    result: Float = (rgb + ((wanted - means) * pull)[member]).astype(np.float32)
    return np.clip(result, 0, 1)


def patched(rng: Rng, xyz: Float, labels: npt.NDArray[np.int64], rgb: Float) -> Float:
    """Add hard-edged patches: cast shadows across things, prints and panels on them."""
    for alone in (0.0, 2.4):
        if rng.random() < 0.5:
            continue
        wave = rng.normal(size=(3, 2)) * 2 * np.pi / rng.uniform(0.25, 2.5)
        phase = (xyz @ wave).astype(np.float64) + rng.uniform(0, 2 * np.pi, 2)
        inside = np.sin(phase + alone * labels[:, None]).sum(axis=1) > rng.uniform(-0.5, 0.8)
        changed = rgb * rng.uniform(0.4, 1.4) + rng.normal(0, 0.06, 3)
        rgb = np.where(inside[:, None], changed, rgb).astype(np.float32)
    return np.clip(rgb, 0, 1)


def _shaded(rng: Rng, xyz: Float, rgb: Float) -> Float:
    """Let light and shadow vary within objects, as they do in real scans."""
    field = np.zeros(len(xyz))
    for wavelength in rng.uniform(0.3, 3.0, 3):
        wave = rng.normal(size=3) / wavelength * 2 * np.pi
        field += np.sin(xyz @ wave + rng.uniform(0, 2 * np.pi))
    shaded: Float = (rgb * np.exp(rng.uniform(0, 0.3) * field)[:, None]).astype(np.float32)
    return shaded


def _any_object(rng: Rng, labels: npt.NDArray[np.int32]) -> int:
    """Return a random point of a random object, so that small ones are met often."""
    present = np.unique(labels[labels > 0])
    if not len(present):
        return int(rng.integers(len(labels)))
    return int(rng.choice(np.flatnonzero(labels == rng.choice(present))))


def _moved(rng: Rng, xyz: Float) -> Float:
    """Turn about z, tilt a little, scale, mirror and bend."""
    yaw = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    tilt = np.eye(3) + np.cross(np.eye(3), rng.normal(0, 0.02, 3))
    scale = np.exp(rng.normal(0, 0.15)) * np.array([rng.choice([-1, 1]), 1, 1])
    moved: Float = (xyz @ (turn @ tilt * scale)).astype(np.float32)
    return bent(rng, moved)


def bent(rng: Rng, xyz: Float) -> Float:
    """Bend space by up to some centimetres, as drifting cameras and smoothed meshes do."""
    amplitude = rng.uniform(0, 0.025)
    waves = rng.normal(size=(3, 6)) * (2 * np.pi / rng.uniform(0.4, 2.0))
    phases = rng.uniform(0, 2 * np.pi, 6)
    directions = rng.normal(0, amplitude / 2, (6, 3))
    field = np.sin(xyz @ waves.astype(np.float32) + phases.astype(np.float32))
    result: Float = (xyz + field @ directions).astype(np.float32)
    return result


def recoloured(rng: Rng, rgb: Float) -> Float:
    """Change contrast, brightness, gamma and tint of colours [N, 3]; drop some altogether."""
    kind = rng.random()
    if kind < 0.08:
        return np.zeros_like(rgb)
    if kind < 0.13:
        rgb = np.repeat(rgb.mean(axis=1, keepdims=True), 3, axis=1)
    elif kind < 0.25:
        rgb = rgb[:, rng.permutation(3)]
    changed = rgb ** rng.uniform(0.7, 1.5) * rng.uniform(0.7, 1.2)
    grey, middle = changed.mean(axis=1, keepdims=True), changed.mean(axis=0)
    changed = grey + (changed - grey) * rng.uniform(0.15, 1.1)
    changed = (changed - middle) * rng.uniform(0.5, 1.2) + middle
    changed = changed + rng.normal(0, 0.06, 3) + rng.normal(0, rng.uniform(0, 0.08), rgb.shape)
    clipped: Float = np.clip(changed, 0, 1).astype(np.float32)
    return clipped


def draw_objects(
    rng: Rng, labels: npt.NDArray[np.int64], most: int = 10, min_voxels: int = 12
) -> tuple[npt.NDArray[np.int64], int]:
    """Choose M ~ U{1..most} objects to segment.

    Args:
        rng: Decides.
        labels: Labels of the voxels [N], 0 unlabelled.
        most: Largest M.
        min_voxels: Objects with fewer voxels are not chosen.

    Returns:
        Truth [N] with the chosen objects as 1..M and all else 0; M, 0 if there are none.
    """
    ids, sizes = np.unique(labels[labels > 0], return_counts=True)
    ids = ids[sizes >= min_voxels]
    count = int(rng.integers(1, min(most, len(ids)) + 1)) if len(ids) else 0
    truth = np.zeros(len(labels), np.int64)
    for number, chosen in enumerate(rng.permutation(ids)[:count], start=1):
        truth[labels == chosen] = number
    return truth, count
