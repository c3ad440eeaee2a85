"""From logits to labels."""

import torch
from torch import Tensor


def labels_from_logits(
    logits: Tensor, click_voxels: Tensor, click_objects: Tensor, click_times: Tensor
) -> Tensor:
    """Return the best label of every voxel, clicked voxels forced to their click's object.

    Args:
        logits: [N, 1 + M].
        click_voxels: Clicked voxel rows, [n].
        click_objects: Object of each click, [n].
        click_times: Order of each click, [n]; of several clicks on a voxel the last wins.

    Returns:
        Labels 0..M, [N] int64.
    """
    labels = logits.argmax(dim=1)
    latest = {}
    for i in torch.argsort(click_times, stable=True).tolist():
        latest[int(click_voxels[i])] = int(click_objects[i])
    if latest:
        rows = torch.tensor(list(latest), device=labels.device)
        labels[rows] = torch.tensor(list(latest.values()), device=labels.device)
    return labels
