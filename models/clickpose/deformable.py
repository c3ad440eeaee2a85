"""Multi-scale deformable attention without a compiled operator (Zhu et al., ICLR 2021, eq. 3).

Every query looks at a few points of every feature map. Bilinear sampling, weighting and summing
are one weighted sum of value rows, so `torch.nn.functional.embedding_bag` does all three in
one pass over the values as they lie in memory.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Shapes = tuple[tuple[int, int], ...]
"""(height, width) of each feature map, largest first."""

CHUNK = 1 << 19
"""Value rows looked up at a time; more do not fit a processor's cache."""


def sample_levels(values: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """Sum bilinear samples of several feature maps.

    Args:
        values: [B, S, H, D]: S tokens of all maps in the order of `shapes`, H heads.
        shapes: The maps' sizes.
        locations: (x, y) in 0..1 of each map, [B, Q, H, L, P, 2]; outside it is zero.
        weights: [B, Q, H, L, P].

    Returns:
        [B, Q, H * D].
    """
    batch, queries, heads = locations.shape[:3]
    table = values.reshape(-1, values.shape[-1])
    step = max(1, CHUNK // (4 * batch * math.prod(weights.shape[2:])))
    parts = []
    for start in range(0, queries, step):
        rows, shares = _corners(
            values.shape[1], shapes, *(t[:, start : start + step] for t in (locations, weights))
        )
        summed = F.embedding_bag(rows, table, mode="sum", per_sample_weights=shares.to(table.dtype))
        parts.append(summed.reshape(batch, -1, heads * values.shape[-1]))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _corners(
    tokens: int, shapes: Shapes, locations: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Rows of the value table around every location, and the share of each.

    Returns:
        Rows [B * Q * H, 4 * L * P] and shares of the same shape; 0 outside the map.
    """
    batch, _, heads = locations.shape[:3]
    device = locations.device
    high, wide = (
        torch.tensor(side, dtype=torch.int32, device=device)[:, None]
        for side in zip(*shapes, strict=True)
    )
    first = torch.tensor(
        [0, *(h * w for h, w in shapes[:-1])], dtype=torch.int32, device=device
    ).cumsum(0)[:, None]
    place = torch.arange(batch, dtype=torch.int32, device=device).view(-1, 1, 1, 1, 1) * (
        tokens * heads
    )
    place = (
        place
        + torch.arange(heads, dtype=torch.int32, device=device).view(1, 1, -1, 1, 1)
        + first * heads
    )
    x, y = locations[..., 0] * wide - 0.5, locations[..., 1] * high - 0.5
    left, top = x.floor(), y.floor()
    columns = _side(left, x - left, wide)
    lines = [
        (row * (wide * heads) + place, share * weights) for row, share in _side(top, y - top, high)
    ]
    rows = torch.stack([line + col * heads for line, _ in lines for col, _ in columns], -1)
    shares = torch.stack([line * col for _, line in lines for _, col in columns], -1)
    shape = (-1, 4 * math.prod(weights.shape[3:]))
    return rows.reshape(shape), shares.reshape(shape)


def _side(low: Tensor, fraction: Tensor, size: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The two cells around a coordinate, inside the map, and their shares."""
    # Beyond one cell outside there is nothing to see, and far values would overflow integers.
    cell = low.clamp(min=-2).minimum(size.to(low.dtype)).int()
    out = []
    for index, share in ((cell, 1 - fraction), (cell + 1, fraction)):
        inside = (index >= 0) & (index < size)
        out.append((index.clamp(min=0).minimum(size - 1), share * inside))
    return out


def sample_by_grid(values: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """Do what `sample_levels` does by `grid_sample`, map by map; slower, the reference for it."""
    batch, queries, heads, _, points = weights.shape
    maps = torch.split(values, [h * w for h, w in shapes], dim=1)
    grids = (2 * locations - 1).transpose(1, 2).flatten(0, 1)
    sampled = []
    for level, (high, wide) in enumerate(shapes):
        image = maps[level].permute(0, 2, 3, 1).reshape(batch * heads, -1, high, wide)
        sampled.append(F.grid_sample(image, grids[:, :, level], align_corners=False))
    stacked = torch.stack(sampled, dim=-2).flatten(-2)
    share = weights.transpose(1, 2).reshape(batch * heads, 1, queries, len(shapes) * points)
    return (stacked * share).sum(-1).view(batch, -1, queries).transpose(1, 2)


class DeformableAttention(nn.Module):
    """Attention to learned offsets around reference points or boxes.

    Args:
        hidden: Channels of queries and tokens.
        heads: Heads.
        levels: Feature maps.
        points: Sampling points per head and map.
    """

    def __init__(self, hidden: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(hidden, heads * levels * points * 2)
        self.attention_weights = nn.Linear(hidden, heads * levels * points)
        self.value_proj = nn.Linear(hidden, hidden)
        self.output_proj = nn.Linear(hidden, hidden)
        self._initialise()

    def _initialise(self) -> None:
        """Let each head look in one direction, each point one pixel further."""
        for linear in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
        for linear in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        way = torch.stack([angle.cos(), angle.sin()], dim=-1)
        way = (way / way.abs().amax(-1, keepdim=True)).view(-1, 1, 1, 2)
        steps = torch.arange(1, self.points + 1).view(1, 1, -1, 1)
        with torch.no_grad():
            offsets = (way * steps).expand(-1, self.levels, -1, -1)
            self.sampling_offsets.bias.copy_(offsets.flatten())

    def values(self, memory: Tensor, padding: Tensor | None) -> Tensor:
        """Project tokens [B, S, C]; the same for all queries, so worth keeping.

        Returns:
            [B, S, heads, C / heads], zero where `padding` [B, S] is True.
        """
        out: Tensor = self.value_proj(memory)
        if padding is not None:
            out = out.masked_fill(padding[..., None], 0.0)
        return out.view(*out.shape[:2], self.heads, -1)

    def forward(self, query: Tensor, reference: Tensor, values: Tensor, shapes: Shapes) -> Tensor:
        """Attend.

        Args:
            query: [B, Q, C].
            reference: Points (x, y) or boxes (cx, cy, w, h) of each level, [B, Q, L, 2 or 4].
            values: From `values`.
            shapes: The maps' sizes.

        Returns:
            [B, Q, C].
        """
        split = (self.heads, self.levels, self.points)
        offsets = torch.unflatten(self.sampling_offsets(query), -1, (*split, 2))
        weights = self.attention_weights(query).unflatten(-1, (self.heads, -1)).softmax(-1)
        if reference.shape[-1] == 2:
            scale = 1 / reference.new_tensor([(w, h) for h, w in shapes])[:, None]
        else:
            scale = reference[:, :, None, :, None, 2:] * (0.5 / self.points)
        locations = reference[:, :, None, :, None, :2] + offsets * scale
        sampled = sample_levels(values, shapes, locations, weights.unflatten(-1, split[1:]))
        out: Tensor = self.output_proj(sampled)
        return out
