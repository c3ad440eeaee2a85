"""Opening engines and clicks for headless commands: the same path as the window's."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.cli.console import parse_parameters, progress_bar
from annotator.domain import AnnotatorError, Image, Mask, PointCloud, Prompt

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine

DEFAULT_ENGINE = "agile3d"
DEFAULT_ENGINES = {"cloud": DEFAULT_ENGINE, "image": "clickseg"}
"""The engine for each kind of asset, if none is named."""

_ENGINE_KINDS = {"cloud": "scene", "image": "image"}
_PLURALS = {"cloud": "scans", "image": "photos"}


def open_engine(
    reference: str, device: str, parameters: Sequence[str], prompt: Prompt | None = None
) -> "OpenEngine":
    """Load the engine that `plugin[:variant]` names.

    Raises:
        AnnotatorError: If there is no such plugin, it cannot be loaded, or does not
            understand the prompt.
    """
    from annotator.engine.registry import PluginRegistry

    registry = PluginRegistry.discover()
    values = parse_parameters(parameters)
    return registry.open(reference, device=device, parameters=values, prompt=prompt)


def serves(engine: "OpenEngine", kind: str) -> bool:
    """Say whether an engine annotates assets of a kind, "cloud" or "image"."""
    return engine.manifest.kind == _ENGINE_KINDS[kind]


def open_for(
    kind: str,
    reference: str | None,
    device: str,
    parameters: Sequence[str],
    prompt: Prompt | None = None,
) -> "OpenEngine":
    """Load the named engine, or the default one, for assets of a kind.

    Raises:
        AnnotatorError: If it cannot be loaded or is for something else.
    """
    opened = open_engine(reference or DEFAULT_ENGINES[kind], device, parameters, prompt)
    if not serves(opened, kind):
        raise AnnotatorError(
            f"{opened.ref} is an engine for another kind of asset, not for {_PLURALS[kind]}.",
            "`annotator plugins list` shows what each engine is for.",
        )
    return opened


def predict_mask(engine: "OpenEngine", encoding: object, prompt: Prompt) -> tuple[Mask, float]:
    """Predict the mask of a scan or photo; return it and the seconds it took.

    Raises:
        AnnotatorError: If the engine is for something else.
    """
    started = time.perf_counter()
    result = engine.predict(encoding, prompt)
    if not isinstance(result, Mask):
        raise AnnotatorError(f"{engine.ref} does not make masks.", "Choose another engine.")
    return result, time.perf_counter() - started


def read_scan(path: Path) -> PointCloud:
    """Read a scan with a progress bar."""
    from annotator.formats import read_cloud

    with progress_bar(f"Reading {path.name}") as progress:
        return read_cloud(path, progress=progress)


def read_photo(path: Path) -> Image:
    """Read a photo with a progress bar."""
    from annotator.formats import read_image

    with progress_bar(f"Reading {path.name}") as progress:
        return read_image(path, progress=progress)
