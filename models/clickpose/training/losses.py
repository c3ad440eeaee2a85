"""How wrong an answer is."""

import torch
from torch import Tensor

from models.clickpose.compact.corrector import Settled
from models.clickpose.compact.decoder import Answer
from models.clickpose.compact.prompt import FIXED, JointPrompt

_CELLS = 1.0
"""Spread of the target around a true place, cells at stride 4."""
_NEAR = 0.04
"""Spread of likeness of candidates to the truth; a view is 1."""


def answer_loss(answers: list[Answer], truth: Tensor, known: Tensor) -> Tensor:
    """Return the mean loss over known joints.

    Cross-entropy of every layer's map with a Gaussian around the true place, the last layer
    counting twice, and the distance of the expectation.

    Args:
        answers: Of the decoder.
        truth: [B, K, 2] in views of 0..1.
        known: [B, K].
    """
    weight = known.float()
    high, wide = answers[0].logits.shape[-2:]
    x, y = _bump(truth[..., 0], wide), _bump(truth[..., 1], high)
    total = truth.new_zeros(())
    for index, answer in enumerate(answers):
        hit = torch.einsum("bkyx,bky,bkx->bk", answer.logits, y, x)
        away = (answer.expected - truth).abs().sum(-1)
        loss = answer.logits.flatten(-2).logsumexp(-1) - hit + 2.0 * away
        total = total + (2.0 if index + 1 == len(answers) else 1.0) * (loss * weight).sum()
    return total / (len(answers) + 1) / weight.sum().clamp(min=1)


def settled_loss(settled: Settled, prompt: JointPrompt, truth: Tensor, known: Tensor) -> Tensor:
    """Return the mean loss of candidates over joints that are known and not fixed.

    Cross-entropy with the likeness of each candidate to the truth, the last step counting most;
    a joint without a candidate near the truth counts by how near the nearest is.

    Args:
        settled: Of the corrector.
        prompt: That it answers.
        truth: [B, K, 2] in views of 0..1.
        known: [B, K].
    """
    away = (settled.places - truth[:, None, :, None]).square().sum(-1)
    usable = settled.scores[0] > -1e3
    like = torch.exp(-0.5 * away / _NEAR**2) * usable
    weight = known[:, None] & (prompt.states != FIXED)
    weight = weight * like.amax(-1)
    target = like**2 / (like**2).sum(-1, keepdim=True).clamp(min=1e-6)
    losses = -(target * settled.scores.log_softmax(-1)).sum(-1) * weight
    shares = torch.linspace(0.5, 2.0, len(losses), device=truth.device)
    total: Tensor = (losses.sum((1, 2, 3)) * shares).sum() / shares.sum()
    return total / weight.sum().clamp(min=1)


def _bump(centre: Tensor, cells: int) -> Tensor:
    """Gaussian over cell centres that sums to one; [B, K] in 0..1 -> [B, K, cells]."""
    steps = torch.arange(cells, device=centre.device) + 0.5
    return (-0.5 * ((steps - centre[..., None] * cells) / _CELLS) ** 2).softmax(-1)
