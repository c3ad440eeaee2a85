"""One call from runs to a report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.formats.atomic import atomic_write
from annotator.robustness.report.gallery import draw_gallery
from annotator.robustness.report.gathering import gather
from annotator.robustness.report.page import build_page
from annotator.robustness.report.pdf import write_pdf
from annotator.robustness.report.tables import write_tables

PAGE, PDF = "report.html", "report.pdf"


def build_report(
    runs: Sequence[Path], folder: Path, pictures: int = 8, dataset: Path | None = None
) -> tuple[list[Path], list[str]]:
    """Write report.html, report.pdf and tables.

    Args:
        runs: Folders of runs.
        folder: Where to; made if it is not there.
        pictures: Heat-maps, and worst cases, at most.
        dataset: Where the samples are now; None for where they were.

    Returns:
        The files, and what is missing in them and why.

    Raises:
        AnnotatorError: If a run cannot be read or nothing can be written.
    """
    gathered = gather(runs, dataset)
    drawn, notes = draw_gallery(gathered, pictures)
    gathered = replace(gathered, notes=(*gathered.notes, *notes))
    _make(folder)
    files, missing = write_tables(gathered, folder)
    with atomic_write(folder / PAGE) as file:
        file.write(build_page(gathered, drawn).encode())
    try:
        write_pdf(gathered, drawn, folder / PDF)
        files.insert(0, folder / PDF)
    except AnnotatorError as error:
        missing.append(str(error))
    return [folder / PAGE, *files], [*gathered.notes, *missing]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotatorError(
            f"{folder} cannot be made: {error.strerror}.", "Choose another folder with -o."
        ) from error
