"""What all benchmarks share: where results go and how figures are shown."""

from collections.abc import Mapping
from pathlib import Path

from annotator.cli.console import print_table


def result_files(folder: Path, reference: str) -> tuple[Path, Path]:
    """Make the folder and return the JSON and the CSV file of an engine `plugin[:variant]`."""
    folder.mkdir(parents=True, exist_ok=True)
    name = reference.replace(":", "-")
    return folder / f"{name}.json", folder / f"{name}.csv"


def print_figures(figures: Mapping[str, Mapping[str, float]]) -> None:
    """Print a row for each figure and a column for each plugin, which fits any terminal."""
    names = list(next(iter(figures.values()), {}))
    rows = [(name, *(f"{values[name]:.3f}" for values in figures.values())) for name in names]
    print_table(("figure", *figures), rows)
