"""`annotator stats` and `replay`: what a project file tells of the work on it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from annotator.cli.assets import WorkingAsset, is_told
from annotator.cli.console import print_table
from annotator.cli.engines import open_engine, predict_mask, serves
from annotator.domain import Prompt
from annotator.domain.cloud import Int32

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine
    from annotator.project import AssetState, Project, ReplayStep, Statistics


def stats(
    project: Path = typer.Argument(..., help="Project file."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Report clicks, time per click and time per object of a project."""
    from annotator.project import Project, statistics

    with Project.open(project, read_only=True) as opened:
        figures = statistics(opened)
    if as_json:
        print(json.dumps({**asdict(figures), "mean_click_s": figures.mean_click_s}))
        return
    print_table(("what", "value"), list(_summary_rows(figures)), title=project.name)
    objects = [
        (o.asset_id, o.object_id, o.name, o.clicks, o.kept, f"{o.seconds:.1f}")
        for o in figures.objects
    ]
    print_table(("asset", "object", "name", "clicks", "kept", "seconds"), objects)


def _summary_rows(figures: "Statistics") -> Iterator[tuple[str, str]]:
    yield "clicks placed / kept", f"{figures.clicks} / {figures.kept}"
    yield "moved / removed", f"{figures.moved} / {figures.removed}"
    yield "edits by hand", str(figures.edits)
    yield "undone / redone", f"{figures.undos} / {figures.redos}"
    yield (
        "time per click, mean / median",
        (f"{figures.mean_click_s:.1f} s / {figures.median_click_s:.1f} s"),
    )
    yield "work / idle", f"{figures.active_s:.0f} s / {figures.idle_s:.0f} s"
    if figures.run_ms:
        yield "prediction, mean", f"{sum(figures.run_ms) / len(figures.run_ms):.0f} ms"
    yield "sessions", str(figures.sessions)


def replay(
    project: Path = typer.Argument(..., help="Project file."),
    engine: str | None = typer.Option(
        None, "--engine", "--plugin", help="Also predict each step with plugin[:variant]."
    ),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object a line."),
) -> None:
    """List what was done in a project, in order and with its timing; undone steps too.

    With an engine, each step's clicks are predicted anew and compared with the labels that
    stand in the end; a report follows.
    """
    from annotator.project import Project
    from annotator.project import replay as steps_of

    with Project.open(project, read_only=True) as opened:
        predictor = _Predictor(open_engine(engine, device, []), opened) if engine else None
        for step in steps_of(opened):
            record = _describe(step)
            if predictor:
                record |= predictor.after(step)
            print(json.dumps(record) if as_json else _line(record))
        if predictor and as_json:
            print(json.dumps({"report": predictor.report()}))
        elif predictor:
            print_table(("what", "value"), list(predictor.report().items()), title=engine or "")


def _describe(step: "ReplayStep") -> dict[str, object]:
    event = step.target or step.event
    record: dict[str, object] = {
        "number": step.number,
        "time": datetime.fromtimestamp(step.time_ns / 1e9).isoformat(timespec="milliseconds"),
        "elapsed_s": round(step.elapsed_s, 3),
        "pause_s": round(step.pause_s, 3),
        "what": step.event.kind if step.target is None else f"{step.event.kind} {event.kind}",
        "undone": step.undone,
    }
    for name in ("asset_id", "object_id", "how"):
        if hasattr(event, name):
            record[name] = getattr(event, name)
    joints = getattr(event, "joints", ())
    if joints:
        record["joints"] = [[j.joint, j.placed, j.visibility] for j in joints]
    clicks = getattr(event, "clicks", ())
    if clicks:
        record["clicks"] = [[c.object_id, c.index, list(c.position)] for c in clicks]
    return record


def _line(record: dict[str, object]) -> str:
    extra = [
        f"{k}={record[k]}"
        for k in ("asset_id", "object_id", "how", "clicks", "joints")
        if k in record
    ]
    if "milliseconds" in record:
        extra.append(f"{record['milliseconds']} ms, {record['changed_points']} points changed")
    if "iou" in record:
        extra.append(f"IoU {record['iou']}")
    mark = " (undone)" if record["undone"] else ""
    return f"{record['elapsed_s']:9.3f} s  {record['what']:<18}{' '.join(extra)}{mark}"


class _Predictor:
    """Predicts the prompt of every step that changed it."""

    def __init__(self, engine: "OpenEngine", project: "Project") -> None:
        self._engine, self._project = engine, project
        self._steps: list[dict[str, float]] = []
        self._encodings: dict[int, tuple[WorkingAsset, object]] = {}
        self._seen: dict[int, tuple[Prompt, Int32]] = {}

    def after(self, step: "ReplayStep") -> dict[str, object]:
        """Return a step's time, how many points it changed, and its IoU with the end."""
        asset = step.document.assets.get(step.event.touched_asset or -1)
        if asset is None or not serves(self._engine, asset.kind):
            return {}
        earlier = self._seen.get(asset.asset_id)
        prompt = asset.prompt()
        if not is_told(asset) or (earlier and earlier[0] == prompt):
            return {}
        working, encoding = self._encoded(asset)
        mask, seconds = predict_mask(self._engine, encoding, working.engine_prompt(prompt))
        before = earlier[1] if earlier else mask.labels * 0
        self._seen[asset.asset_id] = (prompt, mask.labels)
        changed = int((mask.labels != before).sum())
        found = {"milliseconds": round(seconds * 1e3, 1), "changed_points": changed}
        iou = self._iou(asset.asset_id, mask.labels)
        if iou is not None:
            found["iou"] = iou
        self._steps.append(found)
        return {**found}

    def _iou(self, asset_id: int, labels: Int32) -> float | None:
        """Return the mean IoU with the labels that stand in the end; None if none are kept."""
        from annotator.benchmark.metrics import mean_iou

        truth = self._project.labels_of(asset_id)
        if truth is None or truth.shape != labels.shape or not truth.any():
            return None
        return round(mean_iou(truth.ravel(), labels.ravel()), 4)

    def report(self) -> dict[str, object]:
        """Return what the engine made of the whole session."""
        times = [step["milliseconds"] for step in self._steps]
        ious = [step["iou"] for step in self._steps if "iou" in step]
        return {
            "steps predicted": len(times),
            "milliseconds, mean": round(sum(times) / len(times), 1) if times else None,
            "milliseconds, longest": max(times, default=None),
            "IoU with the finished labels, first step": ious[0] if ious else None,
            "IoU with the finished labels, best": max(ious, default=None),
            "IoU with the finished labels, last step": ious[-1] if ious else None,
        }

    def _encoded(self, asset: "AssetState") -> tuple[WorkingAsset, object]:
        if asset.asset_id not in self._encodings:
            working = WorkingAsset.of(asset)
            self._encodings[asset.asset_id] = working, self._engine.encode(working.seen)
        return self._encodings[asset.asset_id]
