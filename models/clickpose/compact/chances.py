"""Maps of log-probabilities: averaged with the mirror image's, smoothed, and their peaks."""

import torch
from torch import Tensor
from torch.nn import functional as F

_SPREAD = 1.0
"""Of the smoothing, cells: the place likeliest to be about right beats the likeliest cell."""
_REACH = 3


def agreed(logits: Tensor, mirrored: Tensor, mirror: Tensor) -> Tensor:
    """Return log-probabilities on which a view and its mirror image agree.

    Args:
        logits: Of the view, [B, K, H, W].
        mirrored: Of the mirrored view, [B, K, H, W].
        mirror: The joint each one becomes in a mirror, [K].

    Returns:
        [B, K, H, W], float32.
    """
    high, wide = logits.shape[-2:]
    back = mirrored.flip(3)[:, mirror]
    both = [x.float().flatten(2).log_softmax(-1) for x in (logits, back)]
    chance = ((both[0] + both[1]) / 2).softmax(-1)
    return (_smoothed(torch.unflatten(chance, -1, (high, wide))) + 1e-12).log()


def _smoothed(chance: Tensor) -> Tensor:
    steps = torch.arange(-_REACH, _REACH + 1, device=chance.device, dtype=chance.dtype)
    bump = torch.exp(-0.5 * (steps / _SPREAD) ** 2)
    bump = bump / bump.sum()
    flat = chance.flatten(0, 1)[:, None]
    flat = F.conv2d(flat, bump[None, None, :, None], padding=(_REACH, 0))
    flat = F.conv2d(flat, bump[None, None, None, :], padding=(0, _REACH))
    return torch.unflatten(flat[:, 0], 0, chance.shape[:2])


def peaks(maps: Tensor, count: int) -> Tensor:
    """The highest local maxima of maps [B, K, H, W], found between cells, [B, K, count, 2]."""
    high, wide = maps.shape[-2:]
    top = F.max_pool2d(maps, 5, 1, 2)
    values = torch.where(maps == top, maps, maps.new_tensor(-1e3)).flatten(2)
    cells = values.topk(count, dim=-1).indices
    row, column = cells // wide, cells % wide
    steps = torch.arange(-1, 2, device=maps.device)
    rows = (row[..., None] + steps).clamp(0, high - 1)
    columns = (column[..., None] + steps).clamp(0, wide - 1)
    near = (rows[..., :, None] * wide + columns[..., None, :]).flatten(-2)
    values = maps.flatten(2)[:, :, None].expand(*near.shape[:3], -1).gather(-1, near)
    share = values.softmax(-1)
    x = (share * (near % wide + 0.5)).sum(-1) / wide
    y = (share * (near // wide + 0.5)).sum(-1) / high
    return torch.stack([x, y], dim=-1)
