"""The outline tool: move, add and remove corners of the current object's outline."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt

from annotator.domain.polygons import Ring
from annotator.ui.image.overlay import Outline
from annotator.ui.image.tools.host import PhotoHost, Place
from annotator.ui.image.view import ImageView
from annotator.ui.view import PointerEvent

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_REACH = 9.0  # logical pixels within which a pointer is on a corner or a side
_TOLERANCE = 2.5  # logical pixels that the simplified outline may be beside the mask

_CROWD = 150  # corners above which only those around the pointer show

Corner = tuple[int, int]
"""Number of the ring, number of the corner."""


class OutlineTool:
    """Drag a corner to move it, drag a side to make one, right click a corner to remove it."""

    name = "outline"

    def __init__(self, host: PhotoHost) -> None:
        self._host = host
        self._view: ImageView | None = None
        self._rings: list[Ring] = []
        self._before: list[Ring] = []
        self._grabbed: Corner | None = None
        self._expected = False
        self._at: Place = (-1e6, -1e6)

    def take(self, view: ImageView) -> None:
        """Show the outline of the current object."""
        self._view = view
        self._rings = self._host.outlines(_TOLERANCE / view.camera.scale)
        self._grabbed, self._expected = None, False
        self._show()

    def refresh(self) -> None:
        """Show the outline anew where the object changed by other means."""
        expected, self._expected = self._expected, False
        if not expected and self._view is not None and self._grabbed is None:
            self.take(self._view)

    def press(self, event: PointerEvent[ImageView]) -> bool:
        """Grab a corner, or make one on a side."""
        if event.modifiers & _SHIFT or event.button not in (_LEFT, _RIGHT):
            return False
        if self._view is None:
            self.take(event.view)
        corner = self._corner_at(event)
        if event.button == _RIGHT:
            return self._remove(corner)
        self._before = [ring.copy() for ring in self._rings]
        self._grabbed = corner or self._insert(event)
        self._show()
        return self._grabbed is not None

    def move(self, event: PointerEvent[ImageView]) -> bool:
        """Move the grabbed corner."""
        if self._grabbed is None:
            return False
        ring, corner = self._grabbed
        width, height = event.view.camera.size
        self._at = (event.x, event.y)
        x, y = event.view.camera.to_photo(event.x, event.y)
        self._rings[ring][corner] = min(max(x, 0), width), min(max(y, 0), height)
        self._show()
        return True

    def release(self, event: PointerEvent[ImageView]) -> bool:
        """Give the object what the moved corner encloses now."""
        if self._grabbed is None or event.button != _LEFT:
            return False
        self._grabbed = None
        self._show()
        # Corners stay where they were put: tracing the pixels again would make other ones.
        self._expected = self._host.move_outline(self._before, self._rings)
        return True

    def hover(self, event: PointerEvent[ImageView]) -> None:
        """Highlight the corner under the pointer."""
        if self._view is None:
            self.take(event.view)
        self._at = (event.x, event.y)
        self._show(self._corner_at(event))

    def cancel(self) -> None:
        """Put a grabbed corner back and take the outline off the view."""
        if self._grabbed is not None:
            self._rings, self._grabbed = self._before, None
        if self._view is not None:
            self._view.set_outlines(())
            self._view = None

    def _remove(self, corner: Corner | None) -> bool:
        if corner is None or len(self._rings[corner[0]]) <= 3:
            return corner is not None
        before = [ring.copy() for ring in self._rings]
        self._rings[corner[0]] = np.delete(self._rings[corner[0]], corner[1], axis=0)
        self._show()
        self._expected = self._host.move_outline(before, self._rings)
        return True

    def _insert(self, event: PointerEvent[ImageView]) -> Corner | None:
        """Make a corner on the side under the pointer."""
        best: tuple[float, Corner] | None = None
        for number, ring in enumerate(self._rings):
            distances = _side_distances(self._in_view(event.view, ring), (event.x, event.y))
            side = int(np.argmin(distances))
            if distances[side] <= _REACH and (best is None or distances[side] < best[0]):
                best = (float(distances[side]), (number, side + 1))
        if best is None:
            return None
        number, place = best[1]
        corner = np.array(event.view.camera.to_photo(event.x, event.y))
        self._rings[number] = np.insert(self._rings[number], place, corner, axis=0)
        return number, place

    def _corner_at(self, event: PointerEvent[ImageView]) -> Corner | None:
        best: tuple[float, Corner] | None = None
        for number, ring in enumerate(self._rings):
            away = self._in_view(event.view, ring) - (event.x, event.y)
            distances = np.hypot(away[:, 0], away[:, 1])
            nearest = int(np.argmin(distances))
            if distances[nearest] <= _REACH and (best is None or distances[nearest] < best[0]):
                best = (float(distances[nearest]), (number, nearest))
        return best[1] if best else None

    @staticmethod
    def _in_view(view: ImageView, ring: Ring) -> npt.NDArray[np.float64]:
        return np.array([view.camera.to_view(x, y) for x, y in ring.tolist()])

    def _show(self, near: Corner | None = None) -> None:
        if self._view is None:
            return
        marked = self._grabbed or near
        crowded = sum(map(len, self._rings)) > _CROWD
        self._view.set_outlines([
            Outline(ring, self._host.colour,
                    grabbed=marked[1] if marked and marked[0] == number else None,
                    near=self._at if crowded else None)
            for number, ring in enumerate(self._rings)
        ])  # fmt: skip


def _side_distances(ring: npt.NDArray[np.float64], at: Place) -> npt.NDArray[np.float64]:
    """Return how far a place is from each side of a ring [K, 2]."""
    ends = np.roll(ring, -1, axis=0)
    along = ends - ring
    length = np.maximum((along**2).sum(axis=1), 1e-9)
    share = np.clip(((np.array(at) - ring) * along).sum(axis=1) / length, 0, 1)
    away = ring + share[:, None] * along - np.array(at)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]))
