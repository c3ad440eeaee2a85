"""How wrong an answer is."""

import torch
from torch import Tensor

from models.clickpose.compact.decoder import FIXED, Answer, JointPrompt

_CELLS = 1.0
"""Spread of the target around a true place, cells at stride 4."""


def answer_loss(answers: list[Answer], prompt: JointPrompt, truth: Tensor, known: Tensor) -> Tensor:
    """Return the mean loss over joints that are known and not fixed.

    Cross-entropy of every layer's map with a Gaussian around the true place, the last layer
    counting twice, and the distance of the expectation.

    Args:
        answers: Of the decoder.
        prompt: That they answer.
        truth: [B, K, 2] in views of 0..1.
        known: [B, K].
    """
    weight = (known[:, None] & (prompt.states != FIXED)).float()
    high, wide = answers[0].logits.shape[-2:]
    x, y = _bump(truth[..., 0], wide), _bump(truth[..., 1], high)
    total = truth.new_zeros(())
    for index, answer in enumerate(answers):
        flat = answer.logits.flatten(-2)
        hit = torch.einsum("bpkyx,bky,bkx->bpk", answer.logits, y, x)
        away = (answer.expected - truth[:, None]).abs().sum(-1)
        loss = flat.logsumexp(-1) - hit + 2.0 * away
        total = total + (2.0 if index + 1 == len(answers) else 1.0) * (loss * weight).sum()
    return total / (len(answers) + 1) / weight.sum().clamp(min=1)


def _bump(centre: Tensor, cells: int) -> Tensor:
    """Gaussian over cell centres that sums to one; [B, K] in 0..1 -> [B, K, cells]."""
    steps = torch.arange(cells, device=centre.device) + 0.5
    return (-0.5 * ((steps - centre[..., None] * cells) / _CELLS) ** 2).softmax(-1)
