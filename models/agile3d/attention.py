"""Attention layers of the click decoder: post-norm, without dropout, one scene at a time."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW_KEYS = 24
"""Up to this many keys, torch's fused attention is slower on a CPU than two plain products."""


BLOCK = 2048
"""Rows that pass a whole cross attention at once on a CPU: what lies between its steps then
stays in the processor's cache. At 53,000 voxels and ten clicks that saves a quarter."""


class Attention(nn.Module):
    """Multi-head attention with the parameter names of `nn.MultiheadAttention`.

    The projections are separate calls, so that those that depend on the scene alone
    can be made once and kept.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.channels = channels
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def _project(self, x: Tensor, part: int) -> Tensor:
        rows = slice(part * self.channels, (part + 1) * self.channels)
        return F.linear(x, self.in_proj_weight[rows], self.in_proj_bias[rows])

    def queries(self, x: Tensor) -> Tensor:
        """Project [L, C] to queries [L, C]."""
        return self._project(x, 0)

    def keys(self, x: Tensor) -> Tensor:
        """Project [S, C] to keys [S, C]."""
        return self._project(x, 1)

    def values(self, x: Tensor) -> Tensor:
        """Project [S, C] to values [S, C]."""
        return self._project(x, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None = None) -> Tensor:
        """Attend with projected queries, keys and values.

        Args:
            q: Projected queries [L, C].
            k: Projected keys [S, C].
            v: Projected values [S, C].
            visible: Which key each query sees, [L, S] bool; None: all.

        Returns:
            [L, C], projected out.
        """
        few = visible is None and len(k) <= FEW_KEYS < len(q) and q.device.type == "cpu"
        mixed = self._mix_few(q, k, v) if few else self._mix(q, k, v, visible)
        out: Tensor = self.out_proj(mixed)
        return out

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None) -> Tensor:
        """Return the attended values [L, C]."""
        mixed = F.scaled_dot_product_attention(
            self._split(q)[None], self._split(k)[None], self._split(v)[None], attn_mask=visible
        )
        return mixed[0].transpose(0, 1).reshape(len(q), self.channels)

    def _mix_few(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Do the same for many queries and few keys, with the queries along the fast axis."""
        k = k * (self.channels // self.heads) ** -0.5
        scores = torch.bmm(self._split(k), q.t().view(self.heads, -1, len(q)))
        mixed = torch.bmm(self._split(v).transpose(1, 2), scores.softmax(dim=1))
        return mixed.view(self.channels, len(q)).t()

    def _split(self, x: Tensor) -> Tensor:
        """[L, C] -> [heads, L, C / heads]."""
        return x.view(len(x), self.heads, -1).transpose(0, 1)


class CrossAttention(nn.Module):
    """Attention from one set to another, then add and norm."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.multihead_attn = Attention(channels, heads)
        self.norm = nn.LayerNorm(channels)

    def forward(
        self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None = None
    ) -> Tensor:
        """Return LN(x + attention) for projected q, k, v; see `Attention.forward`."""
        if x.device.type != "cpu" or torch.is_grad_enabled() or len(x) <= BLOCK:
            return self._attend(x, q, k, v, visible)
        result = torch.empty_like(x)
        for start in range(0, len(x), BLOCK):
            rows = slice(start, start + BLOCK)
            seen = None if visible is None else visible[rows]
            result[rows] = self._attend(x[rows], q[rows], k, v, seen)
        return result

    def _attend(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None) -> Tensor:
        out: Tensor = self.norm(x + self.multihead_attn(q, k, v, visible))
        return out


class SelfAttention(nn.Module):
    """Attention within a set, positions added to queries and keys, then add and norm."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(channels, heads)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Return LN(x + attention) for [Q, C] and the position codes [Q, C]."""
        attn, placed = self.self_attn, x + positions
        out: Tensor = self.norm(x + attn(attn.queries(placed), attn.keys(placed), attn.values(x)))
        return out


class FeedForward(nn.Module):
    """Linear, ReLU, linear, then add and norm."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, width)
        self.linear2 = nn.Linear(width, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return LN(x + W2 relu(W1 x)) for [Q, C]."""
        out: Tensor = self.norm(x + self.linear2(torch.relu(self.linear1(x))))
        return out
