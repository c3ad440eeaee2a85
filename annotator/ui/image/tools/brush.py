"""Brush and eraser: paint an object onto the pixels under a disc."""

from PySide6.QtCore import Qt

from annotator.domain import BACKGROUND
from annotator.ui.image.tools.host import PhotoHost, Place
from annotator.ui.image.view import ImageView
from annotator.ui.view import PointerEvent

_LEFT = Qt.MouseButton.LeftButton
_SHIFT, _CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class PhotoBrushTool:
    """A stroke from press to release is one edit. Ctrl erases."""

    name = "brush"

    def __init__(self, host: PhotoHost) -> None:
        self._host = host
        self._view: ImageView | None = None
        self._target: int | None = None
        self._last: Place = (0.0, 0.0)

    def target(self, event: PointerEvent[ImageView]) -> int:
        """Return the object that a stroke starting with `event` is for."""
        return BACKGROUND if event.modifiers & _CONTROL else self._host.current_object

    def press(self, event: PointerEvent[ImageView]) -> bool:
        """Start a stroke with the left button; Shift leaves it to navigation."""
        if event.button != _LEFT or event.modifiers & _SHIFT:
            return False
        self._target = self.target(event)
        self._last = event.view.camera.to_photo(event.x, event.y)
        self._extend(event)
        return True

    def move(self, event: PointerEvent[ImageView]) -> bool:
        """Lengthen the stroke."""
        self._show_disc(event)
        if self._target is None:
            return False
        self._extend(event)
        return True

    def release(self, event: PointerEvent[ImageView]) -> bool:
        """Commit the stroke."""
        if self._target is None or event.button != _LEFT:
            return False
        target, self._target = self._target, None
        self._host.end_stroke(target)
        return True

    def hover(self, event: PointerEvent[ImageView]) -> None:
        """Show what the disc would touch."""
        self._show_disc(event)

    def cancel(self) -> None:
        """Give up the stroke and take the disc off the view."""
        if self._target is not None:
            self._target = None
            self._host.cancel_stroke()
        if self._view is not None:
            self._view.set_overlay_circle(None)

    def _show_disc(self, event: PointerEvent[ImageView]) -> None:
        self._view = event.view
        event.view.set_overlay_circle((event.x, event.y), self._host.brush_radius)

    def _extend(self, event: PointerEvent[ImageView]) -> None:
        assert self._target is not None
        place = event.view.camera.to_photo(event.x, event.y)
        self._host.extend_stroke(self._last, place, self._target)
        self._last = place


class PhotoEraserTool(PhotoBrushTool):
    """Like the brush, but gives pixels back to the background."""

    name = "eraser"

    def target(self, event: PointerEvent[ImageView]) -> int:
        """Return the background."""
        return BACKGROUND
