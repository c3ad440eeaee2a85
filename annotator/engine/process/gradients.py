"""Gradients to click positions across a worker: the map comes first, its slope when asked for.

A graph cannot cross processes, so the worker differentiates: the way back takes the
cotangent there and returns the product. Nothing is kept in between; the way back runs
the network again.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Array = npt.NDArray[Any]
Ask = Callable[[Array, Array | None], Array]
"""Gives the map [H, W] at a position [2], or with a cotangent [H, W] the gradient [2]."""


class _Asked(torch.autograd.Function):
    """The map of a worker as a function of a click's position."""

    @staticmethod
    def forward(ctx: Any, position: Tensor, ask: Ask) -> Tensor:  # noqa: ANN401 - torch's context
        """Have the map made."""
        ctx.ask, ctx.place = ask, _plain(position)
        ctx.like = position.new_empty(0)
        return torch.from_numpy(np.array(ask(ctx.place, None))).to(position.device)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """Have the product of cotangent and Jacobian made."""
        gradient = ctx.ask(ctx.place, _plain(cotangent))
        return torch.from_numpy(np.array(gradient)).to(ctx.like), None


def soft_probability(position: Tensor, ask: Ask) -> Tensor:
    """Return the map [H, W] on the graph of a position [2]; differentiable once.

    Raises:
        AnnotatorError: What the plugin or its worker raised in words.
    """
    return _Asked.apply(position, ask)  # type: ignore[no-any-return]


def _plain(values: Tensor) -> Array:
    array: Array = values.detach().cpu().numpy()
    return array.copy()
