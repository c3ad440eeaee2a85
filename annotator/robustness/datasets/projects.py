"""The user's own projects: finished annotations as ground truth, with the clicks that were made."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from annotator.domain import (
    BACKGROUND,
    AnnotatorError,
    Image,
    PointCloud,
    Prompt,
    WorkingImage,
    thin,
)
from annotator.formats import read_cloud, read_image
from annotator.project import AssetState, Project
from annotator.project.composing import Labels
from annotator.robustness.datasets.base import (
    Dataset,
    Sample,
    Source,
    fingerprint_of,
    make_dataset,
)

SUFFIX = ".annotator"
_KINDS = {"image": "image", "cloud": "scene"}


@dataclass(frozen=True, eq=False)
class _Finished:
    """One finished asset: what stands in the project, and what is annotated of its file."""

    project: Path
    state: AssetState
    labels: Labels

    @property
    def name(self) -> str:
        return f"{self.project.stem}/{self.state.path.name}"

    @property
    def object_ids(self) -> list[int]:
        present = set(np.unique(self.labels).tolist())
        return [i for i in self.state.objects if i in present]


def project_files(path: Path) -> list[Path]:
    """Return the projects of a folder, sorted; a project stands for itself."""
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    return sorted(p for p in path.glob(f"*{SUFFIX}") if p.is_file())


def projects_dataset(path: Path, kind: str = "") -> Dataset:
    """Return the finished objects of the photos, or of the scans, of one or several projects.

    Args:
        path: A project, or a folder of projects.
        kind: "image" or "scene"; empty for whatever the projects have, if it is one kind.

    Raises:
        AnnotatorError: If nothing in them is finished, or both kinds are and none is chosen.
    """
    notes: list[str] = []
    finished = [item for file in project_files(path) for item in _finished(file, notes)]
    kinds = sorted({_KINDS[item.state.kind] for item in finished})
    if not kind and len(kinds) > 1:
        raise AnnotatorError(
            f"{path.name} has finished photos and finished scans.",
            "Choose with --kind image or --kind scene.",
        )
    chosen = kind or (kinds[0] if kinds else "image")
    mine = [item for item in finished if _KINDS[item.state.kind] == chosen]
    sources = [
        Source(f"{item.name}#{i}", item.name, partial(_load, item.project, item.state.asset_id, i))
        for item in mine
        for i in item.object_ids
    ]
    prints = fingerprint_of(_print(item) for item in mine)
    return make_dataset(f"finished work in {path.name}", chosen, sources, prints, notes)


def _finished(file: Path, notes: list[str]) -> Iterator[_Finished]:
    """Give the assets whose labels stand; note in words which ones do not."""
    with Project.open(file, read_only=True) as project:
        for state in project.document.assets.values():
            if state.kind not in _KINDS or not state.objects:
                continue
            try:
                yield _Finished(file, state, _labels(project, state))
            except AnnotatorError as error:
                notes.append(f"Left out: {error.message}")


def _labels(project: Project, state: AssetState) -> Labels:
    """Return the labels that stand; those of an older prompt would not be what was finished."""
    told = bool(state.clicks or state.boxes)
    labels = project.labels_of(state.asset_id)
    if labels is None or (told and project.stored_result(state.asset_id) is None):
        raise AnnotatorError(
            f"{state.path.name} of {project.path.name} has no stored result of its last click; "
            "open it in the window once."
        )
    return labels


def _print(item: _Finished) -> list[object]:
    clicks = [[list(c.position), c.object_id, c.positive] for c in item.state.clicks]
    boxes = [[b.object_id, b.x0, b.y0, b.x1, b.y1] for b in item.state.boxes.values()]
    labels = fingerprint_of([item.labels.shape, item.labels.tobytes().hex()])
    return [item.name, item.state.content_hash, labels, clicks, boxes]


def _load(file: Path, asset_id: int, object_id: int) -> Sample:
    with Project.open(file, read_only=True) as project:
        state = project.document.assets[asset_id]
        labels = _labels(project, state)
    name = f"{file.stem}/{state.path.name}#{object_id}"
    asset, told = _seen(state)
    shape = asset.rgb.shape[:2] if isinstance(asset, Image) else (len(asset),)
    if labels.size != int(np.prod(shape)):
        raise AnnotatorError(
            f"{state.path.name} has changed since it was annotated.", "Its labels fit no longer."
        )
    truth = (labels.reshape(shape) == object_id).astype(np.int8)
    return Sample(name, asset, truth, tuple(growing(told, object_id)))


def _seen(state: AssetState) -> tuple[Image | PointCloud, Prompt]:
    """Return what an engine sees of an asset, and the prompt in the same frame."""
    if state.kind == "image":
        working = WorkingImage.of(read_image(state.path), int(state.working_spacing))
        return working.image, working.to_working(state.prompt())
    return thin(read_cloud(state.path), state.working_spacing).cloud, state.prompt()


def growing(prompt: Prompt, object_id: int) -> Iterator[Prompt]:
    """Give what was said of one object by clicks alone, one click more each.

    Clicks on the background say "outside" of every object; clicks on other objects are
    left out, as they may have been made for other reasons.
    """
    own = [c for c in prompt.clicks if c.object_id in (object_id, BACKGROUND)]
    renamed = [
        replace(c, object_id=int(c.object_id == object_id and c.positive), positive=True, order=i)
        for i, c in enumerate(sorted(own, key=lambda c: c.order))
    ]
    first = next((i for i, c in enumerate(renamed) if c.object_id), len(renamed))
    for count in range(first + 1, len(renamed) + 1):
        yield Prompt(tuple(renamed[:count]), (1,))
