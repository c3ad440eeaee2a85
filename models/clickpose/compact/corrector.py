"""Which of the candidate places of every joint fit together, given those that are fixed.

A joint has a few candidates: peaks of its own map and of the map of its mirrored joint, and the
guess that was told. Their scores are settled by mean-field steps over all pairs of joints,

    s_jm = u_jm + sum_i sum_n q_in psi_ji(x_jm - x_in),   q = softmax_n(s),

with learned u (what the photo shows there) and psi (how likely a joint is at that offset from
another, a table; one for joints that are fixed, one for the rest): pictorial structures
(Felzenszwalb and Huttenlocher, IJCV 2005) with learned potentials. A fixed joint has one
candidate. One that was fixed where its mirrored joint was thought to be says that sides are
swapped: that, too, is told to the other joints. A correction runs only this.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.clickpose.compact.chances import peaks
from models.clickpose.compact.neck import FINE, MIDDLE, Maps, cell_centres
from models.clickpose.compact.prompt import FIXED, UNKNOWN, JointPrompt

OWN, MIRRORED, EXPECTED = 5, 2, 3
"""Candidates of a joint: its map's peaks, its mirrored joint's; where fixed ones expect it."""
STEPS = 3
TABLE = 17
"""Cells of a table of offsets along x and along y."""
_HIDDEN, _FLOOR = 64, -12.0
_FAR = -1e4


class Candidates(NamedTuple):
    """Candidate places of every joint, before anything is said of it.

    Attributes:
        places: (x, y), a view is 0..1, [B, K, N, 2].
        own: Log-probability of the joint's map there, [B, K, N].
        other: Of the mirrored joint's map, [B, K, N].
        chances: The maps, as log-probabilities, [B, K, H, W].
    """

    places: Tensor
    own: Tensor
    other: Tensor
    chances: Tensor


class Described(NamedTuple):
    """Candidates as a prompt leaves them.

    Attributes:
        places: [B, P, K, M, 2].
        usable: Which may be chosen, [B, P, K, M].
        kinds: UNKNOWN for those found in maps, else the joint's state, [B, P, K, M].
        evidence: Log-probabilities (own, mirrored joint's; a quarter of them) and the offset
            from the likeliest candidate (x, y, length), [B, P, K, M, 5].
        shown: The view's features there, [B, P, K, M, 160].
    """

    places: Tensor
    usable: Tensor
    kinds: Tensor
    evidence: Tensor
    shown: Tensor


class Settled(NamedTuple):
    """What a prompt leaves.

    Attributes:
        places: Of the candidates, [B, P, K, M, 2].
        scores: After each mean-field step, logits [steps, B, P, K, M].
    """

    places: Tensor
    scores: Tensor

    def best(self) -> tuple[Tensor, Tensor]:
        """Return the chosen places [B, P, K, 2] and their probabilities [B, P, K]."""
        chance, row = self.scores[-1].softmax(-1).max(-1)
        index = row[..., None, None].expand(*row.shape, 1, 2)
        return self.places.gather(-2, index)[..., 0, :], chance


class Corrector(nn.Module):
    """Settles candidates.

    Args:
        mirror: The joint each one becomes in a mirror.
    """

    mirror: Tensor

    def __init__(self, mirror: tuple[int, ...]) -> None:
        super().__init__()
        joints = len(mirror)
        self.register_buffer("mirror", torch.tensor(mirror), persistent=False)
        self.names = nn.Parameter(torch.randn(joints, _HIDDEN) * 0.3)
        self.kinds = nn.Parameter(torch.randn(3, _HIDDEN) * 0.3)
        self.look = nn.Linear(MIDDLE + FINE + 5, _HIDDEN)
        self.unary = nn.Sequential(nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(),
                                   nn.Linear(_HIDDEN, 1))  # fmt: skip
        self.pairs = nn.Parameter(torch.zeros(joints * joints, 2, TABLE, TABLE))
        self.swaps = nn.Parameter(torch.full((joints, joints), 0.3))

    @torch.no_grad()
    def candidates(self, chances: Tensor) -> Candidates:
        """Find candidates in log-probabilities [B, K, H, W] made without a prompt."""
        own = peaks(chances, OWN)
        places = torch.cat([own, own[:, self.mirror, :MIRRORED]], dim=2)
        return Candidates(places, *self.chances_at(chances, places), chances)

    @torch.no_grad()
    def expected(self, found: Candidates, prompt: JointPrompt) -> Candidates:
        """Add candidates where the joints that one prompt fixes expect the others.

        Args:
            found: Of one view.
            prompt: A single one about it.
        """
        held = (prompt.states[0, 0] == FIXED).nonzero()[:, 0]
        if not len(held):
            return found
        joints, (high, wide) = len(self.names), found.chances.shape[-2:]
        centres = cell_centres(high, wide, held.device).to(found.places.dtype)
        offset = centres - prompt.places[0, 0, held][:, None]
        grid = table_place(offset)[:, :, None]
        tables = torch.unflatten(self.pairs[:, 1], 0, (joints, joints))[:, held].transpose(0, 1)
        values = F.grid_sample(tables, grid, align_corners=True, padding_mode="border")
        moved = found.chances.clamp(min=_FLOOR) + values[..., 0].sum(0).view(1, joints, high, wide)
        places = torch.cat([found.places, peaks(moved, EXPECTED)], dim=2)
        return Candidates(places, *self.chances_at(found.chances, places), found.chances)

    def forward(self, maps: Maps, found: Candidates, prompt: JointPrompt) -> Settled:
        """Answer prompts about encoded views."""
        return self.settle(self.describe(maps, found, prompt), prompt)

    def settle(self, told: Described, prompt: JointPrompt) -> Settled:
        """Let the candidates agree."""
        fixed = prompt.states == FIXED
        scores = self._unary(told)
        reach = self._messages(told.places, fixed)
        tilt = (told.evidence[..., 1] - told.evidence[..., 0]).tanh()
        swapped = torch.einsum("bpi,ij->bpj", self._swapped(told, fixed), self.swaps)
        base = (scores + swapped[..., None] * tilt).masked_fill(~told.usable, _FAR)
        current, steps = base, []
        for _ in range(STEPS):
            steps.append(current)
            message = torch.einsum("bpin,bpjmin->bpjm", current.softmax(-1), reach)
            current = (base + message).masked_fill(~told.usable, _FAR)
        return Settled(told.places, torch.stack([*steps, current]))

    def describe(self, maps: Maps, found: Candidates, prompt: JointPrompt) -> Described:
        """Return the candidates, and the place told of a joint as its last one."""
        prompts = prompt.states.shape[1]
        places = found.places[:, None].expand(-1, prompts, -1, -1, -1)
        places = torch.cat([places, prompt.places[..., None, :]], dim=3)
        said = self.chances_at(found.chances, prompt.places.transpose(1, 2))
        chances = [
            torch.cat([known[:, None].expand(-1, prompts, -1, -1), told.mT[..., None]], dim=-1)
            for known, told in zip((found.own, found.other), said, strict=True)
        ]
        usable, kinds = choices(prompt.states, places.shape[3])
        away = places - places[..., :1, :]
        evidence = torch.stack([*chances, *away.unbind(-1), away.norm(dim=-1)], dim=-1)
        return Described(places, usable, kinds, evidence, self.shown_at(maps, places))

    def chances_at(self, maps: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities at places [B, K, N, 2]: of the joint and of its mirrored one."""
        people, joints = places.shape[:2]
        grid = (2 * places - 1).flatten(0, 1)[:, :, None]
        found = []
        for source in (maps, maps[:, self.mirror]):
            flat = source.clamp(min=_FLOOR).flatten(0, 1)[:, None]
            seen = F.grid_sample(flat, grid, align_corners=False, padding_mode="border")
            found.append(torch.unflatten(seen[:, 0, :, 0], 0, (people, joints)) / 4)
        return found[0], found[1]

    def shown_at(self, maps: Maps, places: Tensor) -> Tensor:
        """Return the view's features at places [B, P, K, M, 2], [B, P, K, M, 160]."""
        grid = (2 * places - 1).flatten(1, 3)[:, :, None]
        seen = [F.grid_sample(m, grid, align_corners=False)[..., 0] for m in maps[1:]]
        return torch.unflatten(torch.cat(seen, dim=1).transpose(1, 2), 1, places.shape[1:4])

    def _unary(self, told: Described) -> Tensor:
        hidden = self.look(torch.cat([told.shown, told.evidence], dim=-1))
        hidden = hidden + self.names[:, None] + self.kinds[told.kinds]
        scores: Tensor = self.unary(hidden)[..., 0] + 4 * told.evidence[..., 0]
        return scores

    def _messages(self, places: Tensor, fixed: Tensor) -> Tensor:
        """Return psi for all pairs of candidates, [B, P, K, M, K, M]; 0 of a joint for itself."""
        people, prompts, joints, count = places.shape[:4]
        offset = places[:, :, :, :, None, None] - places[:, :, None, None]
        order = offset.permute(2, 4, 0, 1, 3, 5, 6)
        grid = table_place(order.reshape(joints * joints, -1, 1, 2))
        apart = 1 - torch.eye(joints, device=places.device).flatten()[:, None, None, None]
        values = F.grid_sample(self.pairs * apart, grid, align_corners=True, padding_mode="border")[
            ..., 0
        ]
        values = torch.unflatten(values, 2, (people, prompts, count, count))
        values = torch.unflatten(values, 0, (joints, joints)).permute(2, 3, 4, 0, 5, 1, 6)
        free, held = values.unbind(0)
        return torch.where(fixed[:, :, None, None, :, None], held, free)

    def _swapped(self, told: Described, fixed: Tensor) -> Tensor:
        """How surely a joint was fixed where its mirrored joint was thought to be, [B, P, K]."""
        place, thought = told.places[..., -1, :], told.places[..., 0, :]
        near = ((place - thought[:, :, self.mirror]) / 0.06).square().sum(-1)
        far = ((place - thought) / 0.06).square().sum(-1)
        return (torch.exp(-0.5 * near) - torch.exp(-0.5 * far)) * fixed


def choices(states: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Say by the states [B, P, K] which candidates may be chosen, and of what kind they are."""
    usable = (states != FIXED)[..., None].repeat(1, 1, 1, count)
    usable[..., -1] = states != UNKNOWN
    kinds = torch.zeros_like(usable, dtype=torch.long)
    kinds[..., -1] = states
    return usable, kinds


def table_place(offset: Tensor) -> Tensor:
    """Return where offsets are looked up, -1..1: finely when small, coarsely when large."""
    return offset / (offset.abs() + 0.15) * 1.1
