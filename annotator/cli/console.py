"""What every command shares: errors in words, progress bars, tables."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from annotator.domain import AnnotatorError, Cancelled, Progress

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

TOLERANCE_HELP = "Pixels that outlines may be off; below 0.5 exact, 1 has fewer corners."
EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


def guarded(action: Callable[[], object], *, verbose: bool = False) -> int:
    """Run a command and turn its errors into words.

    Args:
        action: The command.
        verbose: Whether to show the traceback as well.

    Returns:
        The exit status: 0, 1 after an error, 130 if the work was cancelled. Wrong usage
        and Ctrl-C leave through typer, which exits by itself.
    """
    try:
        action()
    except AnnotatorError as error:
        if verbose:
            err.print(escape(traceback.format_exc()))
        report_error(error)
        return EXIT_ERROR
    except Cancelled:
        err.print("Stopped.")
        return EXIT_INTERRUPTED
    return 0


def report_error(error: AnnotatorError) -> None:
    """Print what happened and, below it, what to do."""
    err.print(f"[bold red]Error:[/] {escape(error.message)}")
    if error.remedy:
        err.print(escape(error.remedy))


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar on stderr while long work runs; silent where stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=1.0)

        def report(fraction: float, message: str = "") -> None:
            description = f"{title}: {message}" if message else title
            bar.update(task, completed=fraction, description=description)

        yield report


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print a table on stdout."""
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    out.print(table)


def parse_parameters(pairs: Sequence[str]) -> dict[str, object]:
    """Turn `name=value` words into parameters; numbers and true/false are recognised.

    Raises:
        AnnotatorError: If a word has no "=".
    """
    parameters: dict[str, object] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise AnnotatorError(f"{pair!r} is no parameter.", "Write --param name=value.")
        parameters[name] = _value(text)
    return parameters


def _value(text: str) -> object:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
