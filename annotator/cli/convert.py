"""`annotator convert`: a labelled scan from one format to another."""

from pathlib import Path

import typer

from annotator.cli.console import out
from annotator.cli.engines import read_scan


def convert(
    source: Path = typer.Argument(..., help="Scan to read."),
    output: Path = typer.Argument(..., help="File to write; its suffix decides."),
    format_id: str | None = typer.Option(None, "--format", help="Format, if not by suffix."),
) -> None:
    """Convert a scan and its labels to another format."""
    from annotator.formats import write_cloud

    cloud = read_scan(source)
    write_cloud(output, cloud, cloud.labels, format_id=format_id)
    out.print(f"{output}: {len(cloud):,} points")
