"""What is drawn over the points: click markers, lasso, brush, crosshair, axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QPolygonF

from annotator.domain.camera import OrbitCamera
from annotator.domain.labels import Colour

MARKER_RADIUS = 9.0
MARKER_REACH = 12.0  # logical pixels within which a pointer is on a marker
BEHIND_OPACITY = 0.38
_STAMP = 36  # logical pixels; the ring of a selected marker fits
AXIS_LENGTH = 30.0
AXES = (("x", QColor(214, 83, 83)), ("y", QColor(92, 170, 92)), ("z", QColor(84, 132, 220)))


@dataclass(frozen=True)
class ClickMarker:
    """A click as shown in the view.

    Attributes:
        position: (x, y, z) metres in the cloud's local coordinates.
        object_id: Its object; 0, the background, is drawn as a ring.
        click_id: What `PointView.pick_marker` returns.
        colour: Of its object.
        text: Short text in the middle, usually a number.
        selected: Whether it gets a second ring.
    """

    position: tuple[float, float, float]
    object_id: int
    click_id: int
    colour: Colour
    text: str = ""
    selected: bool = False


class OverPoints(Protocol):
    """What is drawn between points and markers."""

    def paint(self, painter: QPainter, camera: OrbitCamera) -> None:
        """Draw with a painter of the view, smooth lines set."""


@dataclass
class Overlay:
    """The things over the points, in logical pixels.

    Attributes:
        markers: Clicks.
        polygon: [K, 2] lasso, or None.
        circle: Brush (x, y, radius), or None.
        cursor: Keyboard placement cursor (x, y), or None.
        gizmo: Whether the axes are drawn.
        heat: Map of what clicks elsewhere would give, or None.
    """

    markers: Sequence[ClickMarker] = ()
    polygon: npt.NDArray[np.float64] | None = None
    circle: tuple[float, float, float] | None = None
    cursor: tuple[float, float] | None = None
    gizmo: bool = True
    heat: OverPoints | None = None

    def paint(
        self,
        painter: QPainter,
        camera: OrbitCamera,
        behind: npt.NDArray[np.bool_],
    ) -> None:
        """Draw everything.

        Args:
            painter: Of a surface of the camera's viewport size.
            camera: Where the markers are seen from.
            behind: [M] which markers have points in front of them; drawn paler.
        """
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.gizmo:
            _paint_axes(painter, camera)
        if self.heat is not None:
            self.heat.paint(painter, camera)
        ratio = painter.device().devicePixelRatioF()
        x, y = self.places(camera)
        # Paler ones first, so that none covers a marker that can be seen.
        for i in (*np.flatnonzero(behind), *np.flatnonzero(~behind)):
            if -_STAMP < x[i] < camera.viewport[0] + _STAMP:  # false for NaN too
                painter.setOpacity(BEHIND_OPACITY if behind[i] else 1.0)
                stamp = _stamp(_look(self.markers[i]), ratio)
                painter.drawPixmap(QPointF(x[i] - _STAMP / 2, y[i] - _STAMP / 2), stamp)
        painter.setOpacity(1.0)
        self._paint_selection(painter)
        if self.cursor is not None:
            paint_cursor(painter, *self.cursor)

    def places(self, camera: OrbitCamera) -> tuple[npt.NDArray[np.float64], ...]:
        """Return x [M] and y [M] of the markers in logical pixels, NaN behind the camera."""
        positions = np.array([m.position for m in self.markers], np.float64).reshape(-1, 3)
        x, y, _ = camera.projection().project(positions)
        return x, y

    def marker_at(self, camera: OrbitCamera, x: float, y: float) -> int | None:
        """Return the click id of the nearest marker under a pointer, or None."""
        if not self.markers:
            return None
        mx, my = self.places(camera)
        distance = np.nan_to_num(np.hypot(mx - x, my - y), nan=np.inf)
        nearest = int(np.argmin(distance))
        return self.markers[nearest].click_id if distance[nearest] <= MARKER_REACH else None

    def _paint_selection(self, painter: QPainter) -> None:
        painter.setBrush(QColor(255, 255, 255, 36))
        for pen in two_tone(1.5):
            painter.setPen(pen)
            if self.polygon is not None and len(self.polygon) > 1:
                painter.drawPolygon(QPolygonF([QPointF(*p) for p in self.polygon.tolist()]))
            if self.circle is not None:
                x, y, radius = self.circle
                painter.drawEllipse(QPointF(x, y), radius, radius)
            painter.setBrush(Qt.BrushStyle.NoBrush)


def two_tone(width: float) -> tuple[QPen, QPen]:
    """Return a dark pen and a dashed light one: over each other they show on every background."""
    dark = QPen(QColor(0, 0, 0, 170), width + 1.5)
    light = QPen(QColor(255, 255, 255), width, Qt.PenStyle.DashLine)
    return dark, light


MarkerLook = tuple[Colour, bool, str, bool]
"""Colour, whether hollow, text, whether selected: all that a marker's picture depends on."""


def _look(marker: ClickMarker) -> MarkerLook:
    return marker.colour, marker.object_id == 0, marker.text, marker.selected


@lru_cache(maxsize=512)
def _stamp(look: MarkerLook, ratio: float) -> QPixmap:
    """Return a marker's picture: drawn once, since hundreds may be on the screen at a time."""
    side = round(_STAMP * ratio)
    stamp = QPixmap(side, side)
    stamp.setDevicePixelRatio(ratio)
    stamp.fill(Qt.GlobalColor.transparent)
    painter = QPainter(stamp)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_marker(painter, QPointF(_STAMP / 2, _STAMP / 2), look)
    painter.end()
    return stamp


def _paint_marker(painter: QPainter, at: QPointF, look: MarkerLook) -> None:
    shade, hollow, text, selected = look
    colour = QColor(*shade)
    if selected:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(QColor(0, 0, 0, 200), 5), QPen(QColor(255, 255, 255), 2.5)):
            painter.setPen(pen)
            painter.drawEllipse(at, MARKER_RADIUS + 4, MARKER_RADIUS + 4)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 4))
    painter.drawEllipse(at, MARKER_RADIUS, MARKER_RADIUS)
    painter.setPen(QPen(QColor(255, 255, 255), 2))
    painter.setBrush(QColor(20, 20, 20, 220) if hollow else colour)
    painter.drawEllipse(at, MARKER_RADIUS, MARKER_RADIUS)
    dark_text = not hollow and colour.lightnessF() > 0.45
    painter.setPen(QColor(0, 0, 0) if dark_text else QColor(255, 255, 255))
    font = QFont(painter.font())
    font.setPixelSize(11 if len(text) < 3 else 9)
    font.setBold(True)
    painter.setFont(font)
    box = QRectF(at.x() - 14, at.y() - 10, 28, 20)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def paint_cursor(painter: QPainter, x: float, y: float) -> None:
    """Draw the placement cursor."""
    for pen in (QPen(QColor(0, 0, 0, 200), 4), QPen(QColor(255, 255, 255), 1.6)):
        painter.setPen(pen)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(QPointF(x + 5 * dx, y + 5 * dy), QPointF(x + 17 * dx, y + 17 * dy))


def _paint_axes(painter: QPainter, camera: OrbitCamera) -> None:
    right, up, forward = camera.axes()
    origin = QPointF(AXIS_LENGTH + 18, camera.viewport[1] - AXIS_LENGTH - 18)
    for axis in np.argsort(-forward):  # the farthest first
        name, colour = AXES[axis]
        tip = origin + QPointF(right[axis] * AXIS_LENGTH, -up[axis] * AXIS_LENGTH)
        painter.setPen(QPen(colour, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(origin, tip)
        label = origin + (tip - origin) * 1.32
        painter.drawText(
            QRectF(label.x() - 10, label.y() - 10, 20, 20), Qt.AlignmentFlag.AlignCenter, name
        )
