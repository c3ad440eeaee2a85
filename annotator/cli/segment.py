"""`annotator segment`: masks of a scan or of photos from clicks, without a screen."""

import time
from pathlib import Path

import typer

from annotator.cli.console import TOLERANCE_HELP, out, progress_bar
from annotator.cli.engines import open_for, predict_mask, read_scan
from annotator.cli.photos import SOFT, Batch, Quick, clicks_source
from annotator.domain import AnnotatorError, Prompt


def segment(
    inputs: list[Path] = typer.Argument(..., help="A scan, or photos and folders of photos."),
    clicks: Path | None = typer.Option(
        None, help="JSON file of clicks and boxes; for several photos a folder of them."
    ),
    click: list[str] = typer.Option([], help="X,Y inside the object of a photo; repeatable."),
    outside: list[str] = typer.Option([], help="X,Y outside of it; repeatable."),
    box: str = typer.Option("", help="X0,Y0,X1,Y1 around it."),
    output: Path = typer.Option(
        ..., "-o", "--output", help="File, its suffix decides; or folder for several photos."
    ),
    engine: str | None = typer.Option(
        None, help="Engine as plugin[:variant]; agile3d for scans, clickseg for photos."
    ),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    format_id: str | None = typer.Option(None, "--format", help="Format, if not by suffix."),
    tolerance: float = typer.Option(0.49, help=TOLERANCE_HELP),
) -> None:
    """Segment a scan or photos from clicks; write a label for every point or pixel."""
    photos = photos_among(inputs)
    quick = Quick(click, outside, box)
    if photos:
        from annotator.formats import write_annotations
        from annotator.formats.image_writers import find_image_writer

        find_image_writer(output, format_id)  # a wrong format is said before the work
        clicks_of = clicks_source(clicks, quick, len(photos))
        opened = open_for("image", engine, device, param)
        batch = Batch(photos, clicks_of, opened, format_id in SOFT)
        files = write_annotations(output, batch.results(), format_id, tolerance=tolerance)
        for file in files:
            out.print(str(file))
        batch.require_all()
        return
    if len(inputs) > 1 or clicks is None or quick:
        raise AnnotatorError(
            "A scan is segmented by itself, from a file of clicks.", "Use --clicks FILE."
        )
    _segment_scan(inputs[0], clicks, output, engine, device, param, format_id)


def photos_among(inputs: list[Path]) -> list[Path]:
    """Return the photos that are named, those in named folders too; none if it is a scan.

    Raises:
        AnnotatorError: If photos and something else are named together.
    """
    from annotator.formats import image_files, is_image_path

    photos: list[Path] = []
    others: list[Path] = []
    for path in inputs:
        found = image_files(path) if path.is_dir() else [path] if is_image_path(path) else []
        photos += found
        others += [] if found else [path]
    if photos and others:
        raise AnnotatorError(
            f"{others[0].name} is no photo, unlike {photos[0].name}.",
            "Segment scans and photos one after the other.",
        )
    return photos


def _segment_scan(
    scan: Path,
    clicks: Path,
    output: Path,
    engine: str | None,
    device: str,
    param: list[str],
    format_id: str | None,
) -> None:
    from annotator.formats import read_placed_clicks, write_cloud

    cloud = read_scan(scan)
    placed = read_placed_clicks(clicks, cloud)
    prompt = Prompt.from_clicks(placed)
    opened = open_for("cloud", engine, device, param, prompt)
    started = time.perf_counter()
    with progress_bar("Encoding") as progress:
        encoding = opened.encode(cloud, progress=progress)
    encoded = time.perf_counter()
    mask, seconds = predict_mask(opened, encoding, prompt)
    write_cloud(output, cloud, mask.labels, format_id=format_id)
    objects = len({click.object_id for click in placed} - {0})
    out.print(
        f"{output}: {objects} objects on {len(cloud):,} points; "
        f"encoding {encoded - started:.2f} s, prediction {seconds:.3f} s ({opened.device})"
    )
