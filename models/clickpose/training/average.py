"""Exponentially averaged weights: steadier than the last step's."""

import torch
from torch import Tensor, nn


class Average:
    """The average of a network's weights over its last steps.

    Args:
        network: As it starts.
        keep: How much of the average a step leaves.
    """

    def __init__(self, network: nn.Module, keep: float = 0.995) -> None:
        self.keep = keep
        self.state: dict[str, Tensor] = {
            key: value.detach().clone() for key, value in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step; early steps are forgotten sooner."""
        keep = min(self.keep, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1 - keep)
            else:
                self.state[key].copy_(value)
