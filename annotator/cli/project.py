"""`annotator stats`, `replay` and `export`: a project file without the window."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from annotator.cli.console import out, print_table
from annotator.cli.engines import DEFAULT_ENGINE, open_engine, predict_mask, read_scan
from annotator.domain import AnnotatorError, Mask, Prompt, WorkingSet, thin
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
    print_table(("scan", "object", "name", "clicks", "kept", "seconds"), objects)


def _summary_rows(figures: "Statistics") -> Iterator[tuple[str, str]]:
    yield "clicks placed / kept", f"{figures.clicks} / {figures.kept}"
    yield "moved / removed", f"{figures.moved} / {figures.removed}"
    yield "brush and lasso edits", str(figures.edits)
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
    engine: str | None = typer.Option(None, help="Also predict each step with plugin[:variant]."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object a line."),
) -> None:
    """List what was done in a project, in order and with its timing; undone steps too."""
    from annotator.project import Project
    from annotator.project import replay as steps_of

    with Project.open(project, read_only=True) as opened:
        predictor = _Predictor(open_engine(engine, device, [])) if engine else None
        for step in steps_of(opened):
            record = _describe(step)
            if predictor:
                record |= predictor.after(step)
            print(json.dumps(record) if as_json else _line(record))


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
    for name in ("asset_id", "object_id"):
        if hasattr(event, name):
            record[name] = getattr(event, name)
    clicks = getattr(event, "clicks", ())
    if clicks:
        record["clicks"] = [[c.object_id, c.index, list(c.position)] for c in clicks]
    return record


def _line(record: dict[str, object]) -> str:
    extra = [f"{k}={record[k]}" for k in ("asset_id", "object_id", "clicks") if k in record]
    if "milliseconds" in record:
        extra.append(f"{record['milliseconds']} ms, {record['changed_points']} points changed")
    mark = " (undone)" if record["undone"] else ""
    return f"{record['elapsed_s']:9.3f} s  {record['what']:<18}{' '.join(extra)}{mark}"


class _Predictor:
    """Predicts the prompt of every step that changed it."""

    def __init__(self, engine: "OpenEngine") -> None:
        self._engine = engine
        self._encodings: dict[int, object] = {}
        self._seen: dict[int, tuple[Prompt, Int32]] = {}

    def after(self, step: "ReplayStep") -> dict[str, object]:
        """Return the time of the step's prediction and how many points it changed."""
        asset = step.document.assets.get(step.event.touched_asset or -1)
        if asset is None or asset.kind != "cloud":
            return {}
        earlier = self._seen.get(asset.asset_id)
        prompt = asset.prompt()
        if earlier and earlier[0] == prompt:
            return {}
        encoding = self._encoded(asset)
        mask, seconds = predict_mask(self._engine, encoding, prompt)
        before = earlier[1] if earlier else mask.labels * 0
        self._seen[asset.asset_id] = (prompt, mask.labels)
        changed = int((mask.labels != before).sum())
        return {"milliseconds": round(seconds * 1e3, 1), "changed_points": changed}

    def _encoded(self, asset: "AssetState") -> object:
        if asset.asset_id not in self._encodings:
            working = thin(read_scan(asset.path), asset.working_spacing)
            self._encodings[asset.asset_id] = self._engine.encode(working.cloud)
        return self._encodings[asset.asset_id]


def export(
    project: Path = typer.Argument(..., help="Project file."),
    output: Path = typer.Option(..., "-o", "--output", help="File, or folder for all scans."),
    asset: int | None = typer.Option(None, help="Only this scan of the project."),
    format_id: str | None = typer.Option(None, "--format", help="ply, npz, las, ...; see docs."),
    device: str = typer.Option("auto", help="Where to predict what is not stored."),
) -> None:
    """Write a project's labels at full resolution."""
    from annotator.formats import write_cloud
    from annotator.project import Project

    with Project.open(project, read_only=True) as opened:
        chosen = _chosen(opened, asset)
        for state in chosen:
            target = _target(output, state, len(chosen), format_id)
            working = thin(read_scan(state.path), state.working_spacing)
            labels = working.push_back(_labels(opened, state, working, device))
            full = read_scan(state.path) if state.working_spacing else working.cloud
            write_cloud(
                target, full, labels, objects=tuple(state.objects.values()), format_id=format_id
            )
            out.print(f"{target}: {len(state.objects)} objects on {len(labels):,} points")


def _chosen(project: "Project", asset: int | None) -> "list[AssetState]":
    assets = [a for a in project.document.assets.values() if a.kind == "cloud"]
    if asset is not None:
        assets = [a for a in assets if a.asset_id == asset]
    if not assets:
        raise AnnotatorError(f"{project.path.name} has no such scan.", "`annotator stats` lists.")
    return assets


def _target(output: Path, state: "AssetState", count: int, format_id: str | None) -> Path:
    if output.suffix and count == 1:
        return output
    output.mkdir(parents=True, exist_ok=True)
    suffix = {"scannet-txt": "txt", "kitti-label": "label", None: "ply"}.get(format_id, format_id)
    return output / f"{state.path.stem}.labels.{str(suffix).split('-')[0]}"


def _labels(project: "Project", state: "AssetState", working: WorkingSet, device: str) -> Int32:
    """Return the labels shown in the window; predict them if the project stored none."""
    stored = project.stored_result(state.asset_id)
    if stored is None and state.clicks:
        stored = _predicted(state, working, device)
    labels = project.labels_of(state.asset_id, stored)
    return np.zeros(len(working.cloud), np.int32) if labels is None else labels


def _predicted(state: "AssetState", working: WorkingSet, device: str) -> Mask:
    engine = open_engine(
        state.engine_ref or DEFAULT_ENGINE,
        device,
        [f"{name}={value}" for name, value in state.parameters.items()],
    )
    return predict_mask(engine, engine.encode(working.cloud), state.prompt())[0]
