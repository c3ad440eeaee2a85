"""Figures of a field: what clicks give if users click where users do, and how near harm is."""

import math

import numpy as np
from scipy.spatial import cKDTree

from annotator.robustness.contract import Floats
from annotator.robustness.records import Field


def quantiles(field: Field, levels: Floats) -> Floats:
    """Return the quality that a share `levels` [L] of users stays at or below.

    Users click with the field's weight.
    """
    order = np.argsort(field.quality, kind="stable")
    reached = np.cumsum(field.weight[order]) / field.weight.sum()
    # sums of weights fall a rounding error short of 1
    at = np.searchsorted(reached, np.asarray(levels) - 1e-12)
    found: Floats = field.quality[order][np.minimum(at, len(order) - 1)]
    return found


def expected(field: Field) -> float:
    """Return the mean quality over users."""
    return float(np.average(field.quality, weights=field.weight))


def cvar(field: Field, share: float = 0.1) -> float:
    """Return the mean quality over the worst `share` of users (conditional value at risk).

    Rockafellar and Uryasev, 2000; the atom at the quantile counts for what is left of it.
    """
    order = np.argsort(field.quality, kind="stable")
    weight = field.weight[order] / field.weight.sum()
    before = np.cumsum(weight) - weight
    counted = np.clip(share - before, 0.0, weight)
    return float((counted * field.quality[order]).sum() / counted.sum())


def finger_drop(field: Field, reach: float) -> float:
    """Return how much is lost at worst if the simulated user's click is off by up to `reach`.

    Args:
        field: The field; with a stride only scored candidates count.
        reach: In the unit of positions.
    """
    here = field.positions[field.baseline]
    near = np.linalg.norm(field.positions - here, axis=1) <= reach
    return float(field.quality[field.baseline] - field.quality[near].min())


def mean_finger_drop(field: Field, reach: float) -> float:
    """Return the same for a user's click, in the mean over users."""
    tree = cKDTree(field.positions)
    near = tree.query_ball_point(field.positions, reach)
    lowest = np.array([field.quality[rows].min() for rows in near])
    return float(np.average(field.quality - lowest, weights=field.weight))


def radius_to_failure(field: Field, below: float) -> float:
    """Return the distance of the simulated user's click to the nearest unsafe candidate.

    Infinite if no candidate gives less than `below`.
    """
    unsafe = field.quality < below
    if not unsafe.any():
        return math.inf
    here = field.positions[field.baseline]
    return float(np.linalg.norm(field.positions[unsafe] - here, axis=1).min())


def field_summary(field: Field, below: float, reach: float) -> dict[str, float]:
    """Return all figures of a field by name."""
    p5, p50, p95 = quantiles(field, np.array([0.05, 0.5, 0.95]))
    return {
        "min": field.lower,
        "max": field.upper,
        "p5": float(p5),
        "p50": float(p50),
        "p95": float(p95),
        "mean": expected(field),
        "CVaR 10 %": cvar(field, 0.1),
        "unsafe share": field.unsafe_share(below),
        "unsafe users": float(field.weight[field.quality < below].sum()),
        "finger drop": finger_drop(field, reach),
        "mean finger drop": mean_finger_drop(field, reach),
        "radius to failure": radius_to_failure(field, below),
    }
