"""Joints as tokens: each looks for its place in the view, and at the others.

Every joint is a token. A layer lets the joints look at each other and at the view, then gives
each one a map of log-probabilities over the cells at stride 4,

    L_j(x) = <w_j, f(x)> - n_j log(1 + q_j(x) / n_j),   q_j(x) = ((x - m_j) / s_j)^2 / 2,

the photo's evidence and what the other joints tell, with w, m and s from the token. The best
cell is where the next layer looks.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.clickpose.compact.neck import (
    FINE,
    MEMORY,
    MIDDLE,
    Attention,
    Maps,
    cell_centres,
    waves,
)

LAYERS = 3


class Answer(NamedTuple):
    """What a layer says.

    Attributes:
        logits: Over cells at stride 4, [B, K, H, W].
        expected: Where the other joints let a joint be expected, [B, K, 2].
    """

    logits: Tensor
    expected: Tensor


class JointLayer(nn.Module):
    """Joints look at each other, then at the view (pre-norm)."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(MEMORY) for _ in range(3)])
        self.among, self.across = Attention(MEMORY), Attention(MEMORY)
        self.feed = nn.Sequential(
            nn.Linear(MEMORY, 3 * MEMORY), nn.ReLU(), nn.Linear(3 * MEMORY, MEMORY)
        )

    def forward(self, tokens: Tensor, memory: Tensor, keys: Tensor) -> Tensor:
        """Tokens [B, K, C] in and out; memory and keys [B, M, C]."""
        normed = self.norms[0](tokens)
        tokens = tokens + self.among(normed, normed, normed)
        tokens = tokens + self.across(self.norms[1](tokens), keys, memory)
        fed: Tensor = self.feed(self.norms[2](tokens))
        return tokens + fed


class JointDecoder(nn.Module):
    """Finds the joints of the person in a view.

    Args:
        joints: Of the skeleton, K.
    """

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.names = nn.Parameter(torch.randn(joints, MEMORY) * 0.5)
        self.place = nn.Sequential(nn.Linear(MEMORY, MEMORY), nn.ReLU(), nn.Linear(MEMORY, MEMORY))
        self.look = nn.Linear(MIDDLE + FINE, MEMORY)
        self.layers = nn.ModuleList([JointLayer() for _ in range(LAYERS)])
        self.outs = nn.ModuleList([nn.LayerNorm(MEMORY) for _ in range(LAYERS)])
        self.seek = nn.ModuleList([nn.Linear(MEMORY, FINE) for _ in range(LAYERS)])
        expected = [nn.Linear(MEMORY, 4) for _ in range(LAYERS)]
        self.expect = nn.ModuleList(expected)
        self.tails = nn.Parameter(torch.full((LAYERS, joints), 1.0))
        for expect in expected:
            nn.init.normal_(expect.weight, std=0.01)
            expect.bias.data = torch.tensor([0.5, 0.5, -1.0, -1.0])

    def forward(self, maps: Maps) -> list[Answer]:
        """Return every layer's answer, the last one is the best."""
        side = round(maps.memory.shape[1] ** 0.5)
        cells = waves(cell_centres(side, side, maps.memory.device), MEMORY)
        keys = maps.memory + cells.to(maps.memory.dtype)
        tokens = self.names.expand(len(keys), -1, -1)
        answers: list[Answer] = []
        for index, layer in enumerate(self.layers):
            if answers:
                tokens = tokens + self._glance(maps, peak(answers[-1].logits.detach()))
            tokens = layer(tokens, maps.memory, keys)
            answers.append(self._answer(index, tokens, maps))
        return answers

    def _glance(self, maps: Maps, places: Tensor) -> Tensor:
        """Where a joint is and what the photo shows there, [B, K, C]."""
        grid = (2 * places - 1)[:, :, None]
        seen = [
            F.grid_sample(m, grid, align_corners=False)[..., 0] for m in (maps.middle, maps.fine)
        ]
        looked = self.look(torch.cat(seen, dim=1).transpose(1, 2))
        placed: Tensor = self.place(waves(places, MEMORY)) + looked
        return placed

    def _answer(self, index: int, tokens: Tensor, maps: Maps) -> Answer:
        tokens = self.outs[index](tokens)
        high, wide = maps.fine.shape[-2:]
        shown = torch.matmul(self.seek[index](tokens), maps.fine.flatten(2)) * FINE**-0.5
        where = self.expect[index](tokens)
        expected, spread = where[..., :2], F.softplus(where[..., 2:]) + 0.02
        x = (torch.arange(wide, device=tokens.device) + 0.5) / wide
        y = (torch.arange(high, device=tokens.device) + 0.5) / high
        across = ((x - expected[..., :1]) / spread[..., :1]).square()
        down = ((y - expected[..., 1:]) / spread[..., 1:]).square()
        tails = F.softplus(self.tails[index])[:, None, None] + 0.1
        away = (down[..., :, None] + across[..., None, :]) / (2 * tails)
        logits = torch.unflatten(shown, -1, (high, wide)) - tails * torch.log1p(away)
        return Answer(logits, expected)


def peak(logits: Tensor) -> Tensor:
    """Return where maps [..., H, W] are highest, the centre of mass around it, 0..1, [..., 2]."""
    high, wide = logits.shape[-2:]
    best = logits.flatten(-2).argmax(-1)
    row, column = best // wide, best % wide
    steps = torch.arange(-1, 2, device=logits.device)
    rows = (row[..., None] + steps).clamp(0, high - 1)
    columns = (column[..., None] + steps).clamp(0, wide - 1)
    cells = (rows[..., :, None] * wide + columns[..., None, :]).flatten(-2)
    near = logits.flatten(-2).gather(-1, cells).softmax(-1)
    x = (near * (cells % wide + 0.5)).sum(-1) / wide
    y = (near * (cells // wide + 0.5)).sum(-1) / high
    return torch.stack([x, y], dim=-1)
