"""From photos to the network's input: resize, normalise, pad."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
SHORT, LONG = 800, 1333


def input_size(width: int, height: int, short: int = SHORT, long: int = LONG) -> tuple[int, int]:
    """Size of the network's input for a photo, rounded as the official code does.

    Args:
        width: Of the photo, pixels.
        height: Of the photo, pixels.
        short: Length of the shorter side, pixels.
        long: What the longer side may not exceed, pixels; the shorter one then shrinks.

    Returns:
        (width, height).
    """
    low, high = min(width, height), max(width, height)
    if high / low * short > long:
        short = round(long * low / high)
    if low == short:
        return width, height
    if width < height:
        return short, int(short * height / width)
    return int(short * width / height), short


def resized(photo: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Resize [H, W, 3] bilinearly, averaging where it shrinks, as Pillow does."""
    if photo.shape[:2] == (height, width):
        return photo
    image = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None]
    image = F.interpolate(image, (height, width), mode="bilinear", antialias=True)
    return np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())


def normalised(photo: NDArray[np.uint8]) -> Tensor:
    """RGB bytes [H, W, 3] as the network's input [3, H, W]."""
    image = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1).float() / 255
    return (image - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def batched(images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Pad normalised images [3, H, W] at the right and bottom.

    Returns:
        [B, 3, H, W] with zeros, and the padding, True outside the photos, [B, H, W].
    """
    high = max(i.shape[1] for i in images)
    wide = max(i.shape[2] for i in images)
    batch = images[0].new_zeros(len(images), 3, high, wide)
    padding = torch.ones(len(images), high, wide, dtype=torch.bool, device=batch.device)
    for row, image in enumerate(images):
        batch[row, :, : image.shape[1], : image.shape[2]] = image
        padding[row, : image.shape[1], : image.shape[2]] = False
    return batch, padding
