"""Which network a variant is made of."""

from pathlib import Path

import torch

from models.clickseg.loading import load_ritm, load_simpleclick
from models.clickseg.predictor import ClickNetwork


def family_of(variant: str) -> str:
    """Return "ritm", "simpleclick" or "compact"."""
    return variant.partition("-")[0]


def load_network(variant: str, path: Path, device: str, dtype: torch.dtype) -> ClickNetwork:
    """Return a variant's network, ready to predict.

    Raises:
        CheckpointError: If the file is damaged or of another network.
    """
    family = family_of(variant)
    if family == "simpleclick":
        return load_simpleclick(path, device, dtype)
    return load_ritm(path, device, dtype)
