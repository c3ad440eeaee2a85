"""Simulated corrections: joints put right, and guesses wrong in the ways people's poses are.

Errors of guesses are those of Ronchi and Perona (ICCV 2017): jitter, miss, inversion (left for
right), swap (another joint's place). Known joints are fixed worst first, as the published
protocol does, or at random; P(n) falls with 1 / n^2 (Click-Pose) or is even.
"""

import torch
from torch import Generator, Tensor

from models.clickpose.compact.prompt import FIXED, GUESSED, UNKNOWN, JointPrompt

_CLICK_NOISE = 0.006


def corrections(
    truth: Tensor, known: Tensor, found: Tensor, mirror: Tensor, random: Generator
) -> JointPrompt:
    """Return four prompts a person.

    One says nothing; the next fixes the worst joints of what was found, the third any; their
    other joints are as found, or not told. The last starts from a wrong guess.

    Args:
        truth: [B, K, 2] in views of 0..1.
        known: [B, K].
        found: Without a prompt, [B, K, 2].
        mirror: The joint each one becomes in a mirror, [K].
        random: Source of chance.
    """
    people, joints = known.shape
    error = (truth - found).abs().sum(-1)
    worst = error + 0.02 * torch.rand(people, joints, generator=random)
    few, many = _falling(people, joints, random), _even(people, joints, random)
    none = torch.where(torch.rand(people, generator=random) < 0.4, 0 * few, few)
    chance = torch.rand(people, joints, generator=random)
    fixed = torch.stack(
        [_first(worst, known, few), _first(chance, known, many), _first(chance, known, none)], 1
    )
    told = torch.rand(people, 3, 1, generator=random) < 0.6
    told[:, 2] = True
    guess = torch.stack([found, found, corrupted(truth, known, found, mirror, random)], 1)
    noise = torch.randn(people, 3, joints, 2, generator=random) * _CLICK_NOISE
    places = torch.where(fixed[..., None], truth[:, None] + noise, guess)
    states = torch.where(fixed, FIXED, torch.where(told, GUESSED, UNKNOWN))
    nothing = torch.zeros_like(states[:, :1])
    return JointPrompt(
        torch.cat([torch.zeros_like(places[:, :1]), places], 1),
        torch.cat([nothing, states], 1).long(),
    )


def corrupted(
    truth: Tensor, known: Tensor, found: Tensor, mirror: Tensor, random: Generator
) -> Tensor:
    """Return a guess [B, K, 2]: the truth with errors; as found where the truth is unknown."""
    people, joints = known.shape
    guess = torch.where(known[..., None], truth, found)
    jitter = torch.randn(people, joints, 2, generator=random)
    scale = 0.12 * torch.rand(people, 1, 1, generator=random)
    mirrored, other = guess[:, mirror], guess[:, torch.randperm(joints, generator=random)]
    anywhere = torch.rand(people, joints, 2, generator=random)
    kind = torch.rand(people, joints, generator=random)
    wrong = torch.rand(people, 1, generator=random) * 0.5
    # whole people are seen from behind for from before, too
    whole = torch.rand(people, 1, generator=random) < 0.15
    out = guess + jitter * scale
    limits = ((mirrored, 0.4), (other, 0.7), (anywhere, 1.0))
    low = torch.zeros(people, 1)
    for source, share in limits:
        chosen = (kind >= low) & (kind < wrong * share)
        out, low = torch.where(chosen[..., None], source, out), wrong * share
    return torch.where(whole[..., None], mirrored + jitter * scale, out)


def _first(order: Tensor, known: Tensor, count: Tensor) -> Tensor:
    """Choose the `count` [B] known joints that are highest in `order` [B, K]."""
    ranked = order.masked_fill(~known, -1.0).argsort(dim=1, descending=True).argsort(dim=1)
    return (ranked < count[:, None]) & known


def _falling(people: int, joints: int, random: Generator) -> Tensor:
    weights = 1.0 / torch.arange(1, joints + 1).float() ** 1.3
    return torch.multinomial(weights, people, replacement=True, generator=random) + 1


def _even(people: int, joints: int, random: Generator) -> Tensor:
    return torch.randint(1, joints - 2, (people,), generator=random)
