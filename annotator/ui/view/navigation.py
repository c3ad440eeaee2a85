"""Mouse, wheel and keys that move the camera."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt

from annotator.domain.camera import OrbitCamera

DEGREES_PER_PIXEL = 0.35
TREMBLE = 4.0  # logical pixels that a click may move without becoming a drag
ZOOM_PER_NOTCH = 1.2
KEY_DEGREES = 5.0
KEY_PIXELS = 40.0

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_ZOOM_KEYS = {
    Qt.Key.Key_Plus: ZOOM_PER_NOTCH,
    Qt.Key.Key_Equal: ZOOM_PER_NOTCH,
    Qt.Key.Key_Minus: 1 / ZOOM_PER_NOTCH,
    Qt.Key.Key_PageUp: ZOOM_PER_NOTCH**2,
    Qt.Key.Key_PageDown: ZOOM_PER_NOTCH**-2,
}


def arrow(key: int) -> tuple[int, int] | None:
    """Return the step (right, down) that an arrow key means, or None."""
    return _ARROWS.get(Qt.Key(key))


class Navigation(Protocol):
    """Moves a camera with what tools leave to it.

    Attributes:
        dragged: Whether the pointer left the place of the press by more than a tremble.
    """

    dragged: bool

    @property
    def claims_drags(self) -> bool:
        """Whether the next drag is navigation, whatever the tool."""

    def press(self, at: QPointF, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> None:
        """Remember where a drag may start."""

    def track(self, at: QPointF) -> None:
        """Note that the pointer moved with a button down."""

    def move(self, at: QPointF) -> None:
        """Move the camera by a drag."""

    def release(self) -> None:
        """End the drag."""

    def double(self, at: QPointF) -> None:
        """Follow a double click."""

    def wheel(self, notches: float, at: QPointF) -> None:
        """Zoom so that what is under the pointer stays there."""

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Follow a key; False leaves it to others."""


class Navigator:
    """Turns drags into orbits and pans, and notches of the wheel into zooms."""

    def __init__(
        self,
        camera: OrbitCamera,
        under: Callable[[float, float], npt.NDArray[np.float64] | None],
        set_pivot_at: Callable[[float, float], object],
    ) -> None:
        """Move `camera`.

        Args:
            camera: The camera.
            under: Gives the point [3] under a place of the view.
            set_pivot_at: Turns around the point under a place from now on.
        """
        self._camera, self._under, self._set_pivot_at = camera, under, set_pivot_at
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._panning = False
        self.dragged = False

    @property
    def claims_drags(self) -> bool:
        """Never: what a tool takes is the tool's."""
        return False

    def press(self, at: QPointF, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> None:
        """Remember where a drag may start."""
        self._pressed, self._last, self.dragged = at, at, False
        shifted = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        self._panning = button != Qt.MouseButton.LeftButton or shifted

    def track(self, at: QPointF) -> None:
        """Note that the pointer moved with a button down."""
        if self._pressed is not None and not self.dragged:
            moved = at - self._pressed
            self.dragged = abs(moved.x()) + abs(moved.y()) > TREMBLE

    def move(self, at: QPointF) -> None:
        """Orbit or pan once the pointer has left the place of the press."""
        if self._pressed is None or not self.dragged:
            return
        step = at - self._last
        self._last = at
        if self._panning:
            self._camera.pan(step.x(), step.y())
        else:
            self._camera.orbit(-step.x() * DEGREES_PER_PIXEL, step.y() * DEGREES_PER_PIXEL)

    def release(self) -> None:
        """End the drag."""
        self._pressed = None
        self.dragged = False

    def double(self, at: QPointF) -> None:
        """Turn around the point under a double click from now on."""
        self._set_pivot_at(at.x(), at.y())

    def wheel(self, notches: float, at: QPointF) -> None:
        """Zoom so that what is under the pointer stays there."""
        target = self._under(at.x(), at.y())
        self._camera.zoom_at(ZOOM_PER_NOTCH**notches, at.x(), at.y(), target)

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Zoom with plus and minus, orbit with Alt and pan with Alt+Shift and arrows."""
        factor = _ZOOM_KEYS.get(Qt.Key(key))
        if factor is not None and not modifiers & Qt.KeyboardModifier.ControlModifier:
            self._camera.zoom(factor)
            return True
        step = arrow(key)
        if step is None or not modifiers & Qt.KeyboardModifier.AltModifier:
            return False
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._camera.pan(-step[0] * KEY_PIXELS, -step[1] * KEY_PIXELS)
        else:
            self._camera.orbit(step[0] * KEY_DEGREES, -step[1] * KEY_DEGREES)
        return True
