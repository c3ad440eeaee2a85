"""Position codes, reference points and box proposals of the transformer."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

EDGE = 1e-3
"""Distance from 0 and 1 within which coordinates have no logit of their own."""

IMAGE_TEMPERATURE = 20.0
QUERY_TEMPERATURE = 10000.0


def inverse_sigmoid(x: Tensor) -> Tensor:
    """Logit of coordinates in 0..1, those nearer than `EDGE` to either end moved to it."""
    x = x.clamp(0, 1)
    return torch.log(x.clamp(min=EDGE) / (1 - x).clamp(min=EDGE))


def _sines(x: Tensor, features: int, temperature: float) -> Tensor:
    """Interleaved sines and cosines of angles [...]: [..., features]."""
    index = torch.arange(features // 2, dtype=x.dtype, device=x.device)
    angles = x[..., None] / temperature ** (2 * index / features)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def image_positions(padding: Tensor, channels: int) -> Tensor:
    """Sine code of every pixel of a feature map (DETR, with DINO's temperature).

    Args:
        padding: True outside the photo, [B, H, W].
        channels: Channels of the code, half for y, then half for x.

    Returns:
        [B, channels, H, W].
    """
    inside = (~padding).float()
    codes = []
    for axis in (1, 2):
        count = inside.cumsum(axis)
        last = count.select(axis, -1).unsqueeze(axis)
        angle = count / (last + 1e-6) * (2 * math.pi)
        codes.append(_sines(angle, channels // 2, IMAGE_TEMPERATURE))
    return torch.cat(codes, dim=-1).permute(0, 3, 1, 2)


def query_positions(reference: Tensor, channels: int) -> Tensor:
    """Sine code of points or boxes, in the order y, x, w, h (DAB-DETR).

    Args:
        reference: (x, y) or (cx, cy, w, h) in 0..1, [..., 2 or 4].
        channels: Channels of each coordinate.

    Returns:
        [..., 2 or 4 times channels].
    """
    order = [1, 0, 2, 3][: reference.shape[-1]]
    return _sines(reference[..., order] * (2 * math.pi), channels, QUERY_TEMPERATURE).flatten(-2)


def resized_padding(padding: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest-neighbour reduction of a padding mask [B, H, W] to `size`."""
    return F.interpolate(padding[None].float(), size=size)[0].bool()


def valid_ratio(padding: Tensor) -> Tensor:
    """Share of a map that is photo, as (w, h), [B, 2], from a padding mask [B, H, W]."""
    inside = ~padding
    wide = inside[:, 0, :].sum(1) / padding.shape[2]
    high = inside[:, :, 0].sum(1) / padding.shape[1]
    return torch.stack([wide, high], dim=-1).float()


def pixel_centres(shapes: tuple[tuple[int, int], ...], ratios: Tensor) -> Tensor:
    """Centre of every token relative to the photo, as seen from every level.

    Args:
        shapes: (height, width) of each level.
        ratios: Valid ratios (w, h), [B, L, 2].

    Returns:
        (x, y), [B, S, L, 2].
    """
    centres = [_grid(h, w, ratios.device) / ratios[:, i, None] for i, (h, w) in enumerate(shapes)]
    return torch.cat(centres, dim=1)[:, :, None] * ratios[:, None]


def _grid(height: int, width: int, device: torch.device) -> Tensor:
    """Centres (x, y) of the cells of a map in 0..1, [1, height * width, 2]."""
    y, x = torch.meshgrid(
        (torch.arange(height, device=device) + 0.5) / height,
        (torch.arange(width, device=device) + 0.5) / width,
        indexing="ij",
    )
    return torch.stack([x, y], dim=-1).reshape(1, -1, 2)


def box_proposals(shapes: tuple[tuple[int, int], ...], padding: Tensor, ratios: Tensor) -> Tensor:
    """One square box around every token, as logits (two-stage Deformable DETR).

    Args:
        shapes: (height, width) of each level.
        padding: True outside the photo, [B, S].
        ratios: Valid ratios (w, h), [B, L, 2].

    Returns:
        Logits of (cx, cy, w, h), [B, S, 4]; infinite where the box is in the padding or
        touches the border.
    """
    boxes = []
    for level, (height, width) in enumerate(shapes):
        size = ratios.new_tensor([width, height])
        # Whole pixels again, or rounding would leak into every proposal.
        valid = (ratios[:, level, None] * size).round() / size
        centres = _grid(height, width, ratios.device) / valid
        side = torch.full_like(centres, 0.05 * 2.0**level)
        boxes.append(torch.cat([centres, side], dim=-1))
    proposals = torch.cat(boxes, dim=1)
    usable = ((proposals > 0.01) & (proposals < 0.99)).all(-1) & ~padding
    logits = torch.log(proposals / (1 - proposals))
    return logits.masked_fill(~usable[..., None], float("inf"))
