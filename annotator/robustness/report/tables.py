"""The same figures as tables: JSON, CSV, and Parquet where pyarrow is installed."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from annotator.formats.atomic import atomic_write
from annotator.robustness.records import PATHS
from annotator.robustness.report import figures as fg
from annotator.robustness.report.gathering import Finding, Gathered

Line = dict[str, Any]


def sample_lines(gathered: Gathered) -> list[Line]:
    """Return one line a record: engine, mode, sample and its figures."""
    measures = fg.measures()
    return [
        {
            "engine": f.engine, "mode": f.mode, "clicks": f.setup.clicks, "sample": f.sample,
            "asset": f.group, "ordered": f.record.ordered,
            **{name: measure(f) for name, measure in measures.items()},
        }
        for f in gathered.findings
    ]  # fmt: skip


def click_lines(gathered: Gathered) -> list[Line]:
    """Return one line a click of every trajectory."""
    return [line for finding in gathered.findings for line in _clicks(finding)]


def _clicks(finding: Finding) -> Iterator[Line]:
    for path in PATHS:
        for number, step in enumerate(finding.record.paths[path], 1):
            place = [*step.clicks[-1].position, math.nan]
            yield {
                "engine": finding.engine, "mode": finding.mode, "sample": finding.sample,
                "path": path, "click": number, "positive": step.clicks[-1].positive,
                "object": step.clicks[-1].object_id, "x": place[0], "y": place[1], "z": place[2],
                "quality": step.quality, "second": step.second, "evaluations": step.evaluations,
                "soft_evaluations": step.soft_evaluations, "candidates": step.candidates,
                "seconds": step.seconds,
            }  # fmt: skip


def summary(gathered: Gathered) -> dict[str, Any]:
    """Return all tables of the report as plain values."""
    return {
        "ranking": [asdict(row) for row in fg.ranking(gathered)],
        "rank_stability": {
            gathered.named(setup): fg.rank_stability(gathered, setup) for setup in gathered.setups
        },
        "curves": [
            {
                "engine": engine, "mode": setup.mode, "clicks": setup.clicks,
                **{p: fg.mean_curve(found, p).tolist() for p in PATHS},
            }
            for setup in gathered.setups
            for engine in gathered.engines
            if (found := gathered.of(engine, *setup))
        ],
        "regret": [asdict(row) for row in fg.regrets(gathered)],
        "tails": [asdict(row) for row in fg.tails(gathered)],
        "coverage": [asdict(row) for row in fg.coverages(gathered)],
        "failures": [{"task": task, "reason": why} for task, why in gathered.failures],
        "engines": {name: facts.model_dump() for name, facts in gathered.facts.items()},
        "runs": {name: manifest.model_dump() for name, manifest in gathered.runs},
        "notes": list(gathered.notes),
    }  # fmt: skip


def write_tables(gathered: Gathered, folder: Path) -> tuple[list[Path], list[str]]:
    """Write summary.json, and samples and clicks as CSV and Parquet.

    Returns:
        The files, and what could not be written and why.
    """
    path = folder / "summary.json"
    _write(path, json.dumps(_plain(summary(gathered)), indent=1).encode() + b"\n")
    written, notes = [path], []
    for name, lines in (("samples", sample_lines(gathered)), ("clicks", click_lines(gathered))):
        _write(folder / f"{name}.csv", _csv(lines))
        written.append(folder / f"{name}.csv")
        if find_spec("pyarrow"):
            written.append(_parquet(folder / f"{name}.parquet", lines))
    if not find_spec("pyarrow"):
        notes.append("No Parquet tables: pip install 'click-annotator[report]'.")
    return written, notes


def _csv(lines: Sequence[Line]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _tame(value) for name, value in line.items()} for line in lines)
    return text.getvalue().encode()


def _tame(value: object) -> object:
    """Keep spreadsheets from taking names of files for formulas; leave unknown numbers empty."""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _parquet(path: Path, lines: Sequence[Line]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_write(path) as file:
        pq.write_table(pa.Table.from_pylist(list(lines)), file)
    return path


def _plain(value: Any) -> Any:  # noqa: ANN401 - nested plain values
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)
