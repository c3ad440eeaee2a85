"""Mouse, wheel and keys that move the camera."""

from collections.abc import Callable

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


class Navigator:
    """Turns drags into orbits and pans, and notches of the wheel into zooms."""

    def __init__(self, camera: OrbitCamera) -> None:
        self._camera = camera
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._panning = False
        self.dragged = False

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

    def wheel(
        self,
        notches: float,
        at: QPointF,
        under: Callable[[float, float], npt.NDArray[np.float64] | None],
    ) -> None:
        """Zoom so that what is under the pointer stays there."""
        target = under(at.x(), at.y())
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
