"""Benchmark figures as a table, JSON and CSV."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from annotator.benchmark.metrics import iou_at, noc_at
from annotator.benchmark.protocol import Run

IOU_CLICKS = (1, 2, 3, 5, 10, 15, 20)
NOC_QUALITIES = (0.50, 0.65, 0.80, 0.85, 0.90)


def summarise(runs: Sequence[Run], clicks_per_object: int) -> dict[str, float]:
    """Return IoU@k for every k within the budget, NoC@q, and seconds a click.

    Args:
        runs: All samples of one engine.
        clicks_per_object: The budget, which NoC takes for samples that never got there.
    """
    steps = [run.steps for run in runs]
    figures = {f"IoU@{k}": iou_at(steps, k) for k in IOU_CLICKS if k <= clicks_per_object}
    for quality in NOC_QUALITIES:
        figures[f"NoC@{quality * 100:.0f}"] = noc_at(steps, quality, float(clicks_per_object))
    predicted = [run.predict_seconds for run in runs if run.steps]
    figures["seconds a click"] = sum(predicted) / len(predicted) if predicted else float("nan")
    return figures


def write_json(path: Path, settings: dict[str, Any], runs: Sequence[Run], budget: int) -> None:
    """Write settings, summary and every step of every sample."""
    records = [
        {
            "sample": run.sample,
            "objects": run.objects,
            "steps": [[step.clicks_per_object, step.iou] for step in run.steps],
            "clicks": [[click.object_id, click.index] for click in run.clicks],
            "predict_seconds": run.predict_seconds,
        }
        for run in runs
    ]
    write_report(path, settings, summarise(runs, budget), records)


def write_report(
    path: Path,
    settings: Mapping[str, Any],
    summary: Mapping[str, float],
    records: Sequence[Mapping[str, Any]],
) -> None:
    """Write a benchmark as JSON: how it was made, its figures, every sample."""
    content = {"settings": settings, "summary": summary, "samples": records}
    path.write_text(json.dumps(content, indent=1))


def write_csv(path: Path, runs: Sequence[Run]) -> None:
    """Write one row per click: sample, objects, clicks an object, mean IoU."""
    rows = (
        [run.sample, run.objects, step.clicks_per_object, step.iou]
        for run in runs
        for step in run.steps
    )
    write_rows(path, ["sample", "objects", "clicks_per_object", "mean_iou"], rows)


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
