"""How far a click reaches: logits that depend on the distance from it.

Not part of the published network. A dot product of features must learn that far things
are other things; a small network that is trained briefly is better told. Every query
weighs a few functions of the distance itself, so a click on a wall may reach farther
than one on a cup.
"""

import torch
from torch import Tensor, nn

_RADII = (0.1, 0.25, 0.6, 1.5, 4.0)
"""Radii of the functions of distance in metres."""

_HEIGHTS = (0.1, 0.4, 1.2)
"""The same for the difference in height alone."""


class Reach(nn.Module):
    """Adds sum over k of w_k(query) / (1 + distance^2 / radius_k^2) to a click's logits.

    Args:
        channels: Width of the queries.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weights = nn.Linear(channels, len(_RADII) + len(_HEIGHTS))
        nn.init.normal_(self.weights.weight, std=0.02)
        nn.init.ones_(self.weights.bias)

    def forward(self, queries: Tensor, clicked: Tensor, xyz: Tensor) -> Tensor:
        """Return what to add to the logits of clicks.

        Args:
            queries: Normalised queries of the clicks, [n, C].
            clicked: Positions of the clicks, metres, [n, 3].
            xyz: Positions of the voxels, [N, 3].

        Returns:
            [n, N].
        """
        weights = self.weights(queries)
        offsets = clicked.to(queries.dtype)[:, None] - xyz.to(queries.dtype)
        height = offsets[..., 2].square()
        distance = offsets[..., :2].square().sum(dim=2) + height
        total = torch.zeros_like(height)
        for k, radius in enumerate(_RADII):
            total = total + weights[:, k, None] / (1 + distance / radius**2)
        for k, radius in enumerate(_HEIGHTS, start=len(_RADII)):
            total = total + weights[:, k, None] / (1 + height / radius**2)
        return total
