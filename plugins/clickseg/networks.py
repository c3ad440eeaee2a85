"""Which network a variant is made of."""

from pathlib import Path

import torch
from torch import Tensor

from models.checkpoint import CheckpointError
from models.clickseg.compact import (
    CompactCheckpointError,
    CompactClickNet,
    ImageFeatures,
    load_compact,
)
from models.clickseg.loading import load_ritm, load_simpleclick
from models.clickseg.predictor import ClickNetwork


def family_of(variant: str) -> str:
    """Return "ritm", "simpleclick" or "compact"."""
    return variant.partition("-")[0]


class Compact:
    """The embedded network, answering several prompts on the features of one photo."""

    def __init__(self, network: CompactClickNet) -> None:
        self._network = network.requires_grad_(False)

    def encode(self, image: Tensor) -> ImageFeatures:
        """[1, 3, H, W] in 0..1 -> features."""
        return self._network.encode(image)

    def predict(self, features: ImageFeatures, click_maps: Tensor, previous: Tensor) -> Tensor:
        """Features of one photo, [B, 2, H, W] and [B, 1, H, W] -> logits [B, 1, H, W]."""
        prompts = len(click_maps)
        shared = features.repeat(prompts) if prompts > 1 else features
        return self._network.predict(shared, click_maps, previous)


def load_network(variant: str, path: Path, device: str, dtype: torch.dtype) -> ClickNetwork:
    """Return a variant's network, ready to predict.

    Raises:
        CheckpointError: If the file is damaged or of another network.
    """
    family = family_of(variant)
    if family == "compact":
        try:
            return Compact(load_compact(path, device, dtype))
        except CompactCheckpointError as error:
            raise CheckpointError(str(error)) from error
    if family == "simpleclick":
        return load_simpleclick(path, device, dtype)
    return load_ritm(path, device, dtype)
