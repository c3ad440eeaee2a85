"""Mouse, wheel and keys that move over a photo."""

from PySide6.QtCore import QPointF, Qt

from annotator.domain.flat_camera import FlatCamera
from annotator.ui.view.navigation import KEY_PIXELS, TREMBLE, ZOOM_PER_NOTCH, arrow


class FlatNavigator:
    """Turns drags into pans, and notches of the wheel into zooms.

    Attributes:
        space: Whether the space bar is held: then every drag pans.
    """

    def __init__(self, camera: FlatCamera) -> None:
        self._camera = camera
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._middle = False
        self.space = False
        self.dragged = False

    @property
    def claims_drags(self) -> bool:
        """Whether space or the middle button asks for panning, whatever the tool."""
        return self.space or self._middle

    def press(self, at: QPointF, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> None:
        """Remember where a drag may start."""
        self._pressed, self._last, self.dragged = at, at, False
        self._middle = button == Qt.MouseButton.MiddleButton

    def track(self, at: QPointF) -> None:
        """Note that the pointer moved with a button down."""
        if self._pressed is not None and not self.dragged:
            moved = at - self._pressed
            self.dragged = self._middle or abs(moved.x()) + abs(moved.y()) > TREMBLE

    def move(self, at: QPointF) -> None:
        """Pan once the pointer has left the place of the press."""
        if self._pressed is None or not self.dragged:
            return
        step = at - self._last
        before = self._camera.centre
        self._camera.pan(step.x(), step.y())
        if self._camera.centre != before:
            self._last = at

    def release(self) -> None:
        """End the drag."""
        self._pressed, self._middle = None, False
        self.dragged = False

    def double(self, at: QPointF) -> None:
        """Do nothing: two quick clicks are two clicks."""

    def wheel(self, notches: float, at: QPointF) -> None:
        """Zoom so that what is under the pointer stays there."""
        self._camera.zoom_at(ZOOM_PER_NOTCH**notches, at.x(), at.y())

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Pan with Alt and arrows."""
        step = arrow(key)
        if step is None or not modifiers & Qt.KeyboardModifier.AltModifier:
            return False
        self._camera.pan(-step[0] * KEY_PIXELS, -step[1] * KEY_PIXELS)
        return True
