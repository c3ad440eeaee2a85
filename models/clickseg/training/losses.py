"""Losses for masks: normalised focal loss and soft dice, unknown pixels left out."""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.clickseg.compact.layers import enlarge

_DEEP_WEIGHTS = (0.4, 0.2)
_DICE = 0.3


def normalised_focal(logits: Tensor, target: Tensor, known: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss whose weights keep their sum as the network gets better.

    Sofiiuk et al., "AdaptIS", ICCV 2019, eq. 5: easy pixels lose weight, and the weights of
    a mask are scaled so that they add up to its number of pixels.

    Args:
        logits: [B, 1, H, W].
        target: 0 or 1, alike.
        known: 1 where the target counts, alike.
        gamma: How fast easy pixels lose weight.

    Returns:
        Loss of each mask, [B].
    """
    error = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    with torch.no_grad():
        weight = (1 - torch.exp(-error)) ** gamma * known
        total = known.sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)).clamp_min(1e-3)
        weight = weight * total.clamp_max(1e4)[:, None, None, None]
    return (error * weight).sum(dim=(1, 2, 3)) / known.sum(dim=(1, 2, 3)).clamp_min(1)


def soft_dice(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """One minus the soft Dice coefficient of each mask; arguments as `normalised_focal`."""
    probability = logits.sigmoid() * known
    shared = (probability * target).sum(dim=(1, 2, 3))
    total = (probability + target * known).sum(dim=(1, 2, 3))
    return 1 - (2 * shared + 1) / (total + 1)


def click_loss(logits: list[Tensor], target: Tensor, known: Tensor) -> Tensor:
    """Return the mean loss of logits at strides 2, 4 and 8 for targets [B, 1, H, W]."""
    height, width = target.shape[-2:]
    fine = enlarge(logits[0].float(), (height, width))
    loss = normalised_focal(fine, target, known) + _DICE * soft_dice(fine, target, known)
    for weight, coarse in zip(_DEEP_WEIGHTS, logits[1:], strict=True):
        kernel = height // coarse.shape[-2]
        small = (F.avg_pool2d(target * known, kernel) > 0.5).float()
        seen = (F.avg_pool2d(known, kernel) > 0.5).float()
        loss = loss + weight * normalised_focal(coarse.float(), small, seen)
    return loss.mean()
