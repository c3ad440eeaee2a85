"""Figures of an evaluation of photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotator.benchmark.images.metrics import mean_curve, mean_iou_at, noc, nof, strict_nof
from annotator.benchmark.images.protocol import Budget, Run
from annotator.benchmark.report import write_report, write_rows

QUALITIES = (0.80, 0.85, 0.90, 0.95)
IOU_CLICKS = (1, 3, 5, 10, 20)
NO_SLACK = 1e-9


def summarise(runs: Sequence[Run], budget: Budget) -> dict[str, float]:
    """Return the figures of one engine.

    NoC and NoF are given for qualities up to the target, since a sample ends there; IoU@k
    takes the last IoU of samples that ended before click k.
    """
    curves = [run.curve for run in runs]
    edges = [np.array(run.boundary_ious, np.float32) for run in runs]
    reachable = [q for q in QUALITIES if q <= budget.target + NO_SLACK]
    counted = [k for k in IOU_CLICKS if k <= budget.most]
    figures = {f"NoC@{100 * q:.0f}": noc(curves, q, budget.most) for q in reachable}
    for quality in reachable:
        name = f"NoF@{100 * quality:.0f}"
        figures[name] = nof(curves, quality, budget.most)
        figures[f"{name} strict"] = strict_nof(curves, quality, budget.most)
    figures |= {f"IoU@{k}": mean_iou_at(curves, k) for k in counted}
    figures |= {f"BIoU@{k}": mean_iou_at(edges, k) for k in counted[:3]}
    figures["seconds a click"] = _mean([s for run in runs for s in run.seconds])
    figures["encode seconds"] = _mean([run.encode_seconds for run in runs if run.encode_seconds])
    return figures


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def write_json(path: Path, settings: dict[str, Any], runs: Sequence[Run], budget: Budget) -> None:
    """Write settings, summary, the mean curve and every click of every sample."""
    records = [
        {
            "sample": run.sample,
            "clicks": [[c.positive, c.row, c.column] for c in run.clicks],
            "ious": run.ious,
            "boundary_ious": run.boundary_ious,
            "seconds": run.seconds,
            "encode_seconds": run.encode_seconds,
        }
        for run in runs
    ]
    summary = summarise(runs, budget)
    curve = [float(value) for value in mean_curve([run.curve for run in runs])]
    write_report(path, {**settings, "mean_iou_curve": curve}, summary, records)


def write_csv(path: Path, runs: Sequence[Run]) -> None:
    """Write one row per click: sample, number, sign, place, IoU, boundary IoU, seconds."""
    header = ["sample", "click", "positive", "row", "column", "iou", "boundary_iou", "seconds"]
    rows = (
        [run.sample, k, c.positive, c.row, c.column, *measured]
        for run in runs
        for k, (c, *measured) in enumerate(
            zip(run.clicks, run.ious, run.boundary_ious, run.seconds, strict=True), 1
        )
    )
    write_rows(path, header, rows)
