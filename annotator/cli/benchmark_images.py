"""`annotator benchmark images`: measure image engines by RITM's protocol."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from annotator.cli.benchmark_tables import print_figures, result_files
from annotator.cli.console import out, progress_bar
from annotator.cli.engines import DEFAULT_ENGINES, open_for, predict_mask

if TYPE_CHECKING:
    from annotator.benchmark.images.protocol import Budget, Predict, Run
    from annotator.benchmark.images.samples import Sample
    from annotator.benchmark.images.simulator import Bool, PixelClick
    from annotator.engine.opened import OpenEngine


def images(
    folder: Path = typer.Argument(..., help="Folder with images/ + masks/, or img/ + gt/."),
    plugin: list[str] = typer.Option(
        [DEFAULT_ENGINES["image"]], help="plugin[:variant]; repeatable."
    ),
    clicks: int = typer.Option(20, min=1, help="Most clicks a sample."),
    target: float = typer.Option(0.9, min=0.0, help="A sample ends at this IoU; above 1 never."),
    limit: int = typer.Option(0, min=0, help="Only so many samples; 0 for all."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    output: Path | None = typer.Option(None, "-o", help="Folder for JSON and CSV."),
) -> None:
    """Segment photos with masks by RITM's protocol: NoC@q, NoF@q, IoU@k."""
    from annotator.benchmark.images.protocol import Budget
    from annotator.benchmark.images.report import summarise, write_csv, write_json
    from annotator.benchmark.images.samples import find_samples

    samples = find_samples(folder)[: limit or None]
    budget = Budget(target, clicks)
    settings = {
        "images": str(folder), "protocol": "RITM", "clicks": clicks, "target": target,
        "parameters": param,
    }  # fmt: skip
    figures: dict[str, dict[str, float]] = {}
    for reference in plugin:
        engine = open_for("image", reference, device, param)
        runs = list(_runs(engine, samples, budget))
        figures[reference] = summarise(runs, budget)
        if output:
            json_file, csv_file = result_files(output, reference)
            made = {"plugin": reference, "device": engine.device, "threshold": engine.threshold}
            write_json(json_file, {**settings, **made}, runs, budget)
            write_csv(csv_file, runs)
        out.print(f"{reference}: {len(runs)} samples")
        engine.close()
    print_figures(figures)


def _runs(engine: "OpenEngine", samples: "Sequence[Sample]", budget: "Budget") -> "Iterator[Run]":
    """Run every sample; a photo is encoded once for all its objects."""
    from annotator.benchmark.images.protocol import run_sample
    from annotator.formats import read_image

    photo: Path | None = None
    with progress_bar(engine.ref) as progress:
        for number, sample in enumerate(samples):
            progress(number / len(samples), sample.name)
            seconds = 0.0
            if sample.photo != photo:
                image, photo = read_image(sample.photo), sample.photo
                started = time.perf_counter()
                encoding = engine.encode_uncached(image)
                seconds = time.perf_counter() - started
            truth = sample.read_truth(image.rgb.shape[:2])
            yield run_sample(sample.name, truth, _predictor(engine, encoding), budget, seconds)


def _predictor(engine: "OpenEngine", encoding: object) -> "Predict":
    from annotator.benchmark.images.protocol import prompt_of

    def predict(clicks: "Sequence[PixelClick]") -> "Bool":
        inside: Bool = predict_mask(engine, encoding, prompt_of(clicks))[0].labels > 0
        return inside

    return predict
