"""Figures of records: areas under MIN, BASE and MAX curves, clicks needed, coverage."""

import math
from collections.abc import Sequence

import numpy as np

from annotator.benchmark.images.metrics import noc, nof, strict_nof
from annotator.robustness.contract import Floats
from annotator.robustness.records import PATHS, Record

QUALITIES = (0.80, 0.85, 0.90, 0.95)


def area(curve: Floats) -> float:
    """Return the mean height of a curve [n] by trapezoids; its value if it is one click long.

    TETRIS' IoU-Min, -Base and -Max are this of the mean curve over images.
    """
    if len(curve) == 0:
        return math.nan
    return float(np.trapezoid(curve) / (len(curve) - 1)) if len(curve) > 1 else float(curve[0])


def mean_curve(records: Sequence[Record], path: str, second: bool = False) -> Floats:
    """Return the mean quality, or second score, after each click [n] over records.

    Records of different lengths are cut to the shortest; a second score that does not exist
    for a sample is left out of the mean.
    """
    rows = [[s.second if second else s.quality for s in record.paths[path]] for record in records]
    shortest = min((len(row) for row in rows), default=0)
    curves = np.array([row[:shortest] for row in rows], np.float64).reshape(len(rows), shortest)
    known = ~np.isnan(curves)
    total = np.where(known, curves, 0.0).sum(axis=0)
    mean: Floats = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
    return mean


def areas(record: Record) -> dict[str, float]:
    """Return `area` of the record's trajectories and the width MAX - MIN, named "d"."""
    found = {path: area(record.curve(path)) for path in PATHS}
    return {**found, "d": found["max"] - found["min"]}


def summary(records: Sequence[Record], qualities: Sequence[float] = QUALITIES) -> dict[str, float]:
    """Return the figures of one engine in one mode.

    Names are "quality min", "quality base", "quality max", "quality d" (TETRIS' IoU-Min, -Base,
    -Max, -D as fractions), the same with "second", and "NoC@90 min", "NoF@90 min" (also
    successes on the last click, as published), "NoF@90 min strict" (only those that never
    succeed) and so on, and "seconds a sample".
    """
    figures: dict[str, float] = {}
    for name, second in (("quality", False), ("second", True)):
        heights = {path: area(mean_curve(records, path, second)) for path in PATHS}
        figures |= {f"{name} {path}": height for path, height in heights.items()}
        figures[f"{name} d"] = heights["max"] - heights["min"]
    for path in PATHS:
        figures |= _clicks_needed(records, path, qualities)
    seconds = [sum(record.seconds_of(path) for path in PATHS) for record in records]
    figures["seconds a sample"] = float(np.mean(seconds)) if seconds else math.nan
    figures["ordered"] = float(np.mean([r.ordered for r in records])) if records else math.nan
    return figures


def _clicks_needed(
    records: Sequence[Record], path: str, qualities: Sequence[float]
) -> dict[str, float]:
    curves = [record.curve(path).astype(np.float32) for record in records]
    limit = max((len(curve) for curve in curves), default=0)
    figures: dict[str, float] = {}
    for quality in qualities:
        name = f"{100 * quality:.0f} {path}"
        figures[f"NoC@{name}"] = noc(curves, quality, limit)
        figures[f"NoF@{name}"] = float(nof(curves, quality, limit))
        figures[f"NoF@{name} strict"] = float(strict_nof(curves, quality, limit))
    return figures


def coverage(lower: Floats, upper: Floats, users: Floats) -> float:
    """Return the share of users' results that lie within [lower, upper].

    Args:
        lower: [K] MIN of each user's sample.
        upper: [K] MAX.
        users: [K] quality of what each user clicked.
    """
    if len(users) == 0:
        return math.nan
    return float(np.mean((lower <= users) & (users <= upper)))
