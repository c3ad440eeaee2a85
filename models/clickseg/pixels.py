"""Photos as the networks' input."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

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


def resample(picture: Tensor, size: Sequence[int], corners: bool) -> Tensor:
    """Resize pictures or maps bilinearly.

    Args:
        picture: [B, C, H, W].
        size: Height and width wanted.
        corners: Whether the centres of corner pixels stay where they are, without averaging
            where pictures shrink, as RITM does; else the edges do, with averaging.
    """
    if tuple(picture.shape[-2:]) == tuple(size):
        return picture
    return F.interpolate(
        picture, list(size), mode="bilinear", align_corners=corners, antialias=not corners
    )
