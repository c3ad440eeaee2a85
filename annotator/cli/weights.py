"""`annotator weights`: list, import, download and verify."""

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

    rows = [
        (r.spec.name, r.plugin, r.state, r.spec.licence, r.path or _source(r.spec))
        for r in list_weights(PluginRegistry.discover())
    ]
    print_table(("weights", "plugin", "state", "licence", "where"), rows)


def _source(spec: "WeightsSpec") -> str:
    """Say where a missing file comes from."""
    return f"{spec.checkpoint} {spec.homepage or spec.url}".strip()


@app.command("import")
def import_file(file: Path = typer.Argument(..., help="Checkpoint to import.")) -> None:
    """Recognise a checkpoint by its tensors and store it safely; no code in it runs."""
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import import_weights

    with progress_bar(f"Importing {file.name}") as progress:
        record = import_weights(file, PluginRegistry.discover(), progress=progress)
    out.print(f"{file.name} is {record.spec.name} of {record.plugin}; stored as {record.path}")


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
def pull(name: str = typer.Argument(..., help="Entry to download.")) -> None:
    """Download weights; an interrupted download resumes."""
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import pull_weights

    with progress_bar(f"Downloading {name}") as progress:
        record = pull_weights(name, PluginRegistry.discover(), progress=progress)
    out.print(f"{record.spec.name}: {record.path}")
