"""`annotator benchmark`: measure engines with simulated clicks."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from annotator.cli.benchmark_clips import clips
from annotator.cli.benchmark_images import images
from annotator.cli.benchmark_poses import poses
from annotator.cli.benchmark_tables import print_figures, result_files
from annotator.cli.console import out, progress_bar
from annotator.cli.engines import DEFAULT_ENGINE, open_engine, predict_mask
from annotator.domain import AnnotatorError

if TYPE_CHECKING:
    from annotator.benchmark.protocol import Predict, Run
    from annotator.benchmark.scenes import Sample
    from annotator.domain.cloud import Int64
    from annotator.engine.opened import OpenEngine

app = typer.Typer(no_args_is_help=True)
app.command()(images)
app.command()(clips)
app.command()(poses)

STEP_SIZE = (640, 400)
"""Size of each of the four pictures of `--pictures`."""


@app.callback()
def benchmark() -> None:
    """Measure engines with simulated clicks."""


@app.command()
def scenes(
    path: Path = typer.Argument(..., help="Labelled scan, or folder of labelled scans."),
    plugin: list[str] = typer.Option([DEFAULT_ENGINE], help="plugin[:variant]; repeatable."),
    single: bool = typer.Option(False, "--single", help="Each object alone, not M together."),
    objects: int = typer.Option(5, min=1, help="Objects a sample (M)."),
    draws: int = typer.Option(20, min=1, help="Random samples a scan."),
    sample_list: Path | None = typer.Option(None, "--list", help="val_list.json of samples."),
    clicks: int = typer.Option(10, min=1, help="Budget: clicks an object; published: 20."),
    seed: int = typer.Option(0, help="Decides the samples and the order of first clicks."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    output: Path | None = typer.Option(None, "-o", help="Folder for JSON and CSV."),
    pictures: bool = typer.Option(
        False, "--pictures", help="Also draw each scan's first sample after 1, 3 and 5 clicks."
    ),
) -> None:
    """Segment labelled scans by the AGILE3D protocol: IoU@k and NoC@q."""
    from annotator.benchmark.report import summarise, write_csv, write_json

    if pictures and not output:
        raise AnnotatorError("--pictures needs a folder to write to.", "Name one with -o.")
    settings = {
        "scans": str(path), "protocol": "single" if single else "multi", "objects": objects,
        "draws": draws, "clicks_per_object": clicks, "seed": seed, "parameters": param,
    }  # fmt: skip
    figures: dict[str, dict[str, float]] = {}
    for reference in plugin:
        engine = open_engine(reference, device, param)
        samples = _samples(path, single, objects, draws, seed, sample_list)
        drawn = output if pictures else None
        runs = list(_runs(engine, samples, clicks, seed, drawn))
        figures[reference] = summarise(runs, clicks)
        if output:
            json_file, csv_file = result_files(output, reference)
            write_json(json_file, {**settings, "plugin": reference}, runs, clicks)
            write_csv(csv_file, runs)
        out.print(f"{reference}: {len(runs)} samples")
    print_figures(figures)


def _samples(
    path: Path, single: bool, objects: int, draws: int, seed: int, sample_list: Path | None
) -> "Iterator[Sample]":
    from annotator.benchmark import scenes as sources

    if sample_list:
        return sources.listed_samples(sample_list, path)
    clouds = (sources.load_scene(scan) for scan in sources.find_scans(path))
    if single:
        return chain.from_iterable(sources.single_samples(cloud) for cloud in clouds)
    return chain.from_iterable(
        sources.draw_samples(cloud, objects, draws, seed) for cloud in clouds
    )


def _runs(
    engine: "OpenEngine",
    samples: "Iterable[Sample]",
    clicks: int,
    seed: int,
    pictures: Path | None,
) -> "Iterator[Run]":
    """Run every sample; a scan is encoded once for all its samples."""
    from annotator.benchmark.protocol import run_sample, simulation_rows

    encoding: object = None
    scan = None
    with progress_bar(engine.ref) as progress:
        for number, sample in enumerate(samples):
            progress(0.0, f"sample {number + 1}, {sample.name}")
            first = sample.cloud is not scan
            if first:
                encoding, scan = engine.encode(sample.cloud), sample.cloud
            rows = simulation_rows(sample.cloud, _representatives(engine.engine, encoding))
            predict = _predictor(engine, encoding)
            run = run_sample(sample, predict, rows, clicks, seed)
            if first and pictures:
                name = f"{engine.ref.replace(':', '-')}_{sample.name}.png"
                _draw_steps(pictures / name, sample, run, predict)
            yield run


def _draw_steps(path: Path, sample: "Sample", run: "Run", predict: "Predict") -> None:
    """Draw a sample four times: as it came, and after 1, 3 and 5 clicks an object."""
    from annotator.cli.pictures import draw_scan, tiled, write_png
    from annotator.domain import Prompt

    images = [draw_scan(sample.cloud, size=STEP_SIZE)]
    for budget in (1, 3, 5):
        clicks = tuple(run.clicks[: budget * run.objects])
        labels = predict(Prompt(clicks, tuple(range(1, run.objects + 1)))).labels
        images.append(draw_scan(sample.cloud, labels, clicks, size=STEP_SIZE))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, tiled(images))


def _representatives(plugin: object, encoding: object) -> "Int64 | None":
    from annotator.engine.api import HasRepresentatives

    return plugin.representatives(encoding) if isinstance(plugin, HasRepresentatives) else None


def _predictor(engine: "OpenEngine", encoding: object) -> "Predict":
    return lambda prompt: predict_mask(engine, encoding, prompt)[0]
