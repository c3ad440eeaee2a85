"""Zoom-in: the network looks at a crop around the object, as RITM's evaluation does.

All boxes are inclusive pixel boxes; rounding is half to even (RITM, official evaluation).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.clickseg.disks import PlacedClick

Size = int | tuple[int, int] | None
"""Size of the network's input: long side, exact height and width, or None for as it is."""


@dataclass(frozen=True)
class Box:
    """Rows and columns of a crop; both ends belong to it."""

    row_min: int
    row_max: int
    column_min: int
    column_max: int

    @classmethod
    def whole(cls, height: int, width: int) -> "Box":
        """Return the box of a whole picture."""
        return cls(0, height - 1, 0, width - 1)

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.row_max - self.row_min + 1

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.column_max - self.column_min + 1

    def holds(self, click: PlacedClick) -> bool:
        """Whether a click lies inside; the last row and column do not count, as published."""
        return (
            self.row_min <= click.row < self.row_max
            and self.column_min <= click.column < self.column_max
        )

    def cut(self, picture: Tensor) -> Tensor:
        """[..., H, W] -> [..., height, width]."""
        rows = slice(self.row_min, self.row_max + 1)
        return picture[..., rows, self.column_min : self.column_max + 1]


def box_iou(first: Box, second: Box) -> float:
    """Return the product of the IoUs of the rows and of the columns; not an area IoU."""
    rows = (first.row_min, first.row_max, second.row_min, second.row_max)
    columns = (first.column_min, first.column_max, second.column_min, second.column_max)
    return _interval_iou(*rows) * _interval_iou(*columns)


def _interval_iou(low: int, high: int, other_low: int, other_high: int) -> float:
    common = max(0, min(high, other_high) - max(low, other_low) + 1)
    union = max(high, other_high) - min(low, other_low) + 1
    return common / union


@dataclass(frozen=True)
class Zoom:
    """How to zoom in; the defaults are those of RITM's evaluation.

    Attributes:
        skip_clicks: So many clicks see the whole picture; with -1 even the first picture
            is brought to the target size (SimpleClick).
        target: Size that a crop is brought to.
        expansion: A crop is so many times as large as the object.
        min_crop: Least height and width of a crop in pixels.
        keep_above: The earlier crop is kept while its IoU with the new one is not below.
        threshold: Probabilities above it are the object when a crop is chosen.
    """

    skip_clicks: int = 1
    target: Size = 400
    expansion: float = 1.4
    min_crop: int = 200
    keep_above: float = 0.5
    threshold: float = 0.5

    def candidate(self, probability: Tensor, clicks: Iterable[PlacedClick]) -> Box | None:
        """Return the crop around the object and all clicks inside it; None without an object.

        Args:
            probability: [H, W].
            clicks: All so far.
        """
        mask = probability > self.threshold
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        if not bool(rows.any()):
            return None
        inside = [click for click in clicks if click.inside]
        height, width = probability.shape
        low, high = self._expand(_extent(rows, [int(c.row) for c in inside]), height)
        left, right = self._expand(_extent(columns, [int(c.column) for c in inside]), width)
        return Box(low, high, left, right)

    def _expand(self, extent: tuple[int, int], size: int) -> tuple[int, int]:
        low, high = extent
        centre = (low + high) / 2
        half = max(self.expansion * (high - low + 1), self.min_crop) / 2
        return max(0, round(centre - half)), min(size - 1, round(centre + half))

    def keeps(self, box: Box | None, candidate: Box, clicks: Iterable[PlacedClick]) -> bool:
        """Whether the earlier crop still serves."""
        if box is None or any(click.inside and not box.holds(click) for click in clicks):
            return False
        return box_iou(candidate, box) >= self.keep_above


def _extent(filled: Tensor, places: list[int]) -> tuple[int, int]:
    """Return the first and last of the filled entries and of further ones."""
    found = torch.nonzero(filled)[:, 0]
    return min([int(found[0]), *places]), max([int(found[-1]), *places])


@dataclass(frozen=True)
class View:
    """What the network is shown.

    Attributes:
        box: Part of the picture.
        height: Rows that it is brought to.
        width: Columns that it is brought to.
        corners: How it is resized, see `pixels.resample`.
    """

    box: Box
    height: int
    width: int
    corners: bool = True

    @classmethod
    def of(cls, box: Box, size: Size, corners: bool = True) -> "View":
        """Return the view of a box brought to a size."""
        if size is None:
            return cls(box, box.height, box.width, corners)
        if isinstance(size, tuple):
            return cls(box, *size, corners)
        scale = size / max(box.height, box.width)
        height, width = (max(1, round(side * scale)) for side in (box.height, box.width))
        return cls(box, height, width, corners)

    def place(self, points: Tensor) -> Tensor:
        """Move clicks from the picture into the view.

        Where the picture is resized corner to corner there is no half-pixel term, although
        there should be one: that is published behaviour.

        Args:
            points: [B, 2N, 3] in pixels of the picture.

        Returns:
            The same in pixels of the view.
        """
        edge = 0.0 if self.corners else 0.5
        rows = self.height * (points[..., 0] - self.box.row_min + edge) / self.box.height - edge
        columns = points[..., 1] - self.box.column_min + edge
        columns = self.width * columns / self.box.width - edge
        there = points[..., 2] >= 0
        placed = [torch.where(there, rows, -1.0), torch.where(there, columns, -1.0)]
        return torch.stack([*placed, points[..., 2]], dim=-1)
