"""Losses of click segmentation."""

import torch
from torch import Tensor


def click_weights(xyz: Tensor, click_voxels: Tensor, reach: float = 0.3) -> Tensor:
    """Weigh voxels near clicks more: 0.8 + 1.2 (1 - min(d, reach) / reach).

    Args:
        xyz: Voxel positions in metres, [N, 3].
        click_voxels: Clicked rows [n], n >= 1.
        reach: Distance in metres from which on voxels weigh 0.8.

    Returns:
        Weights [N], 0.8 to 2 (AGILE3D, training code).
    """
    distance = torch.cdist(xyz, xyz[click_voxels]).amin(dim=1)
    return 0.8 + 1.2 * (1 - distance.clamp(max=reach) / reach)


def layer_loss(logits: Tensor, truth: Tensor, weights: Tensor, dice: float = 2.0) -> Tensor:
    """Weighted cross entropy plus region dice, every object counting alike.

    The official "dice" runs over the classes of each voxel; this one runs over the
    voxels of each object, which is what the mean IoU over objects asks for.

    Args:
        logits: [N, 1 + M].
        truth: True objects [N] int64.
        weights: Weight of each voxel [N].
        dice: Factor of the dice loss.
    """
    entropy = torch.nn.functional.cross_entropy(logits, truth, reduction="none")
    chance = logits.softmax(dim=1)
    target = torch.nn.functional.one_hot(truth, logits.shape[1]).to(chance.dtype)
    overlap = (chance * target).sum(dim=0)
    size = chance.sum(dim=0) + target.sum(dim=0)
    present = target.sum(dim=0) > 0
    region = 1 - (2 * overlap[present] + 1) / (size[present] + 1)
    return (entropy * weights).mean() + dice * region.mean()


def deep_loss(layers: list[Tensor], truth: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of `layer_loss` over the decoder's layers."""
    return torch.stack([layer_loss(logits, truth, weights) for logits in layers]).mean()
