"""`annotator demo`: the bundled sample, clicked and segmented, as pictures."""

import time
from pathlib import Path

import typer

from annotator.cli.console import out, print_table, progress_bar
from annotator.cli.engines import (
    DEFAULT_ENGINE,
    open_engine,
    predict_mask,
    read_scan,
)
from annotator.cli.pictures import draw_scan, write_png
from annotator.domain import Click, Mask, PointCloud, Prompt


def demo(
    output: Path = typer.Option(Path("demo"), "-o", "--output", help="Folder for the pictures."),
    engine: str = typer.Option(DEFAULT_ENGINE, help="Engine as plugin[:variant]."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
) -> None:
    """Segment the bundled sample scan and write pictures of it before and after."""
    from annotator.formats import read_placed_clicks
    from annotator.samples import SAMPLE_CLICKS, SAMPLE_ROOM

    cloud = read_scan(SAMPLE_ROOM)
    clicks = read_placed_clicks(SAMPLE_CLICKS, cloud)
    output.mkdir(parents=True, exist_ok=True)
    write_png(output / "1-before.png", draw_scan(cloud))
    write_png(output / "2-clicks.png", draw_scan(cloud, clicks=clicks))
    opened = open_engine(engine, device, [])
    started = time.perf_counter()
    with progress_bar("Encoding") as progress:
        encoding = opened.encode(cloud, progress=progress)
    encoded = time.perf_counter()
    mask, seconds = predict_mask(opened, encoding, Prompt.from_clicks(clicks))
    write_png(output / "3-after.png", draw_scan(cloud, mask.labels, clicks))
    out.print(
        f"{len(clicks)} clicks on {len(cloud):,} points with {opened.ref} ({opened.device}): "
        f"encoding {encoded - started:.2f} s, prediction {seconds:.3f} s"
    )
    _print_objects(cloud, mask, clicks)
    out.print(f"Pictures: {', '.join(sorted(p.name for p in output.glob('*.png')))} in {output}")


def _print_objects(cloud: PointCloud, mask: Mask, clicks: list[Click]) -> None:
    """Compare each object with the true one under its first click."""
    from annotator.benchmark.metrics import object_ious
    from annotator.benchmark.simulator import relabel

    if cloud.labels is None:
        return
    firsts: dict[int, int] = {}
    for click in clicks:
        if click.object_id and click.index is not None:
            firsts.setdefault(click.object_id, click.index)
    ids = sorted(firsts)
    truth = relabel(cloud.labels, [int(cloud.labels[firsts[i]]) for i in ids])
    predicted = relabel(mask.labels, ids)
    ious = object_ious(truth, predicted)
    count = [sum(click.object_id == i for click in clicks) for i in ids]
    rows = [
        (i, n, int((predicted == k).sum()), f"{ious.get(k, 0.0):.3f}")
        for k, (i, n) in enumerate(zip(ids, count, strict=True), start=1)
    ]
    print_table(("object", "clicks", "points", "IoU with the truth"), rows)
