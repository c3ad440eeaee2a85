"""Figures of clips over a set of photos."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from annotator.benchmark.clips import ClipMeasures, UInt8
from annotator.benchmark.report import write_report, write_rows

Vector = npt.NDArray[np.float32]
Describe = Callable[[UInt8], Vector]
"""Picture [H, W, 3] -> features [D]."""


@dataclass(frozen=True)
class ClipRun:
    """What came of one clip.

    Attributes:
        name: Of the case.
        asked: Strength, pixels a frame; None if the words said it.
        direction: Asked for, degrees; None if the words said it.
        measures: Of the clip; None if the engine refused.
        consistency: See `consistency`; NaN if the engine refused.
        seconds: To predict.
        refusal: What the engine said instead of a clip.
    """

    name: str
    asked: float | None
    direction: float | None
    measures: ClipMeasures | None
    consistency: float
    seconds: float
    refusal: str = ""


def consistency(frames: UInt8, describe: Describe) -> float:
    """Return the mean cosine of consecutive frames' features.

    The papers take CLIP's; which features were taken here has to be said with the figure.
    """
    vectors = [describe(frame) for frame in frames]
    cosines = [_cosine(a, b) for a, b in itertools.pairwise(vectors)]
    return float(np.mean(cosines)) if cosines else float("nan")


def _cosine(a: Vector, b: Vector) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths > 0 else 1.0


def pixels(picture: UInt8) -> Vector:
    """Return a picture's 16 x 16 mean colours less their mean: features without a network."""
    small = cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    vector: Vector = (small - small.mean((0, 1))).ravel()
    return vector


def turned(found: float, asked: float) -> float:
    """Return the angle between two directions, degrees 0..180."""
    return abs((found - asked + 180) % 360 - 180)


def figures_of(run: ClipRun) -> dict[str, float]:
    """Return the figures of one clip that was made."""
    found, nothing = run.measures, float("nan")
    if found is None:
        return {}
    return {
        "I1-MSE": found.i1_mse,
        "temporal consistency": run.consistency,
        "flow": found.flow,
        "flow / asked": found.flow / run.asked if run.asked else nothing,
        "turned from asked": nothing if run.direction is None
        else turned(found.direction, run.direction),
        "outside error": float(found.outside),
        "seam": found.seam,
        "sharpness": found.sharpness,
        "seconds": run.seconds,
    }  # fmt: skip


def summarise(runs: Sequence[ClipRun]) -> dict[str, float]:
    """Return the mean of every figure over the clips that have it, and the refusals."""
    every = [figures_of(run) for run in runs]
    made = [figures for figures in every if figures]
    summary = {}
    for name in made[0] if made else ():
        values = [figures[name] for figures in made if np.isfinite(figures[name])]
        summary[name] = float(np.mean(values)) if values else float("nan")
    summary["refused"] = float(len(every) - len(made))
    return summary


def write_clips(folder: Path, name: str, settings: dict[str, Any], runs: Sequence[ClipRun]) -> None:
    """Write the figures as JSON and CSV."""
    records = [{**asdict(run), "figures": figures_of(run)} for run in runs]
    write_report(folder / f"{name}.json", settings, summarise(runs), records)
    header = list(next((figures_of(run) for run in runs if run.measures), {}))
    rows = (
        [run.name, *(figures_of(run).get(key, "") for key in header), run.refusal] for run in runs
    )
    write_rows(folder / f"{name}.csv", ["clip", *header, "refusal"], rows)
