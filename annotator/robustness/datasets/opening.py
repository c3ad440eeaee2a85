"""What a path holds, and the dataset that it is."""

from collections.abc import Callable
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.robustness.datasets.base import Dataset
from annotator.robustness.datasets.people import is_keypoints, people_dataset
from annotator.robustness.datasets.photos import (
    has_coloured_masks,
    masks_dataset,
    tetris_dataset,
)
from annotator.robustness.datasets.projects import project_files, projects_dataset
from annotator.robustness.datasets.scans import scans_dataset

LAYOUTS: dict[str, Callable[[Path], Dataset]] = {
    "masks": masks_dataset,
    "tetris": tetris_dataset,
    "scans": scans_dataset,
    "people": people_dataset,
    "projects": projects_dataset,
}
"""By the name that `--layout` knows."""

_MASK_FOLDERS = ("images", "data_GT", "img")


def open_dataset(path: Path, layout: str = "auto", kind: str = "") -> Dataset:
    """Find the samples of a folder or file.

    Args:
        path: Folder of photos with masks, of scans or of projects; a project, a scan, or a
            file of COCO keypoints.
        layout: A name of `LAYOUTS`, or "auto" to look.
        kind: For projects with photos and scans: which of them.

    Raises:
        AnnotatorError: If there is nothing, or it is not what the layout says.
    """
    if not path.exists():
        raise AnnotatorError(f"There is no {path}.", "Check the path of the dataset.")
    if layout != "auto" and layout not in LAYOUTS:
        raise AnnotatorError(f"There is no layout {layout!r}.", f"Known: {', '.join(LAYOUTS)}.")
    chosen = _look(path) if layout == "auto" else layout
    if chosen == "projects":
        return projects_dataset(path, kind)
    if chosen == "people" and path.is_dir():
        return people_dataset(_only_keypoints(path))
    return LAYOUTS[chosen](path)


def _look(path: Path) -> str:
    if project_files(path):
        return "projects"
    if path.suffix.lower() == ".json":
        return "people"
    if path.is_file():
        return "scans"
    if has_coloured_masks(path):
        return "tetris"
    if any((path / name).is_dir() for name in _MASK_FOLDERS):
        return "masks"
    if any(path.glob("*.json")) and not any(path.glob("*.npz")):
        return "people"
    return _scans_or_nothing(path)


def _scans_or_nothing(path: Path) -> str:
    try:
        scans_dataset(path)
    except AnnotatorError as error:
        raise AnnotatorError(
            f"Nothing to test was found in {path}: {error.message}",
            "It must hold images/ with masks/, img/ with gt/, data_GT/ with boundary_GT/, "
            "labelled scans, COCO keypoints or projects.",
        ) from error
    return "scans"


def _only_keypoints(folder: Path) -> Path:
    found = [path for path in sorted(folder.glob("*.json")) if is_keypoints(path)]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise AnnotatorError(
            f"{folder.name} must hold one file of COCO keypoints to be used as a whole.",
            f"Found: {names}. Name the file instead.",
        )
    return found[0]
