"""The click tool: a left click adds, a drag of a marker moves, a right click removes."""

from typing import Generic, TypeVar

from PySide6.QtCore import Qt

from annotator.domain import BACKGROUND
from annotator.ui.annotate.tools.host import ClickHost
from annotator.ui.view import PickView, PointerEvent

PlaceT = TypeVar("PlaceT")

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier


class ClickTool(Generic[PlaceT]):
    """Places, moves and removes clicks. Drags that start off a marker are left to navigation."""

    name = "click"

    def __init__(self, host: ClickHost[PlaceT]) -> None:
        self._host = host
        self._pressed = False
        self._grabbed: int | None = None
        self._dragging = False

    def press(self, event: PointerEvent[PickView[PlaceT]]) -> bool:
        """Grab the marker under a left press; swallow the second press of a double click."""
        self.cancel()
        if event.modifiers & _SHIFT:
            return False
        if event.double and event.button == _LEFT:
            return True  # else a nervous finger would click twice and turn the scan
        self._pressed = True
        if event.button == _LEFT:
            self._grabbed = event.view.pick_marker(event.x, event.y)
        if self._grabbed is not None:
            self._host.select_click(self._grabbed)
        return self._grabbed is not None

    def move(self, event: PointerEvent[PickView[PlaceT]]) -> bool:
        """Show a grabbed click at the point under the pointer."""
        if self._grabbed is None:
            return False
        self._dragging = self._dragging or event.dragged
        place = event.view.pick(event.x, event.y) if self._dragging else None
        if place is not None:
            self._host.preview_move(self._grabbed, place)
        return True

    def release(self, event: PointerEvent[PickView[PlaceT]]) -> bool:
        """Finish the gesture: move, remove or add a click."""
        if not self._pressed:
            return False
        self._pressed = False
        if self._grabbed is not None:
            self._drop(event)
            return True
        if event.dragged:
            return False
        if event.button == _RIGHT:
            return self._remove(event)
        return event.button == _LEFT and self._add(event)

    def hover(self, event: PointerEvent[PickView[PlaceT]]) -> None:
        """Do nothing: markers need no hover."""

    def cancel(self) -> None:
        """Give up an unfinished drag."""
        if self._grabbed is not None and self._dragging:
            self._host.preview_move(self._grabbed, None)
        self._pressed, self._grabbed, self._dragging = False, None, False

    def _drop(self, event: PointerEvent[PickView[PlaceT]]) -> None:
        click_id, dragged = self._grabbed, self._dragging
        self.cancel()
        place = event.view.pick(event.x, event.y) if dragged else None
        if click_id is not None and place is not None:
            self._host.move_click(click_id, place)

    def _remove(self, event: PointerEvent[PickView[PlaceT]]) -> bool:
        click_id = event.view.pick_marker(event.x, event.y)
        if click_id is not None:
            self._host.remove_click(click_id)
        return click_id is not None

    def _add(self, event: PointerEvent[PickView[PlaceT]]) -> bool:
        place = event.view.pick(event.x, event.y)
        if place is not None:
            background = bool(event.modifiers & _CONTROL)
            self._host.add_click(place, BACKGROUND if background else self._host.current_object)
        return place is not None
