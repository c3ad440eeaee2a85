"""Between the AGILE3D network and the plugin API: clouds to voxels, clicks to queries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
    SceneEncoding,
    labels_from_logits,
    load_checkpoint,
    load_state,
    neighbour_pairs,
)

from .connected import keep_connected
from .voxels import Voxels, voxelise


@dataclass(frozen=True)
class EncodedCloud:
    """What a prediction needs.

    Attributes:
        scene: The network's features.
        voxels: Where they are.
        colours: [V, 3] float32 in 0..1.
    """

    scene: SceneEncoding
    voxels: Voxels
    colours: npt.NDArray[np.float32]

    @cached_property
    def pairs(self) -> npt.NDArray[np.int64]:
        """Voxels that touch; only looked for when connectivity is asked for."""
        return neighbour_pairs(self.voxels.coords)


@dataclass(frozen=True)
class Queries:
    """Clicks as the network takes them.

    Attributes:
        voxels: [n] clicked voxel.
        objects: [n] contiguous object number, 0 = background.
        ids: [1 + M] object id of each contiguous number.
    """

    voxels: npt.NDArray[np.int64]
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
        """Voxelise a cloud and run the backbone.

        Raises:
            AnnotatorError: If the cloud is empty or too large for its voxels.
            Cancelled: If `cancel` was set; looked at between the network's stages.
        """
        progress(0.0, "dividing into voxels")
        voxels = voxelise(asset, self._voxel_size, upright=self._upright, sparse=self._sparse)
        self._log.info("%d voxels of %.4f m", len(voxels.coords), voxels.size)

        def on_stage(fraction: float) -> None:
            if cancel:
                cancel.check()
            progress(0.05 + 0.95 * fraction, f"{len(voxels.coords):,} voxels")

        on_stage(0.0)
        colours = _colours(asset, voxels)
        scene = self._network.encode(
            self._tensor(voxels.coords),
            self._tensor(colours).to(self._dtype),
            self._tensor(voxels.scaled_xyz),
            on_stage,
        )
        return EncodedCloud(scene, voxels, colours)

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
        labels, confidence = self._label_voxels(encoding, queries)
        if cancel:
            cancel.check()
        inverse = encoding.voxels.inverse
        return Mask(queries.ids[labels][inverse], confidence[inverse])

    def close(self) -> None:
        """Let go of the network's memory on its device."""
        self._network.to("meta")

    def encoding_to_arrays(self, encoding: EncodedCloud) -> dict[str, npt.NDArray[Any]]:
        """Return features and voxels; what voxels and colours decide is computed again."""
        features = encoding.scene.features.float().cpu().numpy()
        return {
            "features": features,
            "colours": encoding.colours,
            **{k: np.asarray(v) for k, v in vars(encoding.voxels).items()},
        }

    @torch.inference_mode()
    def encoding_from_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> EncodedCloud:
        """Rebuild an encoding on this engine's device."""
        names = ("coords", "xyz", "low", "rows", "inverse", "turn")
        voxels = Voxels(float(arrays["size"]), **{name: arrays[name] for name in names})
        features = self._tensor(arrays["features"]).to(self._dtype)
        xyz, colours = self._tensor(voxels.scaled_xyz), self._tensor(arrays["colours"])
        surface = self._network.surface_of(
            self._tensor(voxels.coords), colours.to(self._dtype), xyz
        )
        return EncodedCloud(self._network.place(features, xyz, surface), voxels, arrays["colours"])

    def representatives(self, encoding: EncodedCloud) -> npt.NDArray[np.int64]:
        """Return the rows of the points that stand for the voxels."""
        return encoding.voxels.rows

    def _label_voxels(
        self, encoding: EncodedCloud, queries: Queries
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return contiguous labels [V] and their confidence [V]."""
        voxels, objects = self._tensor(queries.voxels), self._tensor(queries.objects)
        times = torch.arange(len(voxels), device=self._device)
        count = len(queries.ids) - 1
        logits = self._network.decode(encoding.scene, voxels, objects, times, count).float()
        chosen = labels_from_logits(logits, voxels, objects, times)
        probability = logits.softmax(dim=1).gather(1, chosen[:, None])[:, 0]
        probability[voxels] = 1.0
        labels = chosen.cpu().numpy()
        if self._keep_connected:
            labels = keep_connected(labels, encoding.pairs, queries.voxels)
        return labels, probability.cpu().numpy()

    def _tensor(self, array: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def _colours(cloud: PointCloud, voxels: Voxels) -> npt.NDArray[np.float32]:
    """Return [V, 3] colours in 0..1 of the representing points; black for a colourless scan."""
    if cloud.rgb is None:
        return np.zeros((len(voxels.rows), 3), np.float32)
    return cloud.rgb[voxels.rows].astype(np.float32) / np.float32(255)


def _queries(prompt: Prompt, voxels: Voxels) -> Queries:
    """Number the clicked objects 1..M and find each click's voxel, in order of time."""
    clicks = sorted(prompt.clicks, key=lambda click: click.order)
    objects = np.array([click.object_id for click in clicks], np.int32)
    ids = np.union1d(objects, np.zeros(1, np.int32))
    rows = np.array([_voxel_of(click, voxels) for click in clicks], np.int64)
    return Queries(rows, np.searchsorted(ids, objects), ids)


def _voxel_of(click: Click, voxels: Voxels) -> int:
    if click.index is None:
        offset = voxels.xyz - (np.asarray(click.position, np.float32) - voxels.low)
        return int(np.einsum("vd,vd->v", offset, offset).argmin())
    if not 0 <= click.index < len(voxels.inverse):
        raise AnnotatorError(
            f"Click {click.order} names point {click.index} of a scan with "
            f"{len(voxels.inverse)} points.",
            "The clicks belong to another scan or another thinning of it.",
        )
    return int(voxels.inverse[click.index])


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
