"""`annotator compare`: engines on one's own finished work, click by click."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from annotator.cli.assets import Engines, WorkingAsset, is_told, labels_shown
from annotator.cli.console import out, print_table, progress_bar
from annotator.cli.engines import open_engine, predict_mask, serves
from annotator.domain import AnnotatorError, Click, Image, PointCloud, object_colour
from annotator.domain.cloud import Int32, UInt8

if TYPE_CHECKING:
    from annotator.benchmark.comparing import AssetTrial, Labels
    from annotator.domain import Prompt
    from annotator.engine.opened import OpenEngine
    from annotator.project import AssetState, Project


@dataclass(frozen=True)
class Finished:
    """One finished asset.

    Attributes:
        name: Project and asset.
        state: What the document says of it.
        working: What was annotated.
        truth: The labels that stand.
    """

    name: str
    state: "AssetState"
    working: WorkingAsset
    truth: Int32


def compare(
    projects: list[Path] = typer.Argument(..., help="Project files with finished work."),
    plugins: str = typer.Option(..., help="Engines as plugin[:variant], separated by commas."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    output: Path | None = typer.Option(None, "-o", help="Folder for JSON and pictures."),
    pictures: int = typer.Option(4, min=0, help="Largest disagreements to draw."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of tables."),
) -> None:
    """Give engines the recorded clicks of finished work and compare them, object by object.

    What counts as right are the labels that stand in the project, hand-made corrections
    included. Work that was done with one of the engines favours it.
    """
    refs = [ref.strip() for ref in plugins.split(",") if ref.strip()]
    if len(set(refs)) != len(refs) or not refs:
        raise AnnotatorError("Name each engine once.", "Write --plugins agile3d,nearest-click.")
    engines = [open_engine(ref, device, []) for ref in refs]
    work = [item for path in projects for item in _finished(path, engines, device)]
    if not work:
        raise AnnotatorError(
            "Nothing in these projects can be compared.",
            "They need clicks on objects, and engines for their kind of asset.",
        )
    trials = {engine.ref: [_try(item, engine) for item in work] for engine in engines}
    report = _report(trials, work)
    if as_json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "compare.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        for path in _draw(work, trials, output, pictures):
            out.print(str(path))


def _finished(path: Path, engines: "Sequence[OpenEngine]", device: str) -> "Iterator[Finished]":
    """Give the assets of a project that have clicks and that all engines are for."""
    from annotator.project import Project

    with Project.open(path, read_only=True) as project:
        for state in project.document.assets.values():
            if state.clicks and is_told(state) and all(serves(e, state.kind) for e in engines):
                yield _finish(path, project, state, device)


def _finish(path: Path, project: "Project", state: "AssetState", device: str) -> Finished:
    working = WorkingAsset.of(state)
    truth = labels_shown(project, state, working, Engines(device))
    return Finished(f"{path.stem}/{state.path.name}", state, working, truth)


def _try(item: Finished, engine: "OpenEngine") -> "AssetTrial":
    from annotator.benchmark.comparing import growing, try_clicks

    started = time.perf_counter()
    with progress_bar(f"{engine.ref}: {item.name}") as progress:
        encoding = engine.encode(item.working.seen, progress=progress)
        seconds = time.perf_counter() - started

        def answer(prompt: "Prompt") -> tuple[Int32, float]:
            seen = item.working.engine_prompt(prompt)
            mask, took = predict_mask(engine, encoding, seen)
            progress(min(1.0, len(prompt.clicks) / len(item.state.clicks)), "clicks")
            return mask.labels, took

        return try_clicks(item.name, growing(item.state.prompt()), item.truth, answer, seconds)


Report = dict[str, object]


def _report(trials: "dict[str, list[AssetTrial]]", work: Sequence[Finished]) -> Report:
    from annotator.benchmark.comparing import figures_of, mean_by_click, paired_difference

    figures = {ref: figures_of(found) for ref, found in trials.items()}
    first, *others = figures
    differences = {
        ref: {
            name: asdict(paired_difference(figures[first][name][0], values, groups))
            for name, (values, groups) in figures[ref].items()
        }
        for ref in others
    }
    return {
        "engines": list(trials),
        "made_with": sorted({item.state.engine_ref for item in work}),
        "assets": len(work),
        "objects": sum(len(trial.objects) for trial in trials[first]),
        "clicks": sum(len(trial.click_seconds) for trial in trials[first]),
        "means": {
            ref: {name: float(np.mean(values)) for name, (values, _) in found.items()}
            for ref, found in figures.items()
        },
        "encode_seconds": {
            ref: float(np.mean([t.encode_seconds for t in found])) for ref, found in trials.items()
        },
        "iou_by_click": {ref: mean_by_click(found) for ref, found in trials.items()},
        f"difference_from_{first}": differences,
        "trials": {
            ref: [{"asset": t.asset, "objects": [asdict(o) for o in t.objects]} for t in found]
            for ref, found in trials.items()
        },
    }


def _print(report: Report) -> None:
    engines = report["engines"]
    assert isinstance(engines, list)
    means = report["means"]
    differences = report[f"difference_from_{engines[0]}"]
    assert isinstance(means, dict)
    assert isinstance(differences, dict)
    out.print(
        f"{report['objects']} objects, {report['clicks']} clicks in {report['assets']} assets, "
        f"finished with {', '.join(map(str, report['made_with']))}",  # type: ignore[call-overload]
        markup=False,
    )
    rows = []
    for name in means[engines[0]]:
        row = [name, *(f"{means[ref][name]:.3f}" for ref in engines)]
        row += [_interval(differences[ref][name]) for ref in engines[1:]]
        rows.append(row)
    print_table(("figure", *engines, *(f"{ref} − {engines[0]}" for ref in engines[1:])), rows)
    curves = report["iou_by_click"]
    assert isinstance(curves, dict)
    steps = range(len(curves[engines[0]]))
    table = [(step + 1, *(f"{curves[ref][step]:.3f}" for ref in engines)) for step in steps]
    print_table(("click", *engines), table, title="Mean IoU after each recorded click")


def _interval(found: dict[str, float]) -> str:
    sure = found["low"] > 0 or found["high"] < 0
    words = f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"
    return words if sure else f"{words} not sure"


def _draw(
    work: Sequence[Finished],
    trials: "dict[str, list[AssetTrial]]",
    folder: Path,
    count: int,
) -> Iterator[Path]:
    """Draw the assets on which the engines disagree most: each engine's labels, then the truth."""
    from annotator.cli.pictures import tiled, write_png

    refs = list(trials)
    apart = [_disagreement([trials[ref][i].labels for ref in refs]) for i in range(len(work))]
    for rank, number in enumerate(np.argsort(apart, kind="stable")[::-1][:count]):
        item = work[number]
        clicks = item.working.engine_prompt(item.state.prompt()).clicks
        shown = [np.asarray(trials[ref][number].labels, np.int32) for ref in refs] + [item.truth]
        pictures = [_picture(item.working.seen, labels, clicks) for labels in shown]
        name = item.name.replace("/", "-")
        path = folder / f"disagreement-{rank + 1}-{name}-{apart[number]:.3f}.png"
        write_png(path, tiled(pictures, columns=len(pictures)))
        yield path


def _disagreement(labels: "Sequence[Labels]") -> float:
    """Return the share of points on which not all agree, among those that any gives an object."""
    stack = np.stack([found.ravel() for found in labels])
    some = (stack > 0).any(0)
    return float((stack != stack[0]).any(0)[some].mean()) if some.any() else 0.0


def _picture(asset: PointCloud | Image, labels: Int32, clicks: Sequence[Click]) -> UInt8:
    from annotator.cli.pictures import draw_scan

    if isinstance(asset, PointCloud):
        return draw_scan(asset, labels, clicks, size=(640, 480))
    picture = asset.rgb.astype(np.float32)
    for object_id in np.unique(labels[labels > 0]).tolist():
        inside = labels == object_id
        picture[inside] = 0.5 * picture[inside] + 0.5 * np.array(object_colour(object_id))
    for click in clicks:
        x, y = (int(value) for value in click.position[:2])
        picture[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = object_colour(click.object_id)
    return picture.astype(np.uint8)
