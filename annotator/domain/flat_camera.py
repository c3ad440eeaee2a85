"""The camera over a photo: which part is seen how large. No Qt."""

import json
import math
from collections.abc import Mapping
from typing import Any

from annotator.domain.signals import Signal

LARGEST_SCALE = 64.0
"""Logical pixels per pixel of the photo at the highest zoom."""

_MARGIN = 0.96  # of the view, that a fitted photo fills
_KEEP = 48.0  # logical pixels of the photo that stay in view however far one pans


class FlatCamera:
    """Looks straight down on a photo.

    Photo coordinates are those of clicks: x right, y down, the origin at the corner of
    the top-left pixel. View coordinates are logical pixels from the view's corner.

    Attributes:
        changed: Emitted after every move.
        viewport: (width, height) of the view in logical pixels.
        ratio: Device pixels per logical pixel.
        size: (width, height) of the photo in its own pixels.
        scale: Logical pixels per pixel of the photo.
        centre: The photo's coordinates in the middle of the view.
    """

    def __init__(self) -> None:
        self.changed: Signal[[]] = Signal()
        self.viewport = (640, 480)
        self.ratio = 1.0
        self.size = (1, 1)
        self.scale = 1.0
        self.centre = (0.5, 0.5)

    # -- places -----------------------------------------------------------------

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """Return where in the view a place of the photo is."""
        return (
            (x - self.centre[0]) * self.scale + self.viewport[0] / 2,
            (y - self.centre[1]) * self.scale + self.viewport[1] / 2,
        )

    def to_photo(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of the photo under a place of the view, which may lie outside."""
        return (
            (x - self.viewport[0] / 2) / self.scale + self.centre[0],
            (y - self.viewport[1] / 2) / self.scale + self.centre[1],
        )

    def contains(self, x: float, y: float) -> bool:
        """Whether a place of the photo lies on it."""
        return 0 <= x < self.size[0] and 0 <= y < self.size[1]

    # -- moves ------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole photo; a small one not larger than eight times."""
        width, height = self.size
        scale = min(self.viewport[0] / width, self.viewport[1] / height) * _MARGIN
        self._place((width / 2, height / 2), min(scale, 8.0 / self.ratio))

    def one_to_one(self, x: float | None = None, y: float | None = None) -> None:
        """Show one pixel of the photo as one of the screen, keeping a place of the view."""
        factor = 1.0 / self.ratio / self.scale
        self.zoom_at(factor, *self._or_middle(x, y))

    def zoom(self, factor: float) -> None:
        """Zoom around the middle of the view."""
        self.zoom_at(factor, *self._or_middle(None, None))

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom so that what is under a place of the view stays there."""
        kept = self.to_photo(x, y)
        scale = min(max(self.scale * factor, self._smallest()), LARGEST_SCALE)
        centre = (
            kept[0] - (x - self.viewport[0] / 2) / scale,
            kept[1] - (y - self.viewport[1] / 2) / scale,
        )
        self._place(centre, scale)

    def pan(self, right: float, down: float) -> None:
        """Move the photo by logical pixels, whole pixels of the screen at a time."""
        step = 1.0 / self.ratio
        right, down = round(right / step) * step, round(down / step) * step
        centre = (self.centre[0] - right / self.scale, self.centre[1] - down / self.scale)
        self._place(centre, self.scale)

    def show(self, left: float, top: float, right: float, bottom: float) -> None:
        """Show a part of the photo, as large as it fits, with some of what is around."""
        wide, high = max(right - left, 1.0), max(bottom - top, 1.0)
        scale = 0.85 * min(self.viewport[0] / wide, self.viewport[1] / high)
        scale = min(max(scale, self._smallest()), LARGEST_SCALE / 4)
        self._place(((left + right) / 2, (top + bottom) / 2), scale)

    def reveal(self, x: float, y: float) -> None:
        """Move a place of the photo into the view if it is outside of it."""
        at_x, at_y = self.to_view(x, y)
        if not (0 <= at_x <= self.viewport[0] and 0 <= at_y <= self.viewport[1]):
            self._place((x, y), self.scale)

    def follow(self, other: "FlatCamera") -> None:
        """See what another view of the same photo sees, enlarged as much beyond fitting."""
        scale = other.scale * self._fitted() / other._fitted()
        self._place(other.centre, min(scale, LARGEST_SCALE))

    def _or_middle(self, x: float | None, y: float | None) -> tuple[float, float]:
        middle = (self.viewport[0] / 2, self.viewport[1] / 2)
        return (middle[0] if x is None else x, middle[1] if y is None else y)

    def _smallest(self) -> float:
        return min(self._fitted() * 0.5, 1.0)

    def _fitted(self) -> float:
        return min(self.viewport[0] / self.size[0], self.viewport[1] / self.size[1])

    def _place(self, centre: tuple[float, float], scale: float) -> None:
        """Move, and keep an edge of the photo in view."""
        x, y = (
            min(max(c, (_KEEP - v / 2) / scale), n + (v / 2 - _KEEP) / scale)
            for c, v, n in zip(centre, self.viewport, self.size, strict=True)
        )
        if (x, y, scale) != (*self.centre, self.scale):
            self.centre, self.scale = (x, y), scale
            self.changed.emit()

    # -- for the log ---------------------------------------------------------------

    def to_json(self) -> str:
        """Return what is seen as JSON text, for the project's log."""
        return json.dumps({"centre": self.centre, "scale": self.scale})

    def from_json(self, text: str | Mapping[str, Any]) -> None:
        """Take what `to_json` wrote.

        Raises:
            ValueError: If the text is no such thing; the camera is then unchanged.
        """
        try:
            values = json.loads(text) if isinstance(text, str) else text
            x, y = (float(v) for v in values["centre"])
            scale = float(values["scale"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a camera: {text!r}") from error
        if not all(map(math.isfinite, (x, y, scale))) or not 0 < scale <= LARGEST_SCALE:
            raise ValueError(f"not a camera: {text!r}")
        self._place((x, y), scale)
