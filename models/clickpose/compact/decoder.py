"""Joints as tokens: where the fixed ones are, what the photo shows there, where the rest must be.

Every joint is a token. A layer lets the joints look at each other and at the view, then gives
each one a map of log-probabilities over the cells at stride 4,

    L_j(x) = <w_j, f(x)> - n_j log(1 + q_j(x) / n_j),   q_j(x) = ((x - m_j) / s_j)^2 / 2,

the photo's evidence and what the other joints tell, with w, m and s from the token. The best
cell is where the next layer looks. A correction runs only this; the view's features stay.
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
UNKNOWN, GUESSED, FIXED = 0, 1, 2


class JointPrompt(NamedTuple):
    """What is said about the joints of a person.

    Attributes:
        places: (x, y), a view is 0..1, [B, P, K, 2]; ignored where unknown.
        states: UNKNOWN, GUESSED or FIXED, [B, P, K], int64.
    """

    places: Tensor
    states: Tensor


class Answer(NamedTuple):
    """What a layer says.

    Attributes:
        logits: Over cells at stride 4, [B, P, K, H, W].
        expected: Where the other joints let a joint be expected, [B, P, K, 2].
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

    def forward(self, tokens: Tensor, memory: Tensor, keys: Tensor, prompts: int) -> Tensor:
        """Tokens [B * P, K, C]; memory and keys [B, M, C]."""
        normed = self.norms[0](tokens)
        tokens = tokens + self.among(normed, normed, normed)
        looking = self.norms[1](tokens).unflatten(0, (-1, prompts)).flatten(1, 2)
        seen = self.across(looking, keys, memory)
        tokens = tokens + seen.unflatten(1, (prompts, -1)).flatten(0, 1)
        fed: Tensor = self.feed(self.norms[2](tokens))
        return tokens + fed


class JointDecoder(nn.Module):
    """Answers prompts about the joints of one person in a view.

    Args:
        joints: Of the skeleton, K.
    """

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.names = nn.Parameter(torch.randn(joints, MEMORY) * 0.5)
        self.states = nn.Parameter(torch.randn(3, MEMORY) * 0.2)
        self.place = nn.Sequential(nn.Linear(MEMORY, MEMORY), nn.ReLU(), nn.Linear(MEMORY, MEMORY))
        self.look = nn.Linear(MIDDLE + FINE, MEMORY)
        self.layers = nn.ModuleList([JointLayer() for _ in range(LAYERS)])
        self.outs = nn.ModuleList([nn.LayerNorm(MEMORY) for _ in range(LAYERS)])
        self.seek = nn.ModuleList([nn.Linear(MEMORY, FINE) for _ in range(LAYERS)])
        self.expect = nn.ModuleList([nn.Linear(MEMORY, 4) for _ in range(LAYERS)])
        self.tails = nn.Parameter(torch.full((LAYERS, joints), 1.0))
        for expect in self.expect:
            nn.init.normal_(expect.weight, std=0.01)
            expect.bias.data = torch.tensor([0.5, 0.5, -1.0, -1.0])

    def forward(self, maps: Maps, prompt: JointPrompt) -> list[Answer]:
        """Return every layer's answer, the last one is the best."""
        prompts = prompt.states.shape[1]
        places, states = prompt.places.flatten(0, 1), prompt.states.flatten(0, 1)
        fixed, said = (states == FIXED)[..., None], (states != UNKNOWN)[..., None]
        high, wide = maps.fine.shape[-2:]
        keys = maps.memory + self._cells(maps)
        tokens = self.names + self.states[states]
        tokens = tokens + said * self._glance(maps, places, prompts)
        answers = []
        for index, layer in enumerate(self.layers):
            tokens = layer(tokens, maps.memory, keys, prompts)
            answer = self._answer(index, tokens, maps, prompts)
            answers.append(answer)
            if index + 1 < LAYERS:
                best = peak(answer.logits.detach()).flatten(0, 1)
                places = torch.where(fixed, places, best)
                tokens = tokens + self._glance(maps, places, prompts)
        return answers

    def _cells(self, maps: Maps) -> Tensor:
        side = round(maps.memory.shape[1] ** 0.5)
        return waves(cell_centres(side, side, maps.memory.device), MEMORY)

    def _glance(self, maps: Maps, places: Tensor, prompts: int) -> Tensor:
        """Where a joint is and what the photo shows there, [B * P, K, C]."""
        grid = (2 * places - 1).unflatten(0, (-1, prompts)).flatten(1, 2)[:, :, None]
        seen = [
            F.grid_sample(m, grid, align_corners=False)[..., 0] for m in (maps.middle, maps.fine)
        ]
        joined = torch.cat(seen, dim=1).transpose(1, 2)
        looked = self.look(joined).unflatten(1, (prompts, -1)).flatten(0, 1)
        placed: Tensor = self.place(waves(places, MEMORY)) + looked
        return placed

    def _answer(self, index: int, tokens: Tensor, maps: Maps, prompts: int) -> Answer:
        tokens = self.outs[index](tokens)
        high, wide = maps.fine.shape[-2:]
        sought = self.seek[index](tokens).unflatten(0, (-1, prompts))
        flat = maps.fine.flatten(2)
        shown = torch.matmul(sought.flatten(1, 2), flat) * FINE**-0.5
        where = self.expect[index](tokens)
        expected, spread = where[..., :2], F.softplus(where[..., 2:]) + 0.02
        x = (torch.arange(wide, device=tokens.device) + 0.5) / wide
        y = (torch.arange(high, device=tokens.device) + 0.5) / high
        across = ((x - expected[..., :1]) / spread[..., :1]).square()
        down = ((y - expected[..., 1:]) / spread[..., 1:]).square()
        tails = F.softplus(self.tails[index])[:, None, None] + 0.1
        away = (down[..., :, None] + across[..., None, :]) / (2 * tails)
        shown = shown.unflatten(1, (prompts, -1)).unflatten(-1, (high, wide))
        logits = shown - (tails * torch.log1p(away)).unflatten(0, (-1, prompts))
        return Answer(logits, expected.unflatten(0, (-1, prompts)))


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
