"""Between the AGILE3D network and the plugin API: clouds to voxels, clicks to queries."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open

from annotator.domain import (
    AnnotatorError,
    CancelToken,
    Click,
    Mask,
    PointCloud,
    Progress,
    Prompt,
    no_progress,
)
from annotator.engine.api import PluginContext
from models.agile3d import (
    COMPACT,
    OFFICIAL,
    Agile3D,
    Agile3DConfig,
    CheckpointError,
    load_checkpoint,
    load_state,
)
from models.agile3d.backbone import OnStage
from models.side_by_side import side_by_side

from .connected import keep_connected
from .views import (
    Cells,
    View,
    another_view,
    automatic_views,
    colours_of,
    view_to_arrays,
    voxels_from_arrays,
)
from .voxels import Voxels, voxelise

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EncodedCloud:
    """What a prediction needs.

    Attributes:
        views: The scan as it is, then its further views.
        cells: Groups of points that get one label.
    """

    views: tuple[View, ...]
    cells: Cells

    @classmethod
    def of(cls, views: Iterable[View]) -> "EncodedCloud":
        """Put the views of one scan together."""
        seen = tuple(views)
        return cls(seen, Cells.of([view.voxels for view in seen]))

    @property
    def voxels(self) -> Voxels:
        """The voxels of the first view."""
        return self.views[0].voxels


@dataclass(frozen=True)
class Queries:
    """Clicks as the network takes them.

    Attributes:
        points: [n] a point of each clicked voxel.
        objects: [n] contiguous object number, 0 = background.
        ids: [1 + M] object id of each contiguous number.
    """

    points: npt.NDArray[np.int64]
    objects: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int32]


class Agile3DEngine:
    """Segments point clouds by clicks; keeps nothing between calls."""

    def __init__(self, network: Agile3D, context: PluginContext) -> None:
        self._network = network
        self._device = torch.device(context.device)
        self._dtype = next(network.parameters()).dtype
        self._voxel_size = float(context.parameters.get("voxel_size", 0.0))
        self._upright = bool(context.parameters.get("upright", False))
        self._sparse = bool(context.parameters.get("sparse", False))
        self._views = int(context.parameters.get("views", 1))
        self._keep_connected = bool(context.parameters.get("keep_connected", False))
        self._log = context.logger

    @torch.inference_mode()
    def encode(
        self,
        asset: PointCloud,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> EncodedCloud:
        """Voxelise a cloud and run the backbone, once a view.

        Raises:
            AnnotatorError: If the cloud is empty or too large for its voxels.
            Cancelled: If `cancel` was set; looked at between the network's stages.
        """
        progress(0.0, "dividing into voxels")
        first = voxelise(asset, self._voxel_size, upright=self._upright, sparse=self._sparse)
        self._log.info("%d voxels of %.4f m", len(first.coords), first.size)
        views: list[View] = []
        wanted = self._views or automatic_views(len(first.coords))
        for number in range(wanted):
            voxels = another_view(asset, first, number) if number else first

            def on_stage(
                fraction: float, done: int = number, count: int = len(voxels.coords)
            ) -> None:
                if cancel:
                    cancel.check()
                progress(0.05 + 0.95 * (done + fraction) / wanted, f"{count:,} voxels")

            on_stage(0.0)
            views.append(self._encode_view(voxels, colours_of(asset, voxels), on_stage))
        return EncodedCloud.of(views)

    def _encode_view(self, voxels: Voxels, colours: Float32, on_stage: OnStage) -> View:
        scene = self._network.encode(
            self._tensor(voxels.coords),
            self._tensor(colours).to(self._dtype),
            self._tensor(voxels.scaled_xyz),
            on_stage,
        )
        return View(scene, voxels, colours)

    @torch.inference_mode()
    def predict(
        self, encoding: EncodedCloud, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Mask:
        """Label every point of the cloud by all clicks.

        Without any click on an object everything is background. The confidence is the
        softmax probability of the chosen label, 1 at clicked voxels.

        Raises:
            AnnotatorError: If a click names a point that the cloud does not have.
        """
        if cancel:
            cancel.check()
        queries = _queries(prompt, encoding.voxels)
        if len(queries.ids) == 1:
            return _all_background(len(encoding.voxels.inverse))
        labels, confidence = self._label_cells(encoding, queries, cancel)
        inverse = encoding.cells.inverse
        return Mask(queries.ids[labels][inverse], confidence[inverse])

    def close(self) -> None:
        """Let go of the network's memory on its device."""
        self._network.to("meta")

    def encoding_to_arrays(self, encoding: EncodedCloud) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of all views."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for number, view in enumerate(encoding.views):
            arrays |= view_to_arrays(view, number)
        return arrays

    @torch.inference_mode()
    def encoding_from_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> EncodedCloud:
        """Rebuild an encoding on this engine's device."""
        count = sum(name.startswith("features.") for name in arrays)
        return EncodedCloud.of(self._view_from_arrays(arrays, n) for n in range(count))

    def _view_from_arrays(self, arrays: Mapping[str, npt.NDArray[Any]], number: int) -> View:
        voxels, colours = voxels_from_arrays(arrays, number), arrays[f"colours.{number}"]
        features = self._tensor(arrays[f"features.{number}"]).to(self._dtype)
        xyz = self._tensor(voxels.scaled_xyz)
        surface = self._network.surface_of(
            self._tensor(voxels.coords), self._tensor(colours).to(self._dtype), xyz
        )
        return View(self._network.place(features, xyz, surface), voxels, colours)

    def representatives(self, encoding: EncodedCloud) -> npt.NDArray[np.int64]:
        """Return the rows of the points that stand for the voxels."""
        return encoding.voxels.rows

    def _label_cells(
        self, encoding: EncodedCloud, queries: Queries, cancel: CancelToken | None
    ) -> tuple[Int64, Float32]:
        """Return contiguous labels [C] of the cells and their confidence [C]."""
        cells = encoding.cells
        chance = self._chance(encoding, queries, cancel)
        labels = chance.argmax(dim=1).cpu().numpy()
        confidence = chance.amax(dim=1).cpu().numpy()
        clicked = _clicked(encoding.voxels, queries)[cells.voxels[0]]
        labels = np.where(clicked >= 0, clicked, labels)
        confidence[clicked >= 0] = 1.0
        if self._keep_connected:
            pairs, kept = encoding.views[0].pairs, cells.inverse[queries.points]
            labels = keep_connected(labels, cells.voxels[0], pairs, kept)
        return labels, confidence

    def _chance(
        self, encoding: EncodedCloud, queries: Queries, cancel: CancelToken | None
    ) -> torch.Tensor:
        """Return every label's probability in every cell, the mean of the views, [C, 1 + M]."""
        objects = self._tensor(queries.objects)
        times = torch.arange(len(objects), device=self._device)

        @torch.inference_mode()
        def by_view(view: View) -> torch.Tensor:
            if cancel:
                cancel.check()
            voxels = self._tensor(view.voxels.inverse[queries.points])
            logits = self._network.decode(view.scene, voxels, objects, times, len(queries.ids) - 1)
            return logits.float().softmax(dim=1)

        automatic = automatic_views(len(encoding.voxels.rows), len(objects))
        views = encoding.views[: self._views or automatic]
        total = torch.zeros((), device=self._device)
        found = side_by_side(by_view, views, self._device)
        for chance, cells in zip(found, encoding.cells.voxels, strict=False):
            total = total + chance[self._tensor(cells)]
        return total / len(views)

    def _tensor(self, array: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def _queries(prompt: Prompt, voxels: Voxels) -> Queries:
    """Number the clicked objects 1..M and find each click's point, in order of time."""
    clicks = sorted(prompt.clicks, key=lambda click: click.order)
    objects = np.array([click.object_id for click in clicks], np.int32)
    ids = np.union1d(objects, np.zeros(1, np.int32))
    points = np.array([_point_of(click, voxels) for click in clicks], np.int64)
    return Queries(points, np.searchsorted(ids, objects), ids)


def _point_of(click: Click, voxels: Voxels) -> int:
    if click.index is None:
        offset = voxels.xyz - (np.asarray(click.position, np.float32) - voxels.low)
        return int(voxels.rows[np.einsum("vd,vd->v", offset, offset).argmin()])
    if not 0 <= click.index < len(voxels.inverse):
        raise AnnotatorError(
            f"Click {click.order} names point {click.index} of a scan with "
            f"{len(voxels.inverse)} points.",
            "The clicks belong to another scan or another thinning of it.",
        )
    return click.index


def _clicked(voxels: Voxels, queries: Queries) -> Int64:
    """Return the object that each voxel was clicked as, [V]; -1 where it was not.

    Of several clicks on a voxel the last wins: numpy assigns in order.
    """
    objects = np.full(len(voxels.rows), -1, np.int64)
    objects[voxels.inverse[queries.points]] = queries.objects
    return objects


def _all_background(points: int) -> Mask:
    return Mask(np.zeros(points, np.int32), np.ones(points, np.float32))


def create(context: PluginContext) -> Agile3DEngine:
    """Build the variant's network and load its weights.

    Raises:
        AnnotatorError: If the weights are damaged or belong to another network.
    """
    path = next(iter(context.weights.values()))
    network = Agile3D(_config(path, OFFICIAL if context.variant == "official" else COMPACT))
    try:
        load_state(network, load_checkpoint(path))
    except CheckpointError as error:
        raise AnnotatorError(
            f"The weights of agile3d:{context.variant} cannot be used: {error}.",
            "Import or download them again; `annotator weights verify` checks them.",
        ) from error
    network.eval().requires_grad_(False)
    dtype = _dtype(context)
    network.to(device=context.device, dtype=dtype)
    network.pos_enc.float()  # 16 bits are too coarse for the phase of a sine
    return Agile3DEngine(network, context)


def _dtype(context: PluginContext) -> torch.dtype:
    """Return the precision to compute in; halves are slower than floats on a CPU."""
    if context.device == "cpu" and context.dtype != "float32":
        context.logger.warning("computing in float32: %s is slow on a CPU", context.dtype)
        return torch.float32
    dtype: torch.dtype = getattr(torch, context.dtype)
    return dtype


def _config(path: Path, default: Agile3DConfig) -> Agile3DConfig:
    """Return the sizes stored beside the weights, else the variant's usual ones."""
    if path.suffix != ".safetensors":
        return default
    try:
        with safe_open(str(path), framework="pt") as file:
            stored = (file.metadata() or {}).get("config")
        return Agile3DConfig.from_dict(json.loads(stored)) if stored else default
    except Exception as error:
        raise AnnotatorError(
            f"{path.name} is no readable safetensors file of AGILE3D: {error}.",
            "Import or download it again.",
        ) from error
