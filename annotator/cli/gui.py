"""`annotator gui`: open the window."""

import os
import sys
from importlib import import_module
from pathlib import Path

import typer

from annotator.domain import AnnotatorError


def gui(
    file: Path | None = typer.Argument(None, help="Scan or project to open."),
    renderer: str = typer.Option("auto", help="auto, software or opengl."),
    project: Path | None = typer.Option(None, help="Project file to open or create."),
    sample: bool = typer.Option(False, "--sample", help="Open the bundled sample scan."),
    screenshot: Path | None = typer.Option(
        None, help="Write a picture of the window at work and quit; works without a display."
    ),
    clicks: Path | None = typer.Option(None, help="For a screenshot: clicks (JSON) to place."),
    theme: str = typer.Option("light", help="For a screenshot: light or dark."),
) -> None:
    """Open the window, on a scan, a project or the bundled sample."""
    if renderer not in {"auto", "software", "opengl"}:
        raise AnnotatorError(f"There is no renderer {renderer!r}.", "Use auto, software or opengl.")
    if sample:
        from annotator.samples import SAMPLE_CLICKS, SAMPLE_ROOM

        file, clicks = SAMPLE_ROOM, clicks or SAMPLE_CLICKS
    if screenshot is not None:
        raise typer.Exit(_take_screenshot(file, screenshot, clicks, renderer, theme))
    if not has_display():
        raise AnnotatorError(
            "There is no display to open a window on.",
            "Run `annotator demo` or `annotator segment` here, or set DISPLAY.",
        )
    # Imported by name: the command line and the window are siblings that do not know
    # each other, and Qt must not load for the other commands.
    app = import_module("annotator.ui.window.app")
    raise typer.Exit(app.run_app(file, renderer=renderer, project=project))


def _take_screenshot(
    file: Path | None, target: Path, clicks: Path | None, renderer: str, theme: str
) -> int:
    if file is None or theme not in {"light", "dark"}:
        raise AnnotatorError(
            "A screenshot needs a scan, and a theme that is light or dark.",
            "For example: annotator gui --sample --screenshot window.png",
        )
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    module = import_module("annotator.ui.window.screenshot")
    drawn_by = "software" if renderer == "auto" else renderer
    return int(module.take_screenshot(file, target, clicks=clicks, renderer=drawn_by, theme=theme))


def has_display() -> bool:
    """Whether Qt can open a window, or was told by QT_QPA_PLATFORM how to do without."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
