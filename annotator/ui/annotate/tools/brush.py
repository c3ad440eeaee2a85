"""Brush and eraser: paint an object onto the points under a disc."""

import numpy as np
from PySide6.QtCore import Qt

from annotator.domain.cloud import Int64
from annotator.project.points import distinct
from annotator.ui.annotate.tools.host import ToolHost
from annotator.ui.view import PointerEvent, PointView

_LEFT = Qt.MouseButton.LeftButton
_SHIFT, _ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier


class BrushTool:
    """A stroke from press to release is one edit. Alt reaches hidden points, Ctrl erases."""

    name = "brush"

    def __init__(self, host: ToolHost) -> None:
        self._host = host
        self._view: PointView | None = None
        self._target: int | None = None
        self._parts: list[Int64] = []

    def target(self, event: PointerEvent[PointView]) -> int:
        """Return the object that a stroke starting with `event` is for."""
        return 0 if event.modifiers & _CONTROL else self._host.current_object

    def press(self, event: PointerEvent[PointView]) -> bool:
        """Start a stroke with the left button; Shift leaves it to navigation."""
        if event.button != _LEFT or event.modifiers & _SHIFT:
            return False
        self._target = self.target(event)
        self._parts = []
        self._extend(event)
        return True

    def move(self, event: PointerEvent[PointView]) -> bool:
        """Lengthen the stroke."""
        self._show_disc(event)
        if self._target is None:
            return False
        self._extend(event)
        return True

    def release(self, event: PointerEvent[PointView]) -> bool:
        """Commit the stroke."""
        if self._target is None or event.button != _LEFT:
            return False
        target, self._target = self._target, None
        self._host.paint(distinct(np.concatenate(self._parts)), target)
        return True

    def hover(self, event: PointerEvent[PointView]) -> None:
        """Show what the disc would touch."""
        self._show_disc(event)

    def cancel(self) -> None:
        """Give up the stroke and take the disc off the view."""
        if self._target is not None:
            self._target = None
            self._host.cancel_preview()
        if self._view is not None:
            self._view.set_overlay_circle(None)

    def _show_disc(self, event: PointerEvent[PointView]) -> None:
        self._view = event.view
        event.view.set_overlay_circle((event.x, event.y), self._host.brush_radius)

    def _extend(self, event: PointerEvent[PointView]) -> None:
        through = bool(event.modifiers & _ALT)
        radius = self._host.brush_radius
        near = event.view.points_near(event.x, event.y, radius, visible_only=not through)
        self._parts.append(near)
        if len(near) and self._target is not None:
            self._host.preview_paint(near, self._target)
