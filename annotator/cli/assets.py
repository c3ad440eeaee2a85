"""What is annotated of an asset's file, and its labels, for headless commands."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator.cli.engines import open_for, predict_mask, read_photo, read_scan
from annotator.domain import Image, Mask, PointCloud, Prompt, WorkingImage, WorkingSet, thin
from annotator.domain.cloud import Int32

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine
    from annotator.project import AssetState, Project


@dataclass(frozen=True)
class WorkingAsset:
    """The working points of a scan or the working copy of a photo.

    Attributes:
        working: Either of them.
    """

    working: WorkingSet | WorkingImage

    @classmethod
    def of(cls, state: "AssetState") -> "WorkingAsset":
        """Read an asset's file and reduce it as the project says."""
        if state.kind == "image":
            return cls(WorkingImage.of(read_photo(state.path), int(state.working_spacing)))
        return cls(thin(read_scan(state.path), state.working_spacing))

    @property
    def seen(self) -> PointCloud | Image:
        """What the engine sees."""
        if isinstance(self.working, WorkingImage):
            return self.working.image
        return self.working.cloud

    @property
    def shape(self) -> tuple[int, ...]:
        """Of labels: [W] working points or [h, w] pixels."""
        if isinstance(self.working, WorkingImage):
            return self.working.shape
        return (len(self.working.cloud),)

    def engine_prompt(self, prompt: Prompt) -> Prompt:
        """Return a document's prompt as the engine sees it."""
        if isinstance(self.working, WorkingImage):
            return self.working.to_working(prompt)
        return prompt


def is_told(state: "AssetState") -> bool:
    """Say whether there is anything that an engine could predict a mask from."""
    return bool(state.clicks or state.boxes)


class Engines:
    """Opens the engine of each asset, the same one only once."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._opened: dict[tuple[str, str], OpenEngine] = {}

    def of(self, state: "AssetState") -> "OpenEngine":
        """Return the engine that was chosen for an asset, or the default one."""
        parameters = [f"{name}={value}" for name, value in state.parameters.items()]
        key = (state.engine_ref or state.kind, repr(sorted(parameters)))
        if key not in self._opened:
            self._opened[key] = open_for(
                state.kind, state.engine_ref or None, self._device, parameters
            )
        return self._opened[key]


def labels_shown(
    project: "Project", state: "AssetState", asset: WorkingAsset, engines: Engines
) -> Int32:
    """Return the labels that the window shows; predict them if the project stored none.

    Returns:
        [W] or [h, w] ids of the working points.
    """
    stored = project.stored_result(state.asset_id)
    if stored is None and is_told(state):
        stored = predicted(state, asset, engines)
    labels = project.labels_of(state.asset_id, stored)
    if labels is None:
        return np.zeros(asset.shape, np.int32)
    return labels.reshape(asset.shape)


def predicted(state: "AssetState", asset: WorkingAsset, engines: Engines) -> Mask:
    """Predict the mask of an asset's prompt."""
    engine = engines.of(state)
    encoding = engine.encode(asset.seen)
    return predict_mask(engine, encoding, asset.engine_prompt(state.prompt()))[0]
