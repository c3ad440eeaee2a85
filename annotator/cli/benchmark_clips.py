"""`annotator benchmark clips`: measure what animation engines make of photos."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from annotator.cli.benchmark_tables import print_figures, result_files
from annotator.cli.console import out, progress_bar
from annotator.cli.engines import open_engine
from annotator.domain import AnnotatorError, Clip, Image

if TYPE_CHECKING:
    from annotator.benchmark.clip_report import ClipRun, Describe
    from annotator.benchmark.clips import Bool
    from annotator.benchmark.clipset import ClipCase
    from annotator.engine.opened import OpenEngine

PIXELS = "pixels"
REACH = 0.1
"""Part of the photo's longer side that a free object may leave its region by."""


def clips(
    path: Path = typer.Argument(..., help="Folder with clips.json, or such a file."),
    plugin: list[str] = typer.Option(["followclick"], help="plugin[:variant]; repeatable."),
    frames: int = typer.Option(48, min=8, max=240, help="Frames of a clip."),
    features: str = typer.Option(
        "clickseg:compact",
        help="Photo engine whose features tell temporal consistency, or 'pixels'.",
    ),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    output: Path | None = typer.Option(None, "-o", help="Folder for JSON, CSV and sheets."),
    sheets: bool = typer.Option(False, "--sheets", help="Also draw frames of each clip."),
) -> None:
    """Measure clips: I1-MSE, consistency, flow against request, outside, seam, sharpness."""
    from annotator.benchmark.clip_report import figures_of, summarise, write_clips
    from annotator.benchmark.clipset import read_cases

    if sheets and not output:
        raise AnnotatorError("--sheets needs a folder to write to.", "Name one with -o.")
    cases = read_cases(path)
    describe = _describer(features, device)
    settings = {"clips": str(path), "frames": frames, "features": features, "parameters": param}
    summaries: dict[str, dict[str, float]] = {}
    for reference in plugin:
        engine = open_engine(reference, device, [f"frames={frames}", *param])
        name = result_files(output, reference)[0].stem if output else ""
        drawn = output if sheets else None
        runs = list(_runs(engine, cases, describe, drawn))
        engine.close()
        summaries[reference] = summarise(runs)
        if output:
            write_clips(output, name, {**settings, "plugin": reference}, runs)
        out.print(f"{reference}: {len(runs)} clips of {frames} frames; consistency by {features}")
        for run in runs:
            if run.refusal:
                out.print(f"{run.name}: refused: {run.refusal}")
        print_figures({run.name: figures_of(run) for run in runs if run.measures})
    print_figures(summaries)


def _runs(
    engine: "OpenEngine",
    cases: "Sequence[ClipCase]",
    describe: "Describe",
    sheets: Path | None,
) -> "Iterator[ClipRun]":
    from annotator.formats import read_image

    with progress_bar(engine.ref) as progress:
        for number, case in enumerate(cases):
            progress(number / len(cases), case.name)
            image = read_image(case.photo)
            region = case.region(image.rgb.shape[:2])
            yield _run(engine, case, image, region, describe, sheets)


def _run(
    engine: "OpenEngine",
    case: "ClipCase",
    image: Image,
    region: "Bool",
    describe: "Describe",
    sheets: Path | None,
) -> "ClipRun":
    from annotator.benchmark.clip_report import ClipRun, consistency
    from annotator.benchmark.clips import measure
    from annotator.cli.contact import draw_sheet

    started = time.perf_counter()
    try:
        clip = engine.predict(engine.encode_uncached(image), case.prompt(region))
    except AnnotatorError as error:
        return ClipRun(case.name, case.strength, case.direction, None, np.nan, 0.0, error.message)
    seconds = time.perf_counter() - started
    if not isinstance(clip, Clip):
        raise AnnotatorError(f"{engine.ref} does not make clips.", "Choose another engine.")
    if clip.frames.shape[1:] != image.rgb.shape:
        raise AnnotatorError(f"{engine.ref} makes clips of another size.", "Ask for the photo's.")
    if sheets:
        name = f"{engine.ref}-{case.name}".replace(":", "").replace(" ", "-").replace("/", "-")
        draw_sheet(sheets / f"{name}.jpg", clip.frames, region)
    measures = measure(clip.frames, region, _may_change(region, case.confined), image.rgb)
    similar = consistency(clip.frames, describe)
    return ClipRun(case.name, case.strength, case.direction, measures, similar, seconds)


def _may_change(region: "Bool", confined: bool) -> "Bool":
    """Return where a clip may differ; a free object may leave its region by a tenth."""
    import cv2

    if confined or region.all():
        return region
    far = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5)
    near: Bool = far <= REACH * max(region.shape)
    return near


def _describer(features: str, device: str) -> "Describe":
    """Return what tells how alike two frames are.

    Raises:
        AnnotatorError: If the engine tells no features.
    """
    from annotator.benchmark.clip_report import pixels
    from annotator.engine.api import DescribesPhotos

    if features == PIXELS:
        return pixels
    engine = open_engine(features, device, ()).engine
    if not isinstance(engine, DescribesPhotos):
        raise AnnotatorError(
            f"{features} tells no features.",
            f"Use clickseg:compact, or {PIXELS} without a network.",
        )
    return lambda picture: engine.describe(Image(picture))
