"""The lasso: encircle points to give them to the current object."""

from math import hypot

import numpy as np
from PySide6.QtCore import Qt

from annotator.domain import BACKGROUND
from annotator.ui.annotate.tools.host import ToolHost
from annotator.ui.view import PointerEvent, PointView

_LEFT = Qt.MouseButton.LeftButton
_SHIFT, _ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier
_STEP = 3.0  # logical pixels between two corners: finer than a hand draws


class LassoTool:
    """Takes the points seen inside the drawn line; Alt takes hidden ones too, Ctrl erases."""

    name = "lasso"

    def __init__(self, host: ToolHost) -> None:
        self._host = host
        self._view: PointView | None = None
        self._corners: list[tuple[float, float]] = []

    def press(self, event: PointerEvent[PointView]) -> bool:
        """Start the line with the left button; Shift leaves it to navigation."""
        if event.button != _LEFT or event.modifiers & _SHIFT:
            return False
        self._view = event.view
        self._corners = [(event.x, event.y)]
        return True

    def move(self, event: PointerEvent[PointView]) -> bool:
        """Lengthen the line."""
        if not self._corners:
            return False
        x, y = self._corners[-1]
        if hypot(event.x - x, event.y - y) >= _STEP:
            self._corners.append((event.x, event.y))
            event.view.set_overlay_polygon(np.array(self._corners))
        return True

    def release(self, event: PointerEvent[PointView]) -> bool:
        """Close the line and give what is inside to the object."""
        if not self._corners or event.button != _LEFT:
            return False
        polygon = np.array([*self._corners, (event.x, event.y)], dtype=np.float64)
        self.cancel()
        if len(polygon) >= 3:
            through = bool(event.modifiers & _ALT)
            inside = event.view.points_in_polygon(polygon, visible_only=not through)
            erase = event.modifiers & _CONTROL
            self._host.paint(inside, BACKGROUND if erase else self._host.current_object)
        return True

    def hover(self, event: PointerEvent[PointView]) -> None:
        """Do nothing: the lasso shows while it is drawn."""

    def cancel(self) -> None:
        """Take the line off the view."""
        self._corners = []
        if self._view is not None:
            self._view.set_overlay_polygon(None)
