"""The polygon tool: click corner by corner around what the current object shall get."""

from math import hypot

import numpy as np
from PySide6.QtCore import Qt

from annotator.domain import BACKGROUND
from annotator.ui.image.overlay import Outline
from annotator.ui.image.tools.host import PhotoHost, Place
from annotator.ui.image.view import ImageView
from annotator.ui.view import PointerEvent

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_SHIFT, _CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_BACK = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)
_CLOSE_REACH = 9.0  # logical pixels around the first corner that close the polygon
_STEP = 6.0  # logical pixels between the corners of a line drawn with the button down


class PolygonTool:
    """Clicks add corners, a held button draws; Enter or the first corner closes it.

    Backspace or a right click takes the last corner back. Ctrl at the closing takes the
    pixels away from the object instead.
    """

    name = "polygon"

    def __init__(self, host: PhotoHost) -> None:
        self._host = host
        self._view: ImageView | None = None
        self._corners: list[Place] = []
        self._drawing = False

    def press(self, event: PointerEvent[ImageView]) -> bool:
        """Add a corner, or close the polygon at its first one."""
        if event.modifiers & _SHIFT or event.button not in (_LEFT, _RIGHT):
            return False
        if event.button == _RIGHT:
            self._take_back()
            return bool(self._corners)
        self._view = event.view
        if self._closes(event) or event.double:
            self._finish(erase=bool(event.modifiers & _CONTROL))
            return True
        self._corners.append(event.view.camera.to_photo(event.x, event.y))
        self._drawing = True
        self._show(None)
        return True

    def move(self, event: PointerEvent[ImageView]) -> bool:
        """Add corners along a line drawn with the button down."""
        if not self._drawing:
            return False
        x, y = event.view.camera.to_view(*self._corners[-1])
        if event.dragged and hypot(event.x - x, event.y - y) >= _STEP:
            self._corners.append(event.view.camera.to_photo(event.x, event.y))
        self._show(event)
        return True

    def release(self, event: PointerEvent[ImageView]) -> bool:
        """End a line drawn with the button down."""
        held, self._drawing = self._drawing, False
        return held

    def hover(self, event: PointerEvent[ImageView]) -> None:
        """Show where the next side would be."""
        if self._corners:
            self._show(event)

    def wants(self, key: int) -> bool:
        """Whether a key would do something to the unfinished polygon."""
        return bool(self._corners) and key in (*_ENTER, *_BACK, Qt.Key.Key_Escape)

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Close the polygon with Enter, take its last corner back with Backspace."""
        if not self.wants(key):
            return False
        if key in _ENTER:
            self._finish(erase=bool(modifiers & _CONTROL))
        elif key in _BACK:
            self._take_back()
        else:
            self.cancel()
        return True

    def cancel(self) -> None:
        """Take the unfinished polygon off the view."""
        self._corners, self._drawing = [], False
        if self._view is not None:
            self._view.set_outlines(())

    def _closes(self, event: PointerEvent[ImageView]) -> bool:
        if len(self._corners) < 3:
            return False
        x, y = event.view.camera.to_view(*self._corners[0])
        return hypot(event.x - x, event.y - y) <= _CLOSE_REACH

    def _finish(self, *, erase: bool) -> None:
        corners = np.array(self._corners, np.float64)
        if len(corners) < 3:
            self._host.say("A polygon has at least three corners.")
            return
        self.cancel()
        self._host.fill(corners, BACKGROUND if erase else self._host.current_object)

    def _take_back(self) -> None:
        if self._corners:
            self._corners.pop()
            self._show(None)

    def _show(self, event: PointerEvent[ImageView] | None) -> None:
        if self._view is None:
            return
        if not self._corners:
            self._view.set_outlines(())
            return
        tip = None if event is None else event.view.camera.to_photo(event.x, event.y)
        near = 0 if event is not None and self._closes(event) else None
        corners = np.array(self._corners, np.float64)
        closed = near is not None
        outline = Outline(corners, self._host.colour, closed, near, None if closed else tip)
        self._view.set_outlines([outline])
