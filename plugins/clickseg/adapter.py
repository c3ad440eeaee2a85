"""Between networks for click segmentation and the plugin API: photos, clicks, masks."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from annotator.domain import (
    AnnotatorError,
    CancelToken,
    Click,
    Image,
    Mask,
    Progress,
    Prompt,
    no_progress,
)
from annotator.engine.api import PluginContext
from models.checkpoint import CheckpointError
from models.clickseg.disks import PlacedClick
from models.clickseg.photo import Photo
from models.clickseg.predictor import ClickPredictor

from .networks import family_of, load_network
from .recipes import recipe_of

BATCH = {"cuda": 16}
"""Predictions in one forward pass by device type; elsewhere batches save no time."""


class ClickSegmentationEngine:
    """Segments one object of a photo by clicks inside (object 1) and outside (object 0)."""

    def __init__(self, predictor: ClickPredictor, threshold: float) -> None:
        self._predictor: ClickPredictor | None = predictor
        self.threshold = threshold

    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Photo:
        """Take a photo and compute what clicks do not change.

        Raises:
            Cancelled: If `cancel` was set.
        """
        if cancel:
            cancel.check()
        progress(0.0, "looking at the photo")
        return self._open.open(torch.from_numpy(np.ascontiguousarray(asset.rgb)))

    def predict(
        self, encoding: Photo, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Mask:
        """Segment by all clicks; without a click inside everything is outside.

        Raises:
            Cancelled: If `cancel` was set; looked at before every forward pass.
        """
        check = (cancel or CancelToken()).check
        check()
        clicks = _place(prompt, encoding)
        if not _speaks_of_object(clicks):
            return self._mask(encoding.start, prompt)
        return self._mask(self._open.predict(encoding, clicks, check), prompt)

    def predict_many(
        self, encoding: Photo, prompts: Sequence[Prompt], *, cancel: CancelToken | None = None
    ) -> list[Mask]:
        """Segment by several prompts, as many in one forward pass as the device likes.

        Raises:
            Cancelled: If `cancel` was set; looked at before every forward pass.
        """
        runs = [_place(prompt, encoding) for prompt in prompts]
        runs = [clicks if _speaks_of_object(clicks) else [] for clicks in runs]
        maps = self._open.predict_many(encoding, runs, (cancel or CancelToken()).check)
        return [self._mask(map_, prompt) for map_, prompt in zip(maps, prompts, strict=True)]

    def soft_probability(
        self, encoding: Photo, prompt: Prompt, position: torch.Tensor
    ) -> torch.Tensor:
        """Return the probability map on the graph of the newest click's position (x, y)."""
        # pixel centres: half a pixel from the corner for the application, whole for networks
        place = torch.stack([position[1], position[0]]) - 0.5
        return self._open.soft_probability(encoding, _place(prompt, encoding), place)

    def describe(self, asset: Image) -> npt.NDArray[np.float32]:
        """Return the network's deepest features of a photo, averaged over it.

        Raises:
            AnnotatorError: If the network has none without clicks.
        """
        vector = self._open.describe(torch.from_numpy(np.ascontiguousarray(asset.rgb)))
        if vector is None:
            raise AnnotatorError(
                "This network sees photos only together with clicks.", "Use clickseg:compact."
            )
        array: npt.NDArray[np.float32] = vector.cpu().numpy()
        return array

    def close(self) -> None:
        """Let go of the network and of everything remembered."""
        self._predictor = None

    @property
    def _open(self) -> ClickPredictor:
        if self._predictor is None:
            raise AnnotatorError("The engine is closed.", "Open it again.")
        return self._predictor

    def _mask(self, probability: torch.Tensor, prompt: Prompt) -> Mask:
        threshold = dict(prompt.thresholds).get(1, self.threshold)
        array: npt.NDArray[np.float32] = probability.float().cpu().numpy().copy()
        return Mask((array > np.float32(threshold)).astype(np.int32), probability=array)


def _place(prompt: Prompt, photo: Photo) -> list[PlacedClick]:
    """Return the clicks on whole pixels, as the published networks were trained with."""
    return [_placed(c, photo.size) for c in sorted(prompt.clicks, key=lambda c: c.order)]


def _placed(click: Click, size: tuple[int, int]) -> PlacedClick:
    x, y = click.position[:2]
    row = min(max(math.floor(y), 0), size[0] - 1)
    column = min(max(math.floor(x), 0), size[1] - 1)
    return PlacedClick(click.positive and click.object_id > 0, float(row), float(column))


def _speaks_of_object(clicks: Sequence[PlacedClick]) -> bool:
    return any(click.inside for click in clicks)


def create(context: PluginContext) -> ClickSegmentationEngine:
    """Build the variant's network and load its weights.

    Raises:
        AnnotatorError: If the weights or a parameter cannot be used.
    """
    recipe = recipe_of(family_of(context.variant), context.parameters)
    dtype = _dtype(context)
    path = next(iter(context.weights.values()))
    try:
        network = load_network(context.variant, path, context.device, dtype)
    except CheckpointError as error:
        raise AnnotatorError(
            f"The weights of clickseg:{context.variant} cannot be used: {error}.",
            "Import them again; `annotator weights verify` checks them.",
        ) from error
    batch = BATCH.get(context.device.partition(":")[0], 1)
    predictor = ClickPredictor(network, recipe, context.device, dtype, batch)
    return ClickSegmentationEngine(predictor, float(context.parameters["threshold"]))


def _dtype(context: PluginContext) -> torch.dtype:
    """Return the precision to compute in; halves are slower than floats on a CPU."""
    if context.device == "cpu" and context.dtype != "float32":
        context.logger.warning("computing in float32: %s is slow on a CPU", context.dtype)
        return torch.float32
    dtype: torch.dtype = getattr(torch, context.dtype)
    return dtype
