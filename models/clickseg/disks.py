"""Clicks as pictures: one channel of disks for clicks inside the object, one for those outside.

Coordinates are (row, column), integers at pixel centres, as in the published code.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

RADIUS = 5.0
"""Radius of a click's disk in pixels of the network's input (RITM, section 3.1)."""

ABSENT = -1.0
"""Row, column and order of a slot without a click."""


def pad_points(clicks: Sequence[tuple[bool, float, float]]) -> Tensor:
    """Lay clicks out as the published networks take them.

    Args:
        clicks: (inside, row, column) in order of time.

    Returns:
        [1, 2N, 3] float64 of (row, column, number of the click): N slots for clicks inside,
        then N for those outside, padded with -1; N is the larger count, at least 1.
    """
    numbered = [(inside, (row, col, i)) for i, (inside, row, col) in enumerate(clicks)]
    signs = [[place for inside, place in numbered if inside is sign] for sign in (True, False)]
    slots = max(1, *(len(places) for places in signs))
    points = torch.full((1, 2 * slots, 3), ABSENT, dtype=torch.float64)
    for half, places in enumerate(signs):
        for slot, place in enumerate(places):
            points[0, half * slots + slot] = torch.tensor(place, dtype=torch.float64)
    return points


def stack_points(batch: Sequence[Tensor]) -> Tensor:
    """Join several [1, 2N, 3] with different N into one [B, 2N, 3], padding the smaller ones."""
    slots = max(points.shape[1] for points in batch) // 2
    joined = batch[0].new_full((len(batch), 2, slots, 3), ABSENT)
    for row, points in enumerate(batch):
        halves = points.reshape(2, -1, 3)
        joined[row, :, : halves.shape[1]] = halves
    return joined.reshape(len(batch), 2 * slots, 3)


def mirror_points(points: Tensor, width: float) -> Tensor:
    """Mirror the clicks of a picture that is `width` pixels wide left to right."""
    columns = torch.where(_present(points), width - 1 - points[..., 1], points[..., 1])
    return torch.stack([points[..., 0], columns, points[..., 2]], dim=-1)


def hard_disks(points: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Draw clicks as the published networks see them.

    A slot counts as empty if *both* coordinates are negative; differences are rounded to
    float32 before they are squared. Both are published behaviour.

    Args:
        points: [B, 2N, 2 or 3], from `pad_points`.
        height: Rows of the maps.
        width: Columns of the maps.
        radius: Of the disks in pixels.

    Returns:
        [B, 2, height, width] float32 of 0 and 1: inside, outside.
    """
    rows, columns = _offsets(points, height, width)
    squared = rows.float().square()[..., :, None] + columns.float().square()[..., None, :]
    drawn = (squared <= radius * radius) & _present(points)[..., None, None]
    return _join(drawn).any(dim=2).float()


def soft_disks(points: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Draw clicks so that the maps have a gradient with respect to where they are.

    Args:
        points: [B, 2N, 2 or 3]; gradients flow to its first two columns.
        height: Rows of the maps.
        width: Columns of the maps.
        radius: Of the disks in pixels.

    Returns:
        [B, 2, height, width] of `points.dtype` in 0..1; the largest of overlapping disks.
    """
    ramps = ramp(points[..., :2], height, width, radius)
    return _join(ramps * _present(points)[..., None, None]).amax(dim=2)


def ramp(centres: Tensor, height: int, width: int, radius: float = RADIUS) -> Tensor:
    """Draw a disk with a border one pixel wide: clip(radius - distance + 1/2, 0, 1).

    Args:
        centres: [..., 2] rows and columns; any may lie outside.
        height: Rows of the map.
        width: Columns of the map.
        radius: In pixels.

    Returns:
        [..., height, width].
    """
    rows, columns = _offsets(centres, height, width)
    squared = rows.square()[..., :, None] + columns.square()[..., None, :]
    # the root has no finite slope at 0, where the ramp is flat anyway
    distance = torch.where(squared > 0, squared, 1.0).sqrt() * (squared > 0)
    return (radius - distance + 0.5).clamp(0.0, 1.0)


def _offsets(points: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the distances along both axes, [..., height] and [..., width]."""
    rows = torch.arange(height, device=points.device, dtype=points.dtype)
    columns = torch.arange(width, device=points.device, dtype=points.dtype)
    return rows - points[..., 0:1], columns - points[..., 1:2]


def _present(points: Tensor) -> Tensor:
    return points[..., :2].amax(dim=-1) >= 0


def _join(drawn: Tensor) -> Tensor:
    """[B, 2N, H, W] -> [B, 2, N, H, W]: slots by sign."""
    batch, slots, height, width = drawn.shape
    return drawn.reshape(batch, 2, slots // 2, height, width)
