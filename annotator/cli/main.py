"""The `annotator` command: one table of groups; each group's code loads when it is used."""

import os
import sys
from importlib import import_module
from pathlib import Path

import typer

from annotator import __version__
from annotator.cli.console import guarded

COMMANDS: dict[str, tuple[str, str]] = {
    "gui": ("annotator.cli.gui:gui", "Open the window."),
    "segment": ("annotator.cli.segment:segment", "Segment a scan or photos from clicks."),
    "animate": ("annotator.cli.animate:animate", "Let a region of a photo move."),
    "pose": ("annotator.cli.pose:pose", "Find the people of photos and their joints."),
    "demo": ("annotator.cli.demo:demo", "Segment the bundled sample and write pictures."),
    "export": ("annotator.cli.export:export", "Write a project's labels to files."),
    "import": ("annotator.cli.importing:import_annotations", "Bring annotations into a project."),
    "convert": (
        "annotator.cli.convert:convert",
        "Convert labelled scans and annotations of photos.",
    ),
    "replay": ("annotator.cli.project:replay", "List or re-run what was done in a project."),
    "compare": ("annotator.cli.compare:compare", "Compare engines on finished work."),
    "stats": ("annotator.cli.project:stats", "Report clicks and time per object of a project."),
    "worker": ("annotator.cli.worker:worker", "Lend this machine's engines to other machines."),
    "doctor": ("annotator.cli.doctor:doctor", "Check the environment; one page to send in."),
}
GROUPS: dict[str, tuple[str, str]] = {
    "benchmark": ("annotator.cli.benchmark:app", "Measure engines with simulated clicks."),
    "robustness": ("annotator.cli.robustness:app", "Measure how much the place of clicks matters."),
    "plugins": ("annotator.cli.plugins:app", "List and check plugins."),
    "weights": ("annotator.cli.weights:app", "List, import, download and verify weights."),
}


def load(target: str) -> object:
    """Import `module:name`."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


def build_app() -> typer.Typer:
    """Build the command tree."""
    app = typer.Typer(
        name="annotator",
        help="Click-based annotation of 3D scans: window, headless runs, swappable networks.",
        no_args_is_help=False,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name, (target, help_text) in COMMANDS.items():
        app.command(name, help=help_text)(load(target))  # type: ignore[type-var]
    for name, (target, help_text) in GROUPS.items():
        app.add_typer(load(target), name=name, help=help_text)  # type: ignore[arg-type]
    app.callback(invoke_without_command=True)(_root)
    return app


def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
    verbose: bool = typer.Option(False, "--verbose", help="Show tracebacks of errors."),
    threads: int = typer.Option(0, help="Processor threads for networks; 0 chooses."),
) -> None:
    """Click-based annotation of 3D scans: window, headless runs, swappable networks."""
    if version:
        print(f"annotator {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def with_default_command(arguments: list[str]) -> list[str]:
    """Open the window for `annotator` alone and for `annotator FILE`."""
    known = {*COMMANDS, *GROUPS}
    if not arguments:
        return ["gui"]
    first = arguments[0]
    if first not in known and not first.startswith("-") and Path(first).exists():
        return ["gui", *arguments]
    return arguments


def take_threads(arguments: list[str]) -> list[str]:
    """Note `--threads N`, which every command understands, and return the other arguments."""
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--threads":
            rest = arguments[place + 1 :]
            if not value and rest:
                value, rest = rest[0], rest[1:]
            os.environ["ANNOTATOR_THREADS"] = value or "?"
            return arguments[:place] + rest
    return arguments


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    arguments = take_threads(arguments)
    verbose = "--verbose" in arguments
    arguments = with_default_command([a for a in arguments if a != "--verbose"])
    command = typer.main.get_command(build_app())
    return guarded(lambda: command(args=arguments, prog_name="annotator"), verbose=verbose)


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main(sys.argv[1:]))
