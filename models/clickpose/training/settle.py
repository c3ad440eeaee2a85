"""Train the corrector alone, on candidates of a trained network.

    python -m models.clickpose.training.settle WEIGHTS OUT --lspe LSPE --steps 1500

The tables of offsets start from how often joints lie there in true poses, as pointwise mutual
information: log p(offset | same person) - log p(offset | two people). OUT is WEIGHTS with the
new corrector. Deterministic by seed.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.clickpose.compact.checkpoint import load_compact, save_compact
from models.clickpose.compact.corrector import (
    TABLE,
    Corrector,
    Described,
    choices,
    table_place,
)
from models.clickpose.compact.frame import SIDE
from models.clickpose.compact.network import MIRROR, CompactPoseNet
from models.clickpose.compact.prompt import FIXED, JointPrompt
from models.clickpose.training.losses import settled_loss
from models.clickpose.training.people import add_arguments, training_people
from models.clickpose.training.prompts import corrections, corrupted
from models.clickpose.training.views import View, augmented_view

_BATCH = 16


class Views(NamedTuple):
    """What the corrector is trained on; N views.

    Attributes:
        truth: [N, K, 2].
        known: [N, K].
        places: Of candidates, the true place and a wrong guess, [N, K, M + 1, 2].
        own: Log-probabilities there, [N, K, M + 1].
        other: Of the mirrored joint, [N, K, M + 1].
        shown: The view's features there, [N, K, M + 1, 160], float16.
    """

    truth: Tensor
    known: Tensor
    places: Tensor
    own: Tensor
    other: Tensor
    shown: Tensor


@torch.inference_mode()
def gather(network: CompactPoseNet, views: Iterator[View]) -> Views:
    """Return candidates of views; the true place and a guess with errors come last."""
    corrector, parts = network.corrector, []
    random = torch.Generator().manual_seed(1)
    while some := list(islice(views, _BATCH)):
        rgb = torch.from_numpy(np.stack([view[0] for view in some])).permute(0, 3, 1, 2)
        maps, found = network.look(rgb.float() / 255)
        truth = torch.from_numpy(np.stack([view[1] for view in some]) / SIDE).float()
        known = torch.from_numpy(np.stack([view[2] for view in some]))
        guess = corrupted(truth, known, found.places[:, :, 0], torch.tensor(MIRROR), random)
        extra = torch.stack([truth.clamp(0, 1), guess], dim=2)
        places = torch.cat([found.places, extra], dim=2)
        own, other = corrector.chances_at(found.chances, places)
        shown = corrector.shown_at(maps, places[:, None])[:, 0].half()
        parts.append(Views(truth, known, places, own, other, shown))
    return Views(*(torch.cat(column) for column in zip(*parts, strict=True)))


def described(views: Views, rows: Tensor, prompt: JointPrompt) -> Described:
    """Return what the corrector sees of prompts about some views.

    A fixed joint's features are those at the true place; a guess that is wrong is the one
    gathered, any other is the likeliest candidate.
    """
    taken = Views(*(column[rows] for column in views))
    prompts = prompt.states.shape[1]
    fixed = prompt.states == FIXED
    last = torch.arange(prompts) == prompts - 1
    index = torch.where(fixed, -2, torch.where(last[None, :, None], -1, 0))
    index = index % taken.places.shape[2]
    names = ("places", "own", "other", "shown")
    columns = {}
    for name in names:
        column = getattr(taken, name).float()
        shape = column.shape[3:]
        spread = column[:, None].expand(-1, prompts, *column.shape[1:])
        where = index.reshape(*index.shape, 1, *[1] * len(shape)).expand(*index.shape, 1, *shape)
        columns[name] = torch.cat([spread[:, :, :, :-2], spread.gather(3, where)], dim=3)
    places = columns["places"]
    usable, kinds = choices(prompt.states, places.shape[3])
    away = places - places[..., :1, :]
    evidence = torch.stack(
        [columns["own"], columns["other"], *away.unbind(-1), away.norm(dim=-1)], dim=-1
    )
    return Described(places, usable, kinds, evidence, columns["shown"])


def start_tables(corrector: Corrector, truth: Tensor, known: Tensor) -> None:
    """Fill the tables with pointwise mutual information of offsets.

    Args:
        corrector: Its tables are overwritten.
        truth: Joints of true poses in views of 0..1, [N, K, 2].
        known: [N, K].
    """
    joints = truth.shape[1]
    shuffled = torch.arange(len(truth)).roll(len(truth) // 2)
    with torch.no_grad():
        for j in range(joints):
            for i in range(joints):
                if i == j:
                    continue
                both = known[:, j] & known[:, i]
                same = _histogram((truth[:, j] - truth[:, i])[both])
                apart = known[:, j] & known[shuffled, i]
                chance = _histogram((truth[:, j] - truth[shuffled, i])[apart])
                value = 0.3 * (same / chance).log().clamp(-3, 3)
                corrector.pairs[j * joints + i] = torch.stack([0.3 * value, value])


def _histogram(offsets: Tensor) -> Tensor:
    place = (table_place(offsets).clamp(-1, 1) + 1) / 2 * (TABLE - 1)
    cell = place.round().long()
    counts = torch.zeros(TABLE * TABLE)
    counts.index_add_(0, cell[:, 1] * TABLE + cell[:, 0], torch.ones(len(cell)))
    smooth = torch.tensor([0.25, 0.5, 0.25])
    table = counts.view(1, 1, TABLE, TABLE)
    table = F.conv2d(table, (smooth[:, None] * smooth)[None, None], padding=1)[0, 0] + 1.0
    return table / table.sum()


def main() -> None:
    """Gather candidates, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    add_arguments(parser)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--most", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    network, people = load_compact(given.weights), training_people(given)
    rows = np.random.default_rng(given.seed).permutation(len(people))[: given.most]
    chance = np.random.default_rng((given.seed, 1))
    views = gather(network, (augmented_view(people[row], chance) for row in rows))
    print(f"{len(views.truth)} views", flush=True)  # noqa: T201 - the command's output
    corrector = Corrector(MIRROR)
    start_tables(corrector, views.truth, views.known)
    train(corrector, views, given.steps, given.batch, given.seed)
    network.corrector = corrector
    save_compact(network.state_dict(), given.out)


def train(corrector: Corrector, views: Views, steps: int, batch: int, seed: int) -> None:
    """Minimise the loss of candidates, the rate falling as a cosine."""
    corrector.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(corrector.parameters(), weight_decay=0.01)
    schedule = torch.cos(torch.linspace(0, torch.pi, steps)) / 2 + 0.5
    losses = []
    for step in range(steps):
        random = torch.Generator().manual_seed(seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * float(schedule[step]) * min((step + 1) / 30, 1.0)
        rows = torch.randint(len(views.truth), (batch,), generator=random)
        truth, known = views.truth[rows], views.known[rows]
        prompt = corrections(truth, known, views.places[rows, :, 0], torch.tensor(MIRROR), random)
        settled = corrector.settle(described(views, rows, prompt), prompt)
        loss = settled_loss(settled, prompt, truth, known)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 50 == 0:
            mean = round(float(np.mean(losses[-50:])), 4)
            print(step + 1, mean, flush=True)  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
