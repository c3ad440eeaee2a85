"""The box tool: drag a rectangle around the current object."""

from PySide6.QtCore import Qt

from annotator.ui.image.overlay import PhotoBox
from annotator.ui.image.tools.host import BoxHost, Place
from annotator.ui.image.view import ImageView
from annotator.ui.view import PointerEvent

_LEFT = Qt.MouseButton.LeftButton
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_LEAST = 2.0  # pixels of the photo


class BoxTool:
    """A box from press to release, in place of the one the object had."""

    name = "box"

    def __init__(self, host: BoxHost) -> None:
        self._host = host
        self._view: ImageView | None = None
        self._corner: Place | None = None

    def press(self, event: PointerEvent[ImageView]) -> bool:
        """Start the box at one corner; Shift leaves it to navigation."""
        if event.button != _LEFT or event.modifiers & _SHIFT:
            return False
        if self._host.current_object == 0:
            self._host.say("The background has no box.", "Choose an object first.")
            return True
        self._view, self._corner = event.view, self._place(event)
        return True

    def move(self, event: PointerEvent[ImageView]) -> bool:
        """Show the box."""
        if self._corner is None:
            return False
        box = PhotoBox(self._corners(event), self._host.colour, drawing=True)
        event.view.show_drawn_box(box)
        return True

    def release(self, event: PointerEvent[ImageView]) -> bool:
        """Take the box, unless it is hardly one."""
        if self._corner is None or event.button != _LEFT:
            return False
        x0, y0, x1, y1 = corners = self._corners(event)
        self.cancel()
        if x1 - x0 >= _LEAST and y1 - y0 >= _LEAST:
            self._host.set_box(corners)
        return True

    def hover(self, event: PointerEvent[ImageView]) -> None:
        """Do nothing: the box shows while it is drawn."""

    def cancel(self) -> None:
        """Take the unfinished box off the view."""
        self._corner = None
        if self._view is not None:
            self._view.show_drawn_box(None)

    def _corners(self, event: PointerEvent[ImageView]) -> tuple[float, float, float, float]:
        assert self._corner is not None
        (x0, y0), (x1, y1) = self._corner, self._place(event)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    @staticmethod
    def _place(event: PointerEvent[ImageView]) -> Place:
        """Return the place of the photo nearest to the pointer."""
        x, y = event.view.camera.to_photo(event.x, event.y)
        width, height = event.view.camera.size
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
