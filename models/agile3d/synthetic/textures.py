"""Colours of surfaces: base colours, patterns and lighting."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from models.agile3d.synthetic.surfaces import Float, Rng

_WOODS = ((0.55, 0.38, 0.22), (0.36, 0.22, 0.12), (0.72, 0.55, 0.36), (0.82, 0.70, 0.52))
_NEUTRALS = ((0.92, 0.91, 0.88), (0.75, 0.73, 0.70), (0.50, 0.50, 0.50), (0.22, 0.22, 0.23),
             (0.08, 0.08, 0.09), (0.85, 0.80, 0.70))  # fmt: skip


def any_colour(rng: Rng) -> Float:
    """Return a colour as things indoors have it: a third wood, a third neutral, a third any."""
    kind = rng.random()
    if kind < 0.3:
        base = np.array(_WOODS[rng.integers(len(_WOODS))])
    elif kind < 0.65:
        base = np.array(_NEUTRALS[rng.integers(len(_NEUTRALS))])
    else:
        base = saturated(rng)
    return np.clip(base + rng.normal(0, 0.05, 3), 0.02, 0.98).astype(np.float32)


def saturated(rng: Rng) -> npt.NDArray[np.float64]:
    """Return a colour of any hue."""
    hue = rng.random() * 6 + np.array([0, 4, 2])
    pure = np.clip(np.abs(hue % 6 - 3) - 1, 0, 1)
    grey, value = rng.random() * 0.7, rng.uniform(0.25, 0.95)
    return np.asarray(value * (grey + (1 - grey) * pure), np.float64)


def wall_colour(rng: Rng) -> Float:
    """Return a mostly light, hardly saturated colour."""
    level = rng.uniform(0.55, 0.95)
    return np.clip(level + rng.normal(0, 0.05, 3), 0, 1).astype(np.float32)


def smooth_field(rng: Rng, xyz: Float, wavelength: float, terms: int = 4) -> Float:
    """Return a smooth random field in about -1..1 at [P, 3] points, [P]."""
    waves = rng.normal(size=(3, terms)) * (2 * np.pi / wavelength)
    phases = rng.random(terms) * 2 * np.pi
    field: Float = np.sin(xyz @ waves.astype(np.float32) + phases.astype(np.float32)).mean(axis=1)
    return field * 1.6


def _stripes(rng: Rng, xyz: Float) -> Float:
    axis, width = rng.integers(3), rng.uniform(0.04, 0.25)
    stripes: Float = (np.floor(xyz[:, axis] / width) % 2 - 0.5).astype(np.float32)
    return stripes


def _tiles(rng: Rng, xyz: Float) -> Float:
    width = rng.uniform(0.08, 0.5)
    tiles: Float = (np.floor(xyz / width).sum(axis=1) % 2 - 0.5).astype(np.float32)
    return tiles


def _planks(rng: Rng, xyz: Float) -> Float:
    """Return one random level a plank, [P] in -0.5..0.5."""
    a, b = rng.permutation(3)[:2]
    row = np.floor(xyz[:, a] / rng.uniform(0.06, 0.2))
    column = np.floor(xyz[:, b] / rng.uniform(0.5, 1.5) + row * 0.37)
    level = np.sin(row * 12.9898 + column * 78.233) * 43758.5453 % 1 - 0.5
    planks: Float = level.astype(np.float32)
    return planks


def _blotches(rng: Rng, xyz: Float) -> Float:
    return 0.5 * smooth_field(rng, xyz, rng.uniform(0.1, 0.5))


_PATTERNS: tuple[Callable[[Rng, Float], Float], ...] = (_stripes, _tiles, _planks, _blotches)


def painted(rng: Rng, xyz: Float, base: npt.NDArray[np.floating], pattern: float = 0.4) -> Float:
    """Return colours for [P, 3] points around a base colour.

    Args:
        rng: Decides pattern, contrast and grain.
        xyz: Points in metres.
        base: Base colour [3] in 0..1.
        pattern: Probability of a pattern.

    Returns:
        [P, 3] colours in 0..1.
    """
    rgb = np.broadcast_to(np.asarray(base, np.float32), xyz.shape).copy()
    if rng.random() < pattern:
        strength = _PATTERNS[rng.integers(len(_PATTERNS))](rng, xyz)
        other = any_colour(rng) if rng.random() < 0.3 else base * rng.uniform(0.6, 1.3)
        rgb += (strength[:, None] + 0.5) * (np.asarray(other, np.float32) - rgb)
    rgb += rng.normal(0, rng.uniform(0.005, 0.05), (len(xyz), 1)).astype(np.float32)
    clipped: Float = np.clip(rgb, 0, 1)
    return clipped


def lit(rng: Rng, xyz: Float, rgb: Float) -> Float:
    """Return colours under uneven light: a soft field over the room and darker lower parts."""
    strength = rng.uniform(0.05, 0.35)
    light = 1 + strength * smooth_field(rng, xyz, rng.uniform(1.5, 5))
    light *= 1 - rng.uniform(0, 0.25) * np.exp(-np.maximum(xyz[:, 2], 0) / 0.5)
    warm = 1 + rng.normal(0, 0.05, 3).astype(np.float32)
    shaded: Float = np.clip(rgb * light[:, None] * warm, 0, 1).astype(np.float32)
    return shaded
