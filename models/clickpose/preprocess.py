"""From photos to the network's input: resize, normalise, pad."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
SHORT, LONG = 800, 1333

_BITS = 22


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
    """Resize bytes [H, W, 3] bilinearly, averaging where it shrinks, bit by bit as Pillow does."""
    across = _resampled(photo.transpose(1, 0, 2), width).transpose(1, 0, 2)
    return np.ascontiguousarray(_resampled(across, height))


def _resampled(rows: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Resample the first axis with Pillow's triangle filter in fixed point."""
    have = len(rows)
    if have == count:
        return rows
    scale = have / count
    reach = max(scale, 1.0)
    centre = (np.arange(count) + 0.5) * scale
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + reach + 0.5).astype(np.int64), have)
    index = first[:, None] + np.arange((end - first).max())
    share = np.maximum(1 - np.abs(index - centre[:, None] + 0.5) / reach, 0)
    share = np.where(index < end[:, None], share, 0)
    share /= share.sum(1, keepdims=True)
    fixed = (share * (1 << _BITS) + 0.5).astype(np.int32)
    total = np.full((count, *rows.shape[1:]), 1 << (_BITS - 1), np.int32)
    for tap in range(index.shape[1]):
        taken = rows[np.minimum(index[:, tap], have - 1)].astype(np.int32)
        total += taken * fixed[:, tap, None, None]
    out: NDArray[np.uint8] = np.clip(total >> _BITS, 0, 255).astype(np.uint8)
    return out


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
