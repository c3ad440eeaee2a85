"""Layers of the transformer: post-norm, without dropout."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.clickpose.config import ClickPoseConfig
from models.clickpose.deformable import DeformableAttention, Shapes


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        sizes: Channels before, between and after the layers.
    """

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        pairs = itertools.pairwise(sizes)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., sizes[0]] to [..., sizes[-1]]."""
        *inner, last = self.layers
        for layer in inner:
            x = torch.relu(layer(x))
        out: Tensor = last(x)
        return out


class SelfAttention(nn.Module):
    """Multi-head attention with the parameter names of `nn.MultiheadAttention`."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * hidden, hidden))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * hidden))
        self.out_proj = nn.Linear(hidden, hidden)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, placed: Tensor, x: Tensor) -> Tensor:
        """Attend among the tokens of each row.

        Args:
            placed: Tokens with their position codes, [B, T, C].
            x: Tokens without, [B, T, C].
        """
        hidden = x.shape[-1]
        both = F.linear(placed, self.in_proj_weight[: 2 * hidden], self.in_proj_bias[: 2 * hidden])
        value = F.linear(x, self.in_proj_weight[2 * hidden :], self.in_proj_bias[2 * hidden :])
        query, key, value = (
            part.view(*part.shape[:2], self.heads, -1).transpose(1, 2)
            for part in (*both.chunk(2, dim=-1), value)
        )
        seen = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return out


def _cross(config: ClickPoseConfig) -> DeformableAttention:
    return DeformableAttention(config.hidden, config.heads, config.levels, config.points)


class EncoderLayer(nn.Module):
    """Deformable self-attention of the image's tokens, then feed-forward."""

    def __init__(self, config: ClickPoseConfig) -> None:
        super().__init__()
        self.self_attn = _cross(config)
        self.norm1 = nn.LayerNorm(config.hidden)
        self.linear1 = nn.Linear(config.hidden, config.feedforward)
        self.linear2 = nn.Linear(config.feedforward, config.hidden)
        self.norm2 = nn.LayerNorm(config.hidden)

    def forward(
        self, x: Tensor, positions: Tensor, reference: Tensor, shapes: Shapes, padding: Tensor
    ) -> Tensor:
        """Return the next tokens, [B, S, C].

        Args:
            x: Tokens, [B, S, C].
            positions: Their position codes, [B, S, C].
            reference: Their centres seen from every level, [B, S, L, 2].
            shapes: Sizes of the levels.
            padding: True outside the photo, [B, S].
        """
        values = self.self_attn.values(x, padding)
        x = self.norm1(x + self.self_attn(x + positions, reference, values, shapes))
        out: Tensor = self.norm2(x + self.linear2(torch.relu_(self.linear1(x))))
        return out


class DecoderLayer(nn.Module):
    """Self-attention of the queries, deformable attention to the image, feed-forward."""

    def __init__(self, config: ClickPoseConfig) -> None:
        super().__init__()
        self.cross_attn = _cross(config)
        self.norm1 = nn.LayerNorm(config.hidden)
        self.self_attn = SelfAttention(config.hidden, config.heads)
        self.norm2 = nn.LayerNorm(config.hidden)
        self.linear1 = nn.Linear(config.hidden, config.feedforward)
        self.linear2 = nn.Linear(config.feedforward, config.hidden)
        self.norm3 = nn.LayerNorm(config.hidden)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        reference: Tensor,
        values: Tensor,
        shapes: Shapes,
        group: int | None = None,
    ) -> Tensor:
        """Return the next queries, [B, Q, C].

        Args:
            x: Queries, [B, Q, C].
            positions: Their position codes, [B, Q, C].
            reference: Their boxes seen from every level, [B, Q, L, 4].
            values: From `cross_attn.values`.
            shapes: Sizes of the levels.
            group: Queries see only those of their own group of so many; all if None.
        """
        rows = (-1, group or x.shape[1], x.shape[2])
        seen = self.self_attn((x + positions).reshape(rows), x.reshape(rows)).view_as(x)
        x = self.norm2(x + seen)
        x = self.norm1(x + self.cross_attn(x + positions, reference, values, shapes))
        out: Tensor = self.norm3(x + self.linear2(torch.relu_(self.linear1(x))))
        return out
