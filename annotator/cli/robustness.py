"""`annotator robustness`: how much the result depends on where exactly a person clicks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from annotator.cli.console import err, out, parse_parameters
from annotator.domain import AnnotatorError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from annotator.robustness.runs.local import Executor, Watch
    from annotator.robustness.runs.manifest import PluginFacts
    from annotator.robustness.runs.performing import Failure
    from annotator.robustness.runs.running import MakeExecutor, Summary
    from annotator.robustness.runs.tasks import TaskKey

app = typer.Typer(no_args_is_help=True)
EXIT_FAILURES = 3
"""Status of a run in which samples failed; all others are done."""

_FIRST_ERRORS = 5


@app.callback()
def robustness() -> None:
    """Measure how much results depend on where exactly a person clicks."""


@app.command()
def run(
    dataset: Path = typer.Option(..., help="Photos with masks, scans, people or projects."),
    plugins: str = typer.Option(..., help="Engines as plugin[:variant], separated by commas."),
    mode: str = typer.Option("ours", help="tetris, ours or exhaustive; several with commas."),
    output: Path = typer.Option(..., "-o", help="Folder of the run; an interrupted one goes on."),
    clicks: int = typer.Option(10, min=1, help="Clicks of each trajectory."),
    region: str = typer.Option(
        "centre-inside", help="Where clicks may go: centre-inside, disk-inside, same-component."
    ),
    evaluations: int = typer.Option(100, min=1, help="ours: inferences a click and direction."),
    steps: int = typer.Option(11, min=1, help="tetris: steps a click and direction."),
    stride: int = typer.Option(1, min=1, help="exhaustive: every n-th pixel or voxel."),
    refine: bool = typer.Option(False, "--refine", help="exhaustive: coarse to fine."),
    fields: int = typer.Option(1, min=0, help="exhaustive: clicks of which heat-maps are kept."),
    certify: int = typer.Option(
        0, min=0, help="ours, tetris: clicks of which all places are tried afterwards: the regret."
    ),
    unsafe_below: float = typer.Option(0.8, help="A click that gives less is unsafe."),
    finger: float | None = typer.Option(
        None, min=0, help="How far a finger may be off; default 5 pixels, in scans 0.1 m."
    ),
    seed: int = typer.Option(0, help="Decides random starts."),
    batch: int = typer.Option(32, min=1, help="Prompts handed to an engine at once."),
    limit: int = typer.Option(0, min=0, help="Only so many samples; 0 for all."),
    layout: str = typer.Option("auto", help="auto, masks, tetris, scans, people or projects."),
    kind: str = typer.Option("", help="Of projects with photos and scans: image or scene."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    retry_failed: bool = typer.Option(False, "--retry-failed", help="Try failed samples again."),
    cluster: bool = typer.Option(
        False, "--cluster", help="Do the tasks on Ray: on one started here, or that of ADDRESS."
    ),
    address: str = typer.Argument("", help="With --cluster: of an existing Ray cluster."),
    workers: int = typer.Option(0, min=0, help="Of a Ray started here; 0 for all processors."),
) -> None:
    """Attack the clicks of engines on a dataset; killed at any time, it goes on where it was.

    Every (plugin, sample, mode) is one record; what is there already is not done again.
    """
    from annotator.robustness.datasets import open_dataset
    from annotator.robustness.runs.plan import EngineSpec, Plan
    from annotator.robustness.runs.running import carry_out
    from annotator.robustness.runs.whereabouts import Whereabouts
    from annotator.robustness.settings import Settings

    settings = Settings(
        clicks=clicks, permitted=_permitted(region), evaluations=evaluations, steps=steps,
        stride=stride, refine=refine, fields=fields, certify=certify, unsafe_below=unsafe_below,
        finger=finger, seed=seed, batch=batch,
    )  # fmt: skip
    parameters = parse_parameters(param)
    specs = tuple(EngineSpec(ref, device, parameters) for ref in _words(plugins, "plugin"))
    modes = _modes(mode)
    if certify and modes == ("exhaustive",):
        raise AnnotatorError(
            "Mode exhaustive has nothing to certify.", "Name ours or tetris as --mode as well."
        )
    plan = Plan(specs, modes, settings, limit, retry_failed)
    with _status("Looking at the dataset"):
        samples = open_dataset(dataset, layout, kind)
    for note in samples.notes:
        err.print(note, markup=False)
    if address and not cluster:
        raise AnnotatorError(f"{address!r} is no option.", "Name a cluster as --cluster ADDRESS.")
    count, make = _place(output, cluster, address, workers)
    with _watched() as watch:
        where = Whereabouts(dataset.absolute(), layout, kind)
        summary = carry_out(plan, samples, output, count, make, watch, where)
    _tell(summary, output)
    if summary.failed:
        raise typer.Exit(EXIT_FAILURES)


@app.command()
def report(
    runs: list[Path] = typer.Argument(..., help="Folders of runs."),
    output: Path = typer.Option(Path("report"), "-o", help="Folder of the report."),
    pictures: int = typer.Option(8, min=0, help="Heat-maps and worst cases to draw, of each."),
    dataset: Path | None = typer.Option(
        None, help="Where the samples are, if they were moved since the run."
    ),
) -> None:
    """Write one page that works offline, the same as PDF, and tables as JSON, CSV and Parquet."""
    from annotator.robustness.report.building import build_report

    with _status("Drawing"):
        files, notes = build_report(runs, output, pictures, dataset)
    for note in notes:
        err.print(note, markup=False)
    for path in files:
        out.print(str(path), markup=False)


def _words(text: str, name: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or len(set(words)) != len(words):
        raise AnnotatorError(f"Name each {name} once.", f"Separate several {name}s by commas.")
    return words


def _modes(text: str) -> tuple[str, ...]:
    from annotator.robustness.settings import Mode

    known = [mode.value for mode in Mode]
    chosen = _words(text, "mode")
    for word in chosen:
        if word not in known:
            raise AnnotatorError(f"There is no mode {word!r}.", f"Known: {', '.join(known)}.")
    return tuple(chosen)


def _permitted(text: str) -> Any:  # noqa: ANN401 - the type is loaded lazily
    from annotator.robustness.settings import Permitted

    try:
        return Permitted(text)
    except ValueError as error:
        known = ", ".join(region.value for region in Permitted)
        raise AnnotatorError(f"There is no region {text!r}.", f"Known: {known}.") from error


def _place(folder: Path, on_ray: bool, address: str, workers: int) -> "tuple[int, MakeExecutor]":
    """Return the threads a task has, and what makes the place where tasks are done."""
    from annotator.robustness.runs.local import LocalExecutor
    from annotator.robustness.runs.plan import chosen_threads

    if not on_ray:
        count = chosen_threads(folder)
        return count, lambda facts: LocalExecutor(count)
    from annotator.robustness.runs.cluster import RayExecutor, require_ray

    require_ray()
    alone = chosen_threads(folder, default=1)

    def make(facts: "Mapping[str, PluginFacts]") -> "Executor":
        return RayExecutor(address, alone, facts, workers)

    return alone, make


@contextmanager
def _status(words: str) -> Iterator[None]:
    if not err.is_terminal:
        yield
        return
    with err.status(words):
        yield


class _Bar:
    """Shows tasks done, the one at work, and the time left."""

    def __init__(self, bar: "Progress", task: "TaskID") -> None:
        self._bar, self._task = bar, task
        self._done = 0

    def begin(self, total: int, done: int) -> None:
        """See `Watch`. Tasks of earlier calls do not count for the speed."""
        self._bar.reset(self._task, total=total - done)
        if done:
            err.print(f"{done} of {total} records are there already.")

    def working(self, key: "TaskKey", fraction: float) -> None:
        """See `Watch`."""
        self._bar.update(self._task, completed=self._done + fraction, description=str(key))

    def finished(self, key: "TaskKey", failure: "Failure | None") -> None:
        """See `Watch`."""
        self._done += 1
        self._bar.update(self._task, completed=self._done)
        if failure is not None:
            err.print(f"{key}: {failure.message}", style="yellow", markup=False)


@contextmanager
def _watched() -> "Iterator[Watch]":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False),
    )  # fmt: skip
    with Progress(
        *columns,
        console=err,
        transient=True,
        disable=not err.is_terminal,
        speed_estimate_period=600,
    ) as bar:
        yield _Bar(bar, bar.add_task("starting", total=None))


def _tell(summary: "Summary", folder: Path) -> None:
    from annotator.robustness.runs.running import counted

    out.print(f"{summary.done} records written to {folder}, {summary.before} were there.")
    if summary.given_up:
        out.print(f"{summary.given_up} failed earlier; --retry-failed tries them again.")
    if summary.failed:
        out.print(f"{len(summary.failed)} failed:")
        for reason, count in counted(summary.failed)[:_FIRST_ERRORS]:
            out.print(f"  {count} x {reason}", markup=False)
