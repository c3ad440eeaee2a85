"""Opening engines and clicks for headless commands: the same path as the window's."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator.cli.console import parse_parameters, progress_bar
from annotator.domain import AnnotatorError, Click, Mask, PointCloud, Prompt

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


def read_placed_clicks(path: Path, cloud: PointCloud) -> list[Click]:
    """Read a file of clicks made for this scan; every click gets its point.

    Raises:
        AnnotatorError: If the file is malformed or was made for another scan.
    """
    from annotator.formats import read_clicks

    return place_clicks(read_clicks(path, origin=cloud.origin), cloud, path)


def place_clicks(clicks: Sequence[Click], cloud: PointCloud, source: Path) -> list[Click]:
    """Give every click without a point the nearest point of the scan.

    Raises:
        AnnotatorError: If a click names a point that the scan does not have.
    """
    from scipy.spatial import cKDTree

    placed = []
    tree = None
    for number, click in enumerate(clicks):
        index = click.index
        if index is None:
            tree = tree or cKDTree(cloud.xyz)
            index = int(tree.query(np.asarray(click.position))[1])
        if not 0 <= index < len(cloud):
            raise AnnotatorError(
                f"Click {number} of {source.name} names point {index}, "
                f"but the scan has {len(cloud)} points.",
                "Was the file made for another scan?",
            )
        placed.append(replace(click, index=index))
    return placed
