"""Coloured surface samples: the only kind of geometry the generator works with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Surface:
    """Points spread evenly over the surface of something.

    Attributes:
        xyz: [P, 3] metres, z up.
        rgb: [P, 3] colours in 0..1.
        part: [P] int32 part numbers, 0 unless the surface consists of several things.
    """

    xyz: Float
    rgb: Float
    part: npt.NDArray[np.int32]

    @classmethod
    def of(cls, xyz: npt.NDArray[np.floating], rgb: npt.NDArray[np.floating]) -> "Surface":
        """Make a surface of one part; a single colour is repeated."""
        colours = np.broadcast_to(np.asarray(rgb, np.float32), (len(xyz), 3))
        return cls(xyz.astype(np.float32), colours.copy(), np.zeros(len(xyz), np.int32))

    def __len__(self) -> int:
        """Number of points."""
        return len(self.xyz)

    @property
    def low(self) -> Float:
        """Smallest coordinates [3]; zeros if there are no points."""
        return self.xyz.min(axis=0) if len(self) else np.zeros(3, np.float32)

    @property
    def high(self) -> Float:
        """Largest coordinates [3]; zeros if there are no points."""
        return self.xyz.max(axis=0) if len(self) else np.zeros(3, np.float32)

    def moved(self, offset: Sequence[float]) -> "Surface":
        """Return the surface shifted by `offset` metres."""
        return Surface(self.xyz + np.asarray(offset, np.float32), self.rgb, self.part)

    def turned(self, yaw: float) -> "Surface":
        """Return the surface turned about the z axis by `yaw` radians."""
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
        return Surface(self.xyz @ turn.T, self.rgb, self.part)

    def scaled(self, factors: Sequence[float]) -> "Surface":
        """Return the surface scaled per axis about the origin."""
        return Surface(self.xyz * np.asarray(factors, np.float32), self.rgb, self.part)

    def coloured(self, rgb: npt.NDArray[np.floating]) -> "Surface":
        """Return the surface with other colours ([3] or [P, 3])."""
        colours = np.broadcast_to(np.asarray(rgb, np.float32), self.xyz.shape)
        return Surface(self.xyz, np.clip(colours, 0, 1), self.part)

    def as_part(self, part: int) -> "Surface":
        """Return the surface with all points in one part."""
        return Surface(self.xyz, self.rgb, np.full(len(self), part, np.int32))

    def taken(self, rows: npt.NDArray[np.generic]) -> "Surface":
        """Return the points of some rows (numbers or a mask)."""
        return Surface(self.xyz[rows], self.rgb[rows], self.part[rows])


def join(surfaces: Sequence[Surface]) -> Surface:
    """Return all points of several surfaces."""
    if not surfaces:
        return Surface.of(np.zeros((0, 3)), np.zeros((0, 3)))
    return Surface(
        np.concatenate([s.xyz for s in surfaces]),
        np.concatenate([s.rgb for s in surfaces]),
        np.concatenate([s.part for s in surfaces]),
    )


def patch(
    rng: Rng, corner: Sequence[float], u: Sequence[float], v: Sequence[float], spacing: float
) -> Float:
    """Sample a parallelogram with one jittered point a cell.

    Args:
        rng: Source of the jitter.
        corner: One corner, metres [3].
        u: First edge [3].
        v: Second edge [3].
        spacing: Edge of a cell in metres.

    Returns:
        [P, 3] points.
    """
    a, b = np.asarray(u, np.float32), np.asarray(v, np.float32)
    m = max(1, round(float(np.linalg.norm(a)) / spacing))
    n = max(1, round(float(np.linalg.norm(b)) / spacing))
    s, t = np.meshgrid(np.arange(m), np.arange(n), indexing="ij")
    jitter = rng.random((2, m * n), dtype=np.float32)
    s = (s.reshape(-1, 1) + jitter[0][:, None]) / m
    t = (t.reshape(-1, 1) + jitter[1][:, None]) / n
    points: Float = (np.asarray(corner, np.float32) + s * a + t * b).astype(np.float32)
    return points


def box(rng: Rng, size: Sequence[float], spacing: float, sides: str = "xXyYzZ") -> Float:
    """Sample a box that stands on z = 0, centred in x and y.

    Args:
        rng: Source of the jitter.
        size: Width, depth, height in metres.
        spacing: Distance of the points in metres.
        sides: Which sides to make; capitals are the larger coordinate.

    Returns:
        [P, 3] points.
    """
    w, d, h = size
    x, y = -w / 2, -d / 2
    patches = {
        "x": ((x, y, 0), (0, d, 0), (0, 0, h)),
        "X": ((-x, y, 0), (0, d, 0), (0, 0, h)),
        "y": ((x, y, 0), (w, 0, 0), (0, 0, h)),
        "Y": ((x, -y, 0), (w, 0, 0), (0, 0, h)),
        "z": ((x, y, 0), (w, 0, 0), (0, d, 0)),
        "Z": ((x, y, h), (w, 0, 0), (0, d, 0)),
    }
    return np.concatenate([patch(rng, *patches[side], spacing) for side in sides])


def cylinder(
    rng: Rng,
    radius: float,
    height: float,
    spacing: float,
    top: float | None = None,
    *,
    lid: bool = True,
) -> Float:
    """Sample an upright cylinder or cone frustum on z = 0.

    Args:
        rng: Source of the jitter.
        radius: Radius at the bottom in metres.
        height: Height in metres.
        spacing: Distance of the points in metres.
        top: Radius at the top; that of the bottom by default.
        lid: Whether the top is closed.

    Returns:
        [P, 3] points.
    """
    upper = radius if top is None else top
    around = patch(rng, (0, 0, 0), (2 * np.pi * max(radius, upper), 0, 0), (0, 0, height), spacing)
    angle = around[:, 0] / max(radius, upper)
    r = radius + (upper - radius) * around[:, 2] / height
    side = np.stack([r * np.cos(angle), r * np.sin(angle), around[:, 2]], axis=1)
    if not lid:
        return side.astype(np.float32)
    return np.concatenate([side, disc(rng, upper, spacing, height)]).astype(np.float32)


def disc(rng: Rng, radius: float, spacing: float, z: float = 0.0) -> Float:
    """Sample a horizontal disc [P, 3]."""
    square = patch(rng, (-radius, -radius, z), (2 * radius, 0, 0), (0, 2 * radius, 0), spacing)
    inside: Float = square[(square[:, :2] ** 2).sum(axis=1) <= radius**2]
    return inside


def ellipsoid(rng: Rng, size: Sequence[float], spacing: float, power: float = 2.0) -> Float:
    """Sample a superellipsoid that stands on z = 0; high powers look like rounded boxes.

    Args:
        rng: Source of the points.
        size: Width, depth, height in metres.
        spacing: Mean distance of the points in metres.
        power: 2 is an ellipsoid, 4 and more a cushion.

    Returns:
        [P, 3] points.
    """
    half = np.asarray(size, np.float32) / 2
    area = 4 * np.pi * float(np.mean([half[0] * half[1], half[0] * half[2], half[1] * half[2]]))
    count = max(8, int(1.3 * area / spacing**2))
    d = rng.normal(size=(count, 3)).astype(np.float32)
    d /= (np.abs(d) ** power).sum(axis=1, keepdims=True) ** (1 / power)
    points = d * half + np.array([0, 0, half[2]], np.float32)
    return points.astype(np.float32)
