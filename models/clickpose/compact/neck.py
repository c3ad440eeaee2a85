"""A pyramid of pixel features from the backbone's, coarse context carried down to stride 4."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.clickpose.compact.backbone import CHANNELS

MEMORY, MIDDLE, FINE = 128, 96, 64
"""Channels at strides 16, 8 and 4."""


class Maps(NamedTuple):
    """What the decoder looks at.

    Attributes:
        memory: Context tokens at stride 16, [B, (H / 16) * (W / 16), 128].
        middle: [B, 96, H / 8, W / 8].
        fine: [B, 64, H / 4, W / 4].
    """

    memory: Tensor
    middle: Tensor
    fine: Tensor


class ConvBlock(nn.Module):
    """Filter per channel, mix channels, add.

    Args:
        channels: In and out.
        kernel: Of the depthwise filter.
    """

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__()
        self.filter = nn.Conv2d(
            channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.mix = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] in and out."""
        mixed: Tensor = self.mix(F.relu(self.widen(self.norm(self.filter(x)))))
        return x + mixed


class Attention(nn.Module):
    """Multi-head attention with shared width; keys may be other tokens.

    Args:
        width: Of the tokens.
        heads: Dividing it.
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.pair = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attend from [B, N, C] to [B, M, C]; keys carry positions, values do not."""
        weight, bias = self.pair.weight.chunk(2), self.pair.bias.chunk(2)
        q = self._split(self.query(x))
        k = self._split(F.linear(keys, weight[0], bias[0]))
        v = self._split(F.linear(values, weight[1], bias[1]))
        mixed = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)


class ContextLayer(nn.Module):
    """A pre-norm transformer layer among the cells at stride 16."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """[B, N, C] in and out; `places` [N, C] are added to queries and keys."""
        normed = self.first(x)
        placed = normed + places
        x = x + self.attention(placed, placed, normed)
        fed: Tensor = self.feed(self.second(x))
        return x + fed


def waves(points: Tensor, width: int) -> Tensor:
    """Sines and cosines of coordinates [..., 2] (a view is 0..1) as [..., width]."""
    octaves = width // 4
    rates = torch.pi * 2.0 ** torch.linspace(-1, 5, octaves, device=points.device)
    phases = (points[..., None] * rates).flatten(-2)
    return torch.cat([phases.sin(), phases.cos()], dim=-1)


def cell_centres(height: int, width: int, device: torch.device) -> Tensor:
    """Return the (x, y) of cells in 0..1, row by row, [height * width, 2]."""
    rows = (torch.arange(height, device=device) + 0.5) / height
    columns = (torch.arange(width, device=device) + 0.5) / width
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).flatten(0, 1)


class Neck(nn.Module):
    """Lateral connections, top-down sums, blocks; two attention layers at stride 16."""

    def __init__(self) -> None:
        super().__init__()
        c4, c8, c16, c32 = CHANNELS
        self.lateral32 = nn.Conv2d(c32, MEMORY, 1)
        self.lateral16 = nn.Conv2d(c16, MEMORY, 1)
        self.lateral8, self.down8 = nn.Conv2d(c8, MIDDLE, 1), nn.Conv2d(MEMORY, MIDDLE, 1)
        self.lateral4, self.down4 = nn.Conv2d(c4, FINE, 1), nn.Conv2d(MIDDLE, FINE, 1)
        self.blocks16 = ConvBlock(MEMORY)
        self.context = nn.ModuleList([ContextLayer(MEMORY) for _ in range(2)])
        self.blocks8 = nn.Sequential(ConvBlock(MIDDLE), ConvBlock(MIDDLE))
        self.blocks4 = nn.Sequential(ConvBlock(FINE), ConvBlock(FINE))

    def forward(self, x4: Tensor, x8: Tensor, x16: Tensor, x32: Tensor) -> Maps:
        """Turn backbone features into maps."""
        p16 = self.blocks16(self.lateral16(x16) + _doubled(self.lateral32(x32)))
        high, wide = p16.shape[-2:]
        places = waves(cell_centres(high, wide, p16.device), MEMORY).to(p16.dtype)
        memory = p16.flatten(2).transpose(1, 2)
        for layer in self.context:
            memory = layer(memory, places)
        p16 = torch.unflatten(memory.transpose(1, 2), 2, (high, wide))
        middle = self.blocks8(self.lateral8(x8) + _doubled(self.down8(p16)))
        fine = self.blocks4(self.lateral4(x4) + _doubled(self.down4(middle)))
        return Maps(memory, middle, fine)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
