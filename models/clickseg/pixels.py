"""Photos as the networks' input."""

import torch
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(image: Tensor) -> Tensor:
    """Shift and scale [B, 3, H, W] in 0..1 by the statistics of ImageNet."""
    mean = torch.tensor(MEAN, dtype=image.dtype, device=image.device)[:, None, None]
    std = torch.tensor(STD, dtype=image.dtype, device=image.device)[:, None, None]
    return (image - mean) / std


def to_unit(rgb: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """[..., H, W, 3] uint8 -> [..., 3, H, W] in 0..1."""
    return rgb.movedim(-1, -3).to(dtype) / 255
