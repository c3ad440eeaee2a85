"""Clicks as pictures: one channel of disks for clicks inside the object, one for those outside.

Coordinates are (row, column), integers at pixel centres, as in the published code.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

RADIUS = 5.0
"""Radius of a click's disk in pixels of the network's input (RITM, section 3.1)."""

ABSENT = -1.0
"""Row, column and number of a slot without a click."""


class PlacedClick(NamedTuple):
    """One click on a photo.

    Attributes:
        inside: Whether it says "this is the object"; else "this is not".
        row: Pixels from the centre of the top row.
        column: Pixels from the centre of the leftmost column.
    """

    inside: bool
    row: float
    column: float


def pad_points(clicks: Sequence[PlacedClick]) -> Tensor:
    """Lay clicks out as the published networks take them.

    Args:
        clicks: In order of time.

    Returns:
        [1, 2N, 3] float64 of (row, column, number of the click): N slots for clicks inside,
        then N for those outside, padded with -1; N is the larger count, at least 1.
    """
    numbered = [(click, number) for number, click in enumerate(clicks)]
    halves = [[(c.row, c.column, n) for c, n in numbered if c.inside is s] for s in (True, False)]
    slots = max(1, *(len(places) for places in halves))
    absent = (ABSENT, ABSENT, ABSENT)
    padded = [[*places, *[absent] * (slots - len(places))] for places in halves]
    return torch.tensor(padded, dtype=torch.float64).reshape(1, 2 * slots, 3)


def stack_points(batch: Sequence[Tensor]) -> Tensor:
    """Join several [1, 2N, 3] with different N into one [B, 2N, 3], padding the smaller ones."""
    slots = max(points.shape[1] for points in batch) // 2
    joined = batch[0].new_full((len(batch), 2, slots, 3), ABSENT)
    for row, points in enumerate(batch):
        halves = points.reshape(2, -1, 3)
        joined[row, :, : halves.shape[1]] = halves
    return joined.reshape(len(batch), 2 * slots, 3)


def mirror_points(points: Tensor, width: int) -> Tensor:
    """Mirror the clicks of a picture that is `width` pixels wide left to right."""
    columns = torch.where(points[..., 2] >= 0, width - 1 - points[..., 1], points[..., 1])
    return torch.stack([points[..., 0], columns, points[..., 2]], dim=-1)


def hard_disks(points: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Draw clicks as the published networks see them.

    A slot counts as empty if *both* coordinates are negative, and differences are rounded
    to float32 before they are squared. Both are published behaviour.

    Args:
        points: [B, 2N, 3], from `pad_points`.
        height: Rows of the maps.
        width: Columns of the maps.
        radius: Of the disks in pixels.

    Returns:
        [B, 2, height, width] float32 of 0 and 1: inside, outside.
    """
    rows, columns = _windows(points, radius)
    squared = _squared((rows - points[..., 0:1]).float(), (columns - points[..., 1:2]).float())
    drawn = (squared <= radius * radius).float()
    present = points[..., :2].amax(dim=-1) >= 0
    return _paint(drawn, rows, columns, present, (height, width))


def soft_disks(points: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Draw clicks so that the maps have a gradient with respect to where they are.

    A disk's border is a ramp one pixel wide: clip(radius - distance + 1/2, 0, 1).

    Args:
        points: [B, 2N, 3]; gradients flow to rows and columns. A slot is empty if its
            click's number is negative.
        height: Rows of the maps.
        width: Columns of the maps.
        radius: Of the disks in pixels.

    Returns:
        [B, 2, height, width] of `points.dtype` in 0..1; the largest of overlapping disks.
    """
    rows, columns = _windows(points, radius)
    squared = _squared(rows - points[..., 0:1], columns - points[..., 1:2])
    # the root has no finite slope at 0, where the ramp is flat anyway
    distance = torch.where(squared > 0, squared, 1.0).sqrt() * (squared > 0)
    drawn = (radius - distance + 0.5).clamp(0.0, 1.0)
    return _paint(drawn, rows, columns, points[..., 2] >= 0, (height, width))


def _windows(points: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns [B, 2N, K] that each disk can reach."""
    reach = math.ceil(radius) + 1
    span = torch.arange(-reach, reach + 1, device=points.device, dtype=points.dtype)
    corners = points[..., :2].detach().round()
    return corners[..., 0:1] + span, corners[..., 1:2] + span


def _squared(rows: Tensor, columns: Tensor) -> Tensor:
    """Return squared distances [B, 2N, K, K]."""
    return rows.square()[..., :, None] + columns.square()[..., None, :]


def _paint(
    drawn: Tensor, rows: Tensor, columns: Tensor, present: Tensor, size: tuple[int, int]
) -> Tensor:
    """Put windows [B, 2N, K, K] on empty maps [B, 2, height, width], the larger value winning."""
    batch, slots = present.shape
    height, width = size
    fits = _within(rows, height)[..., :, None] & _within(columns, width)[..., None, :]
    fits = fits & present[..., None, None]
    signs = torch.arange(slots, device=drawn.device) // (slots // 2)
    maps = 2 * torch.arange(batch, device=drawn.device)[:, None] + signs
    pixels = (maps[..., None] * height + rows.long())[..., :, None] * width
    pixels = (pixels + columns.long()[..., None, :])[fits]
    empty = drawn.new_zeros(2 * batch * height * width)
    painted = empty.scatter_reduce(0, pixels, drawn[fits], "amax")
    return painted.reshape(batch, 2, height, width)


def _within(places: Tensor, size: int) -> Tensor:
    return (places >= 0) & (places < size)
