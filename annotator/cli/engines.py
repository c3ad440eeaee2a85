"""Opening engines and clicks for headless commands: the same path as the window's."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.cli.console import parse_parameters, progress_bar
from annotator.domain import AnnotatorError, Mask, PointCloud, Prompt

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine

DEFAULT_ENGINE = "agile3d"


def open_engine(reference: str, device: str, parameters: Sequence[str]) -> "OpenEngine":
    """Load the engine that `plugin[:variant]` names.

    Raises:
        AnnotatorError: If there is no such plugin, or it cannot be loaded.
    """
    from annotator.engine.registry import PluginRegistry

    registry = PluginRegistry.discover()
    return registry.open(reference, device=device, parameters=parse_parameters(parameters))


def predict_mask(engine: "OpenEngine", encoding: object, prompt: Prompt) -> tuple[Mask, float]:
    """Predict the mask of a scan; return it and the seconds it took.

    Raises:
        AnnotatorError: If the engine is for something else than scans.
    """
    started = time.perf_counter()
    result = engine.predict(encoding, prompt)
    if not isinstance(result, Mask):
        raise AnnotatorError(f"{engine.ref} does not segment scans.", "Choose a scene engine.")
    return result, time.perf_counter() - started


def read_scan(path: Path) -> PointCloud:
    """Read a scan with a progress bar."""
    from annotator.formats import read_cloud

    with progress_bar(f"Reading {path.name}") as progress:
        return read_cloud(path, progress=progress)
