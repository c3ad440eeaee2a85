"""Clicks as maps: disks around the clicked pixels, one channel for inside and one for outside.

The hard disk is the one RITM trains with (Sofiiuk et al., ICIP 2022). The soft one has the
same area and a gradient with respect to where the click is: clip(r - d + 1/2, 0, 1).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

RADIUS = 5.0


class Click(NamedTuple):
    """A click in pixels: integer coordinates are pixel centres.

    Attributes:
        positive: Whether it says "inside".
        y: Row.
        x: Column.
    """

    positive: bool
    y: float
    x: float


def squared_distances(points: Tensor, height: int, width: int) -> Tensor:
    """Return squared distances [P, H, W] in pixels from points [P, 2] = (row, column)."""
    rows = torch.arange(height, dtype=points.dtype, device=points.device)
    columns = torch.arange(width, dtype=points.dtype, device=points.device)
    dy = (rows[None, :] - points[:, :1]) ** 2
    dx = (columns[None, :] - points[:, 1:]) ** 2
    return dy[:, :, None] + dx[:, None, :]


def hard_disks(points: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Return the union [H, W] of disks around points [P, 2] as 0 and 1; no gradient."""
    if len(points) == 0:
        return torch.zeros(height, width, device=points.device)
    inside = squared_distances(points, height, width) <= radius**2
    return inside.any(dim=0).float()


def soft_disks(points: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Return the union [H, W] of disks with a one-pixel ramp at their edge.

    Differentiable with respect to the points [P, 2] = (row, column).
    """
    if len(points) == 0:
        return torch.zeros(height, width, device=points.device)
    distance = (squared_distances(points, height, width) + 1e-12).sqrt()
    return (radius - distance + 0.5).clamp(0.0, 1.0).amax(dim=0)


def click_maps(
    clicks: Sequence[Click],
    height: int,
    width: int,
    disks: Callable[[Tensor, int, int], Tensor] = hard_disks,
) -> Tensor:
    """Return maps [2, H, W] of clicks: inside, outside. No clicks give zeros."""
    maps = []
    for positive in (True, False):
        chosen = [(click.y, click.x) for click in clicks if click.positive == positive]
        points = torch.tensor(chosen, dtype=torch.float32).reshape(-1, 2)
        maps.append(disks(points, height, width))
    return torch.stack(maps)
