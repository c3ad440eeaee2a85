"""`annotator convert`: labelled scans, or annotations of photos, from one format to another."""

from pathlib import Path

import typer

from annotator.cli.console import TOLERANCE_HELP, out
from annotator.cli.engines import read_scan
from annotator.domain import AnnotatorError


def convert(
    source: Path = typer.Argument(..., help="Scan, or annotations of photos, to read."),
    output: Path = typer.Argument(..., help="File to write, its suffix decides; or folder."),
    format_id: str | None = typer.Option(None, "--format", help="Format, if not by suffix."),
    tolerance: float = typer.Option(0.49, help=TOLERANCE_HELP),
) -> None:
    """Convert a scan with its labels, or annotations of photos, to another format."""
    from annotator.formats import is_image_path, write_cloud

    if _is_for_people(format_id):
        from annotator.formats.people import read_people, write_people

        for file in write_people(output, read_people(source), format_id):
            out.print(str(file))
        return
    if _is_annotation(source, format_id):
        _convert_annotations(source, output, format_id, tolerance)
        return
    if is_image_path(source):
        raise AnnotatorError(
            f"{source.name} is a photo, which holds no labels.",
            "Convert COCO, LabelMe, PNG masks or VOC, or export a project.",
        )
    cloud = read_scan(source)
    write_cloud(output, cloud, cloud.labels, format_id=format_id)
    out.print(f"{output}: {len(cloud):,} points")


def _is_for_people(format_id: str | None) -> bool:
    from annotator.formats.people import PEOPLE_WRITERS

    return format_id in {writer.format_id for writer in PEOPLE_WRITERS}


def _is_annotation(source: Path, format_id: str | None) -> bool:
    from annotator.formats import IMAGE_WRITERS
    from annotator.formats.annotation_readers import ANNOTATION_SUFFIXES

    if source.is_dir():
        return format_id in {writer.format_id for writer in IMAGE_WRITERS}
    return source.suffix.lower() in ANNOTATION_SUFFIXES


def _convert_annotations(
    source: Path, output: Path, format_id: str | None, tolerance: float
) -> None:
    from annotator.formats import read_annotations, write_annotations

    images = read_annotations(source)
    files = write_annotations(output, images, format_id, tolerance=tolerance)
    for file in files:
        out.print(str(file))
