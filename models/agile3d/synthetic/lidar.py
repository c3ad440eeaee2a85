"""Simulated laser scanning: stations on tripods, or a spinning sensor that is carried along."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from models.agile3d.synthetic.outdoors import SPACING, OutdoorScene
from models.agile3d.synthetic.scan import Scan, _anywhere, _thinned
from models.agile3d.synthetic.surfaces import Float, Rng

Int = npt.NDArray[np.int64]

_BINS = np.deg2rad([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
"""Edges of the depth images' pixels; near things, sampled wider apart, go into coarse ones."""
_REACH = 30.0
"""Farthest point in metres."""


@dataclass(frozen=True)
class LidarSettings:
    """How a scan was made, drawn by `draw`.

    Attributes:
        stations: Number of places from which the sensor looked.
        rings: Number of elevations.
        low: Lowest elevation, radians.
        high: Highest elevation.
        step: Angle between columns, radians.
        height: Of the sensor over the ground, metres.
        noise: Standard deviation of the range, metres.
        drift: Of a station's position, metres.
        lost: Share of rays without an echo at the farthest range; falls with its square.
        spacing: Distance to which the result is thinned, metres.
        colour: From photographs, from the strength of the echo, or none.
        moved: Whether the scan is turned about z and moved at random.
    """

    stations: int = 3
    rings: int = 400
    low: float = -1.05
    high: float = 1.2
    step: float = 0.005
    height: float = 1.8
    noise: float = 0.005
    drift: float = 0.01
    lost: float = 0.5
    spacing: float = 0.05
    colour: Literal["photo", "echo", "none"] = "photo"
    moved: bool = True

    @classmethod
    def draw(cls, rng: Rng) -> "LidarSettings":
        """Draw settings of a tripod (half of them) or of a carried sensor."""
        colour: Literal["photo", "echo", "none"] = "photo"
        spacing = float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
        noise, drift = float(rng.uniform(0.002, 0.02)), float(rng.uniform(0, 0.025))
        if rng.random() < 0.5:
            step = float(np.deg2rad(rng.uniform(0.12, 0.4)))
            colour = "photo" if (kind := rng.random()) < 0.7 else "echo" if kind < 0.85 else "none"
            rings = int((1.2 + 1.05) / step)
            return cls(
                stations=int(rng.integers(1, 5)),
                rings=rings,
                step=step,
                height=float(rng.uniform(1.4, 2.2)),
                noise=noise,
                drift=drift,
                spacing=spacing,
                colour=colour,
            )
        colour = "photo" if (kind := rng.random()) < 0.25 else "echo" if kind < 0.6 else "none"
        return cls(
            stations=int(rng.integers(5, 13)),
            rings=int(rng.choice([32, 64, 128])),
            low=float(np.deg2rad(rng.uniform(-40, -22))),
            high=float(np.deg2rad(rng.uniform(5, 40))),
            step=float(np.deg2rad(rng.uniform(0.2, 0.5))),
            height=float(rng.uniform(1.6, 2.4)),
            noise=noise,
            drift=drift,
            spacing=spacing,
            colour=colour,
        )


def scan_outdoors(rng: Rng, scene: OutdoorScene, settings: LidarSettings | None = None) -> Scan:
    """Scan a scene; the result lies within `_REACH` of the middle of its origin.

    Args:
        rng: Decides all faults.
        scene: What to scan.
        settings: Drawn by default.
    """
    settings = settings or LidarSettings.draw(rng)
    tree = cKDTree(scene.surface.xyz)
    found = [_look(rng, scene, tree, eye, settings) for eye in _eyes(rng, scene, settings)]
    xyz, rgb = np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])
    labels = np.concatenate([f[2] for f in found])
    kept = _thinned(rng, xyz, settings.spacing)
    xyz = xyz[kept] - np.array([*(np.asarray(scene.size) / 2), 0], np.float32)
    colours = np.round(np.clip(rgb[kept], 0, 1) * 255).astype(np.uint8)
    return Scan(_anywhere(rng, xyz) if settings.moved else xyz, colours, labels[kept])


def _eyes(rng: Rng, scene: OutdoorScene, settings: LidarSettings) -> Float:
    """Return the places of the sensor [S, 3]: neighbours on the walk for many, any for few."""
    count, places = settings.stations, scene.walk
    rows = rng.choice(len(places), min(count, len(places)), replace=False)
    if count > 4:
        rows = np.arange(min(count, len(places))) + rng.integers(max(1, len(places) - count + 1))
    height = np.array([0, 0, settings.height], np.float32)
    eyes: Float = (places[rows] + height + rng.normal(0, 0.2, (len(rows), 3))).astype(np.float32)
    return eyes


def _look(
    rng: Rng, scene: OutdoorScene, tree: cKDTree, eye: Float, settings: LidarSettings
) -> tuple[Float, Float, npt.NDArray[np.int32]]:
    """Return positions, colours and labels of the echoes from one place."""
    rows, angles, depth = _visible(scene, eye)
    picked, rays = _rays(rng, angles, depth, settings)
    rows, depth = rows[picked], depth[picked]
    xyz, slant = _on_surface(scene.surface.xyz, tree, rows, eye, rays, depth)
    chance = 1 - settings.lost * (depth / _REACH) ** 2
    heard = rng.random(len(rows)) < chance * np.clip(slant / 0.08, 0, 1)
    xyz, rows, rays, slant = xyz[heard], rows[heard], rays[heard], slant[heard]
    error = settings.noise * rng.normal(size=(len(rows), 1))
    shift = rng.normal(0, settings.drift, 3) * (1, 1, 0.5)
    measured = (xyz + rays * error + shift).astype(np.float32)
    rgb = _seen_colours(rng, scene.surface.rgb[rows], slant, settings)
    return measured, rgb, scene.surface.part[rows]


def _visible(scene: OutdoorScene, eye: Float) -> tuple[Int, Float, Float]:
    """Return the rows that nothing hides from a place, their angles [R, 2] and depths [R].

    Angles are azimuth and elevation. The ground is so flat that it hides nothing.
    """
    offset = scene.surface.xyz - eye
    depth = np.linalg.norm(offset, axis=1)
    rows = np.flatnonzero((depth > 0.8) & (depth < _REACH))
    offset, depth = offset[rows], depth[rows]
    azimuth = np.arctan2(offset[:, 1], offset[:, 0])
    angles = np.stack([azimuth, np.arcsin(offset[:, 2] / depth)], axis=1).astype(np.float32)
    solid = ~scene.ground[rows]
    level = np.searchsorted(_BINS, 1.5 * SPACING / depth).clip(max=len(_BINS) - 1)
    nearest = np.full(len(rows), np.inf, np.float32)
    for number, edge in enumerate(_BINS):
        pixel = ((angles + np.array([np.pi, np.pi / 2], np.float32)) / edge).astype(np.int64)
        key = pixel[:, 0] * int(np.pi / edge + 2) + pixel[:, 1]
        buffer = np.full(int(key.max(initial=0)) + 1, np.inf, np.float32)
        mine = solid & (level == number)
        np.minimum.at(buffer, key[mine], depth[mine])
        nearest = np.minimum(nearest, buffer[key])
    clear = depth <= nearest * 1.015 + 0.12
    return rows[clear], angles[clear], depth[clear].astype(np.float32)


def _rays(rng: Rng, angles: Float, depth: Float, settings: LidarSettings) -> tuple[Int, Float]:
    """Choose the sample nearest to every ray; return their numbers and the rays' directions."""
    pitch = (settings.high - settings.low) / max(settings.rings - 1, 1)
    first = rng.uniform(0, settings.step)
    cell = np.stack(
        [(angles[:, 0] - first) / settings.step, (angles[:, 1] - settings.low) / pitch], axis=1
    )
    nearest = np.round(cell)
    miss = np.abs(cell - nearest) * (settings.step, pitch)
    inside = (nearest[:, 1] >= 0) & (nearest[:, 1] < settings.rings)
    # A ray hits the surface that a sample stands for, not only the sample itself.
    inside &= (miss < 0.7 * SPACING / depth[:, None]).all(axis=1)
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort((miss[rows] ** 2).sum(axis=1), kind="stable")]
    key = nearest[rows].astype(np.int64) @ np.array([100_000, 1])
    _, chosen = np.unique(key, return_index=True)
    picked = rows[chosen]
    azimuth = nearest[picked, 0] * settings.step + first
    elevation = nearest[picked, 1] * pitch + settings.low
    flat = np.cos(elevation)
    rays = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)
    return picked, rays.astype(np.float32)


def _on_surface(
    points: Float, tree: cKDTree, rows: Int, eye: Float, rays: Float, depth: Float
) -> tuple[Float, Float]:
    """Return where rays meet the planes round samples, and the cosines of incidence.

    Rays that would hit far from their sample, as on foliage, take the sample itself.
    """
    _, near = tree.query(points[rows], k=9)
    offsets = points[near] - points[rows][:, None]
    offsets -= offsets.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", offsets, offsets))
    normal = axes[:, :, 0]
    slant = np.abs((rays * normal).sum(axis=1))
    along = ((points[rows] - eye) * normal).sum(axis=1)
    signed = (rays * normal).sum(axis=1)
    reach = along / np.where(np.abs(signed) < 1e-3, np.inf, signed)
    hit = eye + rays * reach[:, None]
    far = np.linalg.norm(hit - points[rows], axis=1) > 1.5 * SPACING
    xyz = np.where(far[:, None], points[rows], hit)
    return xyz.astype(np.float32), slant.astype(np.float32)


def _seen_colours(rng: Rng, rgb: Float, slant: Float, settings: LidarSettings) -> Float:
    """Return what a camera, the strength of the echo, or nothing says about colour."""
    if settings.colour == "none":
        return np.zeros_like(rgb)
    if settings.colour == "echo":
        strength = rgb.mean(axis=1) * (0.4 + 0.6 * slant) * rng.normal(1, 0.1, len(rgb))
        return np.repeat(strength[:, None], 3, axis=1).astype(np.float32)
    exposure = rng.normal(1, 0.08) * (1 + rng.normal(0, 0.02, 3))
    noisy: Float = (rgb * exposure + rng.normal(0, 0.02, rgb.shape)).astype(np.float32)
    return noisy
