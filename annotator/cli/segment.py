"""`annotator segment`: masks of a scan from a file of clicks, without a screen."""

import time
from pathlib import Path

import typer

from annotator.cli.console import out, progress_bar
from annotator.cli.engines import (
    DEFAULT_ENGINE,
    open_engine,
    predict_mask,
    read_scan,
)
from annotator.domain import Prompt


def segment(
    scan: Path = typer.Argument(..., help="Scan to segment."),
    clicks: Path = typer.Option(..., help="JSON file of clicks."),
    output: Path = typer.Option(..., "-o", "--output", help="File to write; its suffix decides."),
    engine: str = typer.Option(DEFAULT_ENGINE, help="Engine as plugin[:variant]."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    format_id: str | None = typer.Option(None, "--format", help="Format, if not by suffix."),
) -> None:
    """Segment a scan from a file of clicks and write a label for every point."""
    from annotator.formats import read_placed_clicks, write_cloud

    cloud = read_scan(scan)
    placed = read_placed_clicks(clicks, cloud)
    opened = open_engine(engine, device, param)
    started = time.perf_counter()
    with progress_bar("Encoding") as progress:
        encoding = opened.encode(cloud, progress=progress)
    encoded = time.perf_counter()
    mask, seconds = predict_mask(opened, encoding, Prompt.from_clicks(placed))
    write_cloud(output, cloud, mask.labels, format_id=format_id)
    objects = len({click.object_id for click in placed} - {0})
    out.print(
        f"{output}: {objects} objects on {len(cloud):,} points; "
        f"encoding {encoded - started:.2f} s, prediction {seconds:.3f} s ({opened.device})"
    )
