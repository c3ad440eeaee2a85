"""Figures of an evaluation of pose engines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotator.benchmark.poses.protocol import PCK_REACH, QUALITIES, ROUNDS, Run
from annotator.benchmark.report import write_report, write_rows

FIRST_CLICKS = (1, 2, 3)


def summarise(runs: Sequence[Run], most: int = ROUNDS) -> dict[str, float]:
    """Return the figures of one engine in one mode.

    NoC@q is the mean number of clicks on each person of a photo until the photo's AP is q,
    `most` where it never is. "unclicked k" is the mean error, in torsos, of the joints that
    were not clicked after click k, by their error before it: below 1 the click helped.
    """
    counted = [run for run in runs if run.people]
    figures = {
        f"NoC@{100 * q:.0f}": _mean([run.rounds_to(q, most) for run in counted]) for q in QUALITIES
    }
    hits, joints = sum(run.hits for run in counted), sum(run.joints for run in counted)
    people = sum(run.people for run in counted)
    figures[f"PCK@{PCK_REACH:g}"] = hits / joints if joints else float("nan")
    figures["OKS"] = _share(sum(run.oks * run.people for run in counted), people)
    figures["AP"] = _mean([run.precision[0] for run in counted])
    figures["people missed"] = _share(sum(run.missed for run in counted), people)
    for k in FIRST_CLICKS:
        pairs = [(was, now) for run in counted for n, was, now in run.unclicked if n == k]
        before, after = _mean([was for was, _ in pairs]), _mean([now for _, now in pairs])
        figures[f"unclicked {k}"] = after / before if before > 0 else float("nan")
    figures["find seconds"] = _mean([run.seconds[0] for run in counted if run.seconds])
    figures["seconds a round"] = _mean([s for run in counted for s in run.seconds[1:]])
    return figures


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def write_json(path: Path, settings: dict[str, Any], runs: Sequence[Run]) -> None:
    """Write settings, summary and every round of every photo."""
    records = [{**vars(run), "unclicked": [list(u) for u in run.unclicked]} for run in runs]
    write_report(path, settings, summarise(runs), records)


def write_csv(path: Path, runs: Sequence[Run]) -> None:
    """Write one row per photo and round: photo, round, AP."""
    rows = ([run.photo, k, ap] for run in runs for k, ap in enumerate(run.precision))
    write_rows(path, ["photo", "round", "ap"], rows)
