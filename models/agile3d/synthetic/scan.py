"""Simulated scanning: what a walk of depth cameras sees, with the faults of real scans."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.agile3d.synthetic.rooms import Scene
from models.agile3d.synthetic.surfaces import Float, Rng

_COLUMNS, _ROWS = 96, 72


@dataclass(frozen=True, eq=False)
class Scan:
    """A labelled scan.

    Attributes:
        xyz: [P, 3] float32 metres, z up, any yaw and origin.
        rgb: [P, 3] uint8; black where the scan has no colour.
        labels: [P] int32, 0 where unlabelled.
    """

    xyz: Float
    rgb: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]


@dataclass(frozen=True)
class ScanSettings:
    """Faults of a scan, drawn per scan by `draw`.

    Attributes:
        cameras: Number of depth images.
        spacing: Distance of the resulting points, metres.
        noise: Range noise at 1 m; grows with the square of the distance.
        drift: Standard deviation of a camera's position error, metres.
        bleeding: Share of points that take a neighbour's colour.
        holes: Number of places where the sensor saw nothing.
        colourless: Whether the scan has no colour.
        steep: Whether the cameras look down from one side only, as on a tabletop.
        moved: Whether the scan is turned about z and moved at random.
    """

    cameras: int = 20
    spacing: float = 0.03
    noise: float = 0.0006
    drift: float = 0.003
    bleeding: float = 0.2
    holes: int = 5
    colourless: bool = False
    steep: bool = False
    moved: bool = True

    @classmethod
    def draw(cls, rng: Rng, *, steep: bool = False) -> "ScanSettings":
        """Draw settings; `steep` for tabletops, which few cameras see."""
        return cls(
            cameras=int(rng.integers(1, 4) if steep else rng.integers(8, 26)),
            spacing=float(rng.uniform(0.025, 0.043)),
            noise=float(rng.uniform(0, 0.0012)),
            drift=float(rng.uniform(0, 0.006)),
            bleeding=float(rng.uniform(0, 0.5)),
            holes=int(rng.integers(0, 10)),
            colourless=bool(rng.random() < 0.08),
            steep=steep,
        )


def scan(rng: Rng, scene: Scene, settings: ScanSettings | None = None) -> Scan:
    """Scan a scene.

    Args:
        rng: Decides the walk and all faults.
        scene: What to scan.
        settings: Faults; drawn by default.
    """
    settings = settings or ScanSettings.draw(rng)
    xyz, rgb, seen = _observe(rng, scene, settings)
    labels = scene.surface.part[seen]
    kept = _thinned(rng, xyz, settings.spacing)
    kept = kept[_outside_holes(rng, xyz[kept], settings.holes)]
    xyz, rgb, labels = xyz[kept], rgb[kept], labels[kept]
    rgb = _bled(rng, xyz, rgb, settings.bleeding)
    colours = np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    if settings.colourless:
        colours[:] = 0
    return Scan(_anywhere(rng, xyz) if settings.moved else xyz, colours, labels)


def _observe(
    rng: Rng, scene: Scene, settings: ScanSettings
) -> tuple[Float, Float, npt.NDArray[np.int64]]:
    """Return positions and colours of the points that some camera saw, and their rows."""
    points = scene.surface.xyz
    position = points.copy()
    gain = np.ones((len(points), 3), np.float32)
    seen = np.zeros(len(points), bool)
    for eye, target in _walk(rng, scene, settings):
        rows, depth = _visible(points, eye, target)
        rays = (points[rows] - eye) / np.maximum(depth, 0.1)[:, None]
        error = settings.noise * depth**2 * rng.normal(size=len(rows)).astype(np.float32)
        shift = rng.normal(0, settings.drift, 3).astype(np.float32)
        new = rows[~seen[rows] | (rng.random(len(rows)) < 0.2)]
        mine = np.zeros(len(points), bool)
        mine[new] = True
        chosen = mine[rows]
        position[new] = points[new] + shift + rays[chosen] * error[chosen, None]
        exposure = rng.normal(1, 0.07) * (1 + rng.normal(0, 0.02, 3))
        gain[new] = exposure.astype(np.float32)
        seen[rows] = True
    found = np.flatnonzero(seen)
    return position[found], scene.surface.rgb[found] * gain[found], found


def _walk(rng: Rng, scene: Scene, settings: ScanSettings) -> list[tuple[Float, Float]]:
    """Return camera positions and what they look at, metres."""
    w, d, h = scene.size
    views = []
    side = rng.uniform(0, 2 * np.pi)
    for _ in range(settings.cameras):
        target = rng.uniform((0.0, 0.0, 0.0), (w, d, min(h, 2.2)))
        if settings.steep:
            angle = side + rng.normal(0, 0.4)
            middle = np.array([w / 2, d / 2, 0])
            reach = max(w, d) * rng.uniform(0.6, 1.0)
            up = reach * rng.uniform(0.5, 1.2)
            eye = middle + np.array([reach * np.cos(angle), reach * np.sin(angle), up])
            target = middle + rng.normal(0, 0.15, 3) * (w, d, 0)
        else:
            eye = rng.uniform((w * 0.15, d * 0.15, 1.1), (w * 0.85, d * 0.85, 1.9))
            if np.linalg.norm(target - eye) < 1.0:
                target = np.array([w / 2, d / 2, 0.3]) * rng.uniform(0.5, 1.5)
        views.append((eye.astype(np.float32), target.astype(np.float32)))
    return views


def _visible(points: Float, eye: Float, target: Float) -> tuple[npt.NDArray[np.int64], Float]:
    """Return the rows that a camera sees by z-buffer, and their depths in metres."""
    forward = (target - eye) / max(float(np.linalg.norm(target - eye)), 1e-6)
    right = np.cross(forward, (0, 0, 1)) + np.array([1e-6, 0, 0])
    right /= np.linalg.norm(right)
    frame = np.stack([right, np.cross(forward, right), forward], axis=1).astype(np.float32)
    local = (points - eye) @ frame
    depth = local[:, 2]
    near = np.flatnonzero(depth > 0.35)
    focal = _COLUMNS / (2 * np.tan(np.deg2rad(32)))
    column = (local[near, 0] / depth[near] * focal + _COLUMNS / 2).astype(np.int64)
    row = (local[near, 1] / depth[near] * focal + _ROWS / 2).astype(np.int64)
    inside = (column >= 0) & (column < _COLUMNS) & (row >= 0) & (row < _ROWS)
    near = near[inside]
    pixel = row[inside] * _COLUMNS + column[inside]
    z = depth[near]
    buffer = np.full(_COLUMNS * _ROWS, np.inf, np.float32)
    np.minimum.at(buffer, pixel, z)
    clear = z <= buffer[pixel] * 1.035 + 0.03
    return near[clear], z[clear]


def _thinned(rng: Rng, xyz: Float, spacing: float) -> npt.NDArray[np.int64]:
    """Return one random row a cell of the given size."""
    order = rng.permutation(len(xyz))
    cells = np.floor((xyz[order] + rng.random(3)) / spacing).astype(np.int64)
    cells -= cells.min(axis=0)
    keys = (cells[:, 0] * (cells[:, 1].max() + 1) + cells[:, 1]) * (cells[:, 2].max() + 1)
    _, first = np.unique(keys + cells[:, 2], return_index=True)
    # In random order: the first point of a voxel represents it.
    kept: npt.NDArray[np.int64] = rng.permutation(order[first])
    return kept


def _outside_holes(rng: Rng, xyz: Float, count: int) -> npt.NDArray[np.bool_]:
    """Return which points survive random ball-shaped failures of the sensor."""
    kept = np.ones(len(xyz), bool)
    for _ in range(count):
        centre = xyz[rng.integers(len(xyz))]
        inside = ((xyz - centre) ** 2).sum(axis=1) < rng.uniform(0.05, 0.35) ** 2
        kept &= ~inside | (rng.random(len(xyz)) < rng.uniform(0, 0.4))
    return kept


def _bled(rng: Rng, xyz: Float, rgb: Float, share: float) -> Float:
    """Let some points take the colour of another in the same 10 cm: mis-registered texture."""
    cells = np.floor(xyz / 0.1 + rng.random(3)).astype(np.int64)
    key = cells @ np.array([73856093, 19349663, 83492791])
    order = np.lexsort((rng.random(len(xyz)), key))
    other = np.roll(order, 1)
    same = (key[order] == key[other]) & (rng.random(len(xyz)) < share)
    mixed = rgb.copy()
    weight = rng.uniform(0.3, 1.0)
    mixed[order[same]] += weight * (rgb[other[same]] - rgb[order[same]])
    return mixed


def _anywhere(rng: Rng, xyz: Float) -> Float:
    """Turn a scan about the z axis and move it."""
    yaw = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    moved: Float = (xyz @ turn + rng.uniform(-2, 2, 3)).astype(np.float32)
    return moved
