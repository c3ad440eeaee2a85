"""The arrow tool: drag from a region into the direction in which it shall move."""

from math import hypot
from typing import Protocol

from PySide6.QtCore import Qt

from annotator.ui.image.view import ImageView
from annotator.ui.view import PointerEvent

Ends = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the photo, from tail to tip."""

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_LEAST = 8.0  # logical pixels: a shorter drag has no direction


class ArrowHost(Protocol):
    """Carries out what the arrow tool meant."""

    def take_region_at(self, place: tuple[float, float]) -> bool:
        """Make the object at a place the current one; False if there is none at all."""

    def try_arrow(self, ends: Ends) -> None:
        """Show an arrow of the current object that is being drawn."""

    def set_arrow(self, ends: Ends | None) -> None:
        """Give the current object an arrow, or take it away."""

    def give_up_arrow(self) -> None:
        """Show the arrow again that the object has."""


class ArrowTool:
    """An arrow from press to release; a right click takes the current region's away."""

    name = "arrow"

    def __init__(self, host: ArrowHost) -> None:
        self._host = host
        self._tail: tuple[float, float] | None = None

    def press(self, event: PointerEvent[ImageView]) -> bool:
        """Begin at a region; Shift leaves it to navigation."""
        if event.modifiers & _SHIFT or event.button not in (_LEFT, _RIGHT):
            return False
        place = event.view.pick(event.x, event.y)
        if event.button == _RIGHT:
            self._host.set_arrow(None)
        elif place is not None and self._host.take_region_at(place):
            self._tail = place
        return True

    def move(self, event: PointerEvent[ImageView]) -> bool:
        """Show the arrow, which may end beside the photo."""
        if self._tail is None:
            return False
        if self._far_enough(event):
            self._host.try_arrow(self._ends(event))
        return True

    def release(self, event: PointerEvent[ImageView]) -> bool:
        """Take the arrow, unless it is hardly one."""
        if self._tail is None or event.button != _LEFT:
            return False
        ends, far = self._ends(event), self._far_enough(event)
        self._tail = None
        if far:
            self._host.set_arrow(ends)
        else:
            self._host.give_up_arrow()
        return True

    def hover(self, event: PointerEvent[ImageView]) -> None:
        """Do nothing: the arrow shows while it is drawn."""

    def cancel(self) -> None:
        """Give up the unfinished arrow."""
        if self._tail is not None:
            self._tail = None
            self._host.give_up_arrow()

    def _far_enough(self, event: PointerEvent[ImageView]) -> bool:
        assert self._tail is not None
        x, y = event.view.camera.to_view(*self._tail)
        return hypot(event.x - x, event.y - y) >= _LEAST

    def _ends(self, event: PointerEvent[ImageView]) -> Ends:
        assert self._tail is not None
        return (*self._tail, *event.view.camera.to_photo(event.x, event.y))
