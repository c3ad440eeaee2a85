"""`annotator weights`: list, import, download and verify."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from annotator.cli.console import out, print_table, progress_bar
from annotator.domain import AnnotatorError

if TYPE_CHECKING:
    from annotator.engine.manifest import WeightsSpec

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_all() -> None:
    """List the weights that plugins declare and where they are."""
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import list_weights
    from annotator.engine.weights_care import disk_use

    registry = PluginRegistry.discover()
    rows = [
        (r.spec.name, r.plugin, r.state, r.spec.licence, r.path or _source(r.spec))
        for r in list_weights(registry)
    ]
    print_table(("weights", "plugin", "state", "licence", "where"), rows)
    use = disk_use(registry)
    if use.total:
        out.print(f"In your data folder: {_mib(use.total)}, {_mib(use.partial)} of it unfinished.")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _source(spec: "WeightsSpec") -> str:
    """Say where a missing file comes from."""
    return f"{spec.checkpoint} {spec.homepage or spec.url}".strip()


@app.command("import")
def import_file(file: Path = typer.Argument(..., help="Checkpoint to import.")) -> None:
    """Recognise a checkpoint by its tensors and store it safely; no code in it runs."""
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import import_weights
    from annotator.engine.weights_care import in_words

    with progress_bar(f"Importing {file.name}") as progress:
        registry = PluginRegistry.discover()
        record = import_weights(file, registry, progress=progress)
    out.print(f"{file.name}: {in_words(record, registry)}.")
    out.print(f"It is {record.spec.name} of {record.plugin}; stored as {record.path}")
    out.print(f"Licence: {record.spec.licence or 'none stated'}")


@app.command()
def verify(name: str = typer.Argument("", help="Entry; all that are there by default.")) -> None:
    """Check files against their sha256, names and shapes."""
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import verify_weights

    with progress_bar("Verifying") as progress:
        verdicts = verify_weights(PluginRegistry.discover(), name, progress=progress)
    for verdict in verdicts:
        state = "ok" if verdict.good else "missing" if verdict.record.path is None else "BAD"
        out.print(f"{state:<8} {verdict.record.spec.name}: {verdict.message}")
    bad = [v for v in verdicts if not v.good and (v.record.path is not None or name)]
    if bad:
        names = ", ".join(verdict.record.spec.name for verdict in bad)
        raise AnnotatorError(f"Not good: {names}.", "Import or pull the weights again.")


@app.command()
def digest(file: Path = typer.Argument(..., help="File of weights.")) -> None:
    """Print the sha256 and size lines that a plugin's manifest states for a file."""
    from annotator.engine.weights import manifest_lines

    print(manifest_lines(file))


@app.command()
def pull(
    name: str = typer.Argument(..., help="Entry to download."),
    mirror: str = typer.Option("", help="Address of a folder to fetch the file from instead."),
    offline: bool = typer.Option(False, help="Only say whether it is there; download nothing."),
    yes: bool = typer.Option(False, "--yes", help="Agree to the licence without being asked."),
) -> None:
    """Download weights after showing their licence; an interrupted download resumes."""
    from annotator.engine.download import OFFLINE_VARIABLE
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import find_record, pull_weights
    from annotator.engine.weights_care import in_words

    registry = PluginRegistry.discover()
    if offline:
        os.environ[OFFLINE_VARIABLE] = "1"
    spec = find_record(registry, name).spec
    out.print(f"{name}, {_mib(spec.size)}. Licence: {spec.licence or 'none stated'}")
    if sys.stdin.isatty() and not yes and not offline:
        typer.confirm("Download it?", abort=True)
    with progress_bar(f"Downloading {name}") as progress:
        record = pull_weights(name, registry, mirror=mirror, progress=progress)
    out.print(f"{record.spec.name}: {in_words(record, registry)}; {record.path}")


@app.command()
def remove(name: str = typer.Argument(..., help="Entry whose file to delete.")) -> None:
    """Delete downloaded or imported weights, and what is left of a download."""
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights_care import remove_weights

    freed = remove_weights(name, PluginRegistry.discover())
    out.print(f"{name}: {_mib(freed)} freed." if freed else f"{name} was not there.")
