"""What is drawn over a photo: clicks, boxes, brush, polygons, pixel grid, cursor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor, hypot
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from annotator.domain.flat_camera import FlatCamera
from annotator.domain.labels import Colour
from annotator.ui.image.arrows import FlowLines, PhotoArrow, paint_arrow, paint_flow
from annotator.ui.image.heat import Heat
from annotator.ui.view.overlay import MARKER_RADIUS, MARKER_REACH, paint_cursor, two_tone

GRID_FROM = 10.0
"""Logical pixels per pixel of the photo from which on their borders are drawn."""

_NEAR = 90.0  # logical pixels around the pointer in which crowded corners show
_VERTEX = 4.5  # half the edge of a polygon's corner, logical pixels
_DARK = QColor(0, 0, 0, 190)
_LIGHT = QColor(255, 255, 255)


@dataclass(frozen=True)
class PhotoMarker:
    """A click as shown on a photo.

    Attributes:
        position: (x, y) pixels of the photo.
        click_id: What `ImageView.pick_marker` returns.
        colour: Of its object.
        text: Short text in the middle.
        inside: Whether it says "inside": filled; else hollow with a minus.
        selected: Whether it gets a second ring.
    """

    position: tuple[float, float]
    click_id: int
    colour: Colour
    text: str = ""
    inside: bool = True
    selected: bool = False


@dataclass(frozen=True)
class PhotoBox:
    """A box around an object: (x0, y0, x1, y1) pixels of the photo."""

    corners: tuple[float, float, float, float]
    colour: Colour
    drawing: bool = False


@dataclass(frozen=True)
class Outline:
    """A polygon that is drawn or edited.

    Attributes:
        corners: [K, 2] pixels of the photo.
        colour: Of its object.
        closed: Whether the last corner is joined to the first.
        grabbed: Number of the corner under the pointer, or None.
        tip: (x, y) where the next corner would be, or None.
        near: (x, y) in logical pixels: only corners around it get handles; None for all.
    """

    corners: npt.NDArray[np.float64]
    colour: Colour
    closed: bool = True
    grabbed: int | None = None
    tip: tuple[float, float] | None = None
    near: tuple[float, float] | None = None


class OverlayLayer(Protocol):
    """Something that a task draws over the photo."""

    def paint(self, painter: QPainter, camera: FlatCamera) -> None:
        """Draw it with a painter of the view."""


@dataclass
class PhotoOverlay:
    """The things over a photo.

    Attributes:
        markers: Clicks.
        boxes: Boxes.
        drawn: The box that is being drawn, or None.
        outlines: Polygons with handles.
        polygon: [K, 2] line in logical pixels, or None.
        circle: Brush (x, y, radius) in logical pixels, or None.
        cursor: Keyboard placement cursor (x, y) in logical pixels, or None.
        hint: Words at the lower edge; empty for none.
        arrows: Directions of regions that move.
        flow: Where what is seen moves, or None.
        layer: What a task draws of its own, under clicks and boxes; None for nothing.
        heat: Map of what clicks elsewhere would give, or None.
    """

    markers: Sequence[PhotoMarker] = ()
    boxes: Sequence[PhotoBox] = ()
    drawn: PhotoBox | None = None
    outlines: Sequence[Outline] = field(default_factory=tuple)
    polygon: npt.NDArray[np.float64] | None = None
    circle: tuple[float, float, float] | None = None
    cursor: tuple[float, float] | None = None
    hint: str = ""
    arrows: Sequence[PhotoArrow] = ()
    flow: FlowLines | None = None
    layer: OverlayLayer | None = None
    heat: Heat | None = None

    def paint(self, painter: QPainter, camera: FlatCamera) -> None:
        """Draw everything with a painter of the view."""
        self._paint_ground(painter, camera)
        for box in (*self.boxes, *filter(None, (self.drawn,))):
            _paint_box(painter, camera, box)
        for outline in self.outlines:
            _paint_outline(painter, camera, outline)
        if self.flow is not None:
            paint_flow(painter, camera, self.flow)
        for arrow in sorted(self.arrows, key=lambda a: a.current):
            paint_arrow(painter, camera, arrow)
        for marker in sorted(self.markers, key=lambda m: m.selected):
            _paint_marker(painter, QPointF(*camera.to_view(*marker.position)), marker)
        if self.heat is not None:
            self.heat.paint_pins(painter, camera)
        self._paint_selection(painter)
        if self.cursor is not None:
            paint_cursor(painter, *self.cursor)
        if self.hint:
            _paint_hint(painter, camera, self.hint)

    def _paint_ground(self, painter: QPainter, camera: FlatCamera) -> None:
        """Draw what belongs to pixels, then let lines be smooth."""
        if self.heat is not None:
            self.heat.paint(painter, camera)
        if camera.scale >= GRID_FROM:
            _paint_grid(painter, camera)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.layer is not None:
            self.layer.paint(painter, camera)

    def marker_at(self, camera: FlatCamera, x: float, y: float) -> int | None:
        """Return the click id of the nearest marker under a pointer, or None."""
        near: list[tuple[float, int]] = []
        for marker in self.markers:
            at_x, at_y = camera.to_view(*marker.position)
            near.append((hypot(at_x - x, at_y - y), marker.click_id))
        distance, click_id = min(near, default=(MARKER_REACH + 1, 0))
        return click_id if distance <= MARKER_REACH else None

    def _paint_selection(self, painter: QPainter) -> None:
        painter.setBrush(QColor(255, 255, 255, 30))
        for pen in two_tone(1.5):
            painter.setPen(pen)
            if self.polygon is not None and len(self.polygon) > 1:
                painter.drawPolygon(QPolygonF([QPointF(*p) for p in self.polygon.tolist()]))
            if self.circle is not None:
                x, y, radius = self.circle
                painter.drawEllipse(QPointF(x, y), radius, radius)
            painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_grid(painter: QPainter, camera: FlatCamera) -> None:
    """Draw the borders of pixels, fainter the smaller they are."""
    left, top = camera.to_photo(0, 0)
    right, bottom = camera.to_photo(*camera.viewport)
    x0, x1 = max(ceil(left), 0), min(floor(right), camera.size[0])
    y0, y1 = max(ceil(top), 0), min(floor(bottom), camera.size[1])
    opacity = min(0.34, 0.12 + (camera.scale - GRID_FROM) * 0.02)
    ends = camera.to_view(max(left, 0), max(top, 0))
    others = camera.to_view(min(right, camera.size[0]), min(bottom, camera.size[1]))
    upright = [camera.to_view(x, 0)[0] for x in range(x0, x1 + 1)]
    level = [camera.to_view(0, y)[1] for y in range(y0, y1 + 1)]
    lines = [QLineF(x, ends[1], x, others[1]) for x in upright]
    lines += [QLineF(ends[0], y, others[0], y) for y in level]
    for shade, offset in ((0, 0.0), (255, 1.0 / camera.ratio)):
        painter.setPen(QPen(QColor(shade, shade, shade, round(255 * opacity)), 0))
        painter.drawLines([line.translated(offset, offset) for line in lines])


def _paint_hint(painter: QPainter, camera: FlatCamera, text: str) -> None:
    width, height = camera.viewport
    area = QRectF(0, height - 64, width, 40)
    centre = Qt.AlignmentFlag.AlignCenter
    words = painter.boundingRect(area, centre, text).adjusted(-14, -7, 14, 7)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 18, 190))
    painter.drawRoundedRect(words, 10, 10)
    painter.setPen(QColor(255, 255, 255, 235))
    painter.drawText(words, centre, text)


def _paint_marker(painter: QPainter, at: QPointF, marker: PhotoMarker) -> None:
    colour = QColor(*marker.colour)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if marker.selected:
        for pen in (QPen(QColor(0, 0, 0, 200), 5), QPen(_LIGHT, 2.5)):
            painter.setPen(pen)
            painter.drawEllipse(at, MARKER_RADIUS + 4, MARKER_RADIUS + 4)
    painter.setPen(QPen(_DARK, 4))
    painter.drawEllipse(at, MARKER_RADIUS, MARKER_RADIUS)
    painter.setPen(QPen(_LIGHT if marker.inside else colour.lighter(115), 2.2))
    painter.setBrush(colour if marker.inside else QColor(18, 18, 18, 205))
    painter.drawEllipse(at, MARKER_RADIUS, MARKER_RADIUS)
    if not marker.inside:
        painter.setPen(QPen(_LIGHT, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(at - QPointF(4, 0), at + QPointF(4, 0))
        return
    painter.setPen(QColor(0, 0, 0) if colour.lightnessF() > 0.45 else _LIGHT)
    font = QFont(painter.font())
    font.setPixelSize(11 if len(marker.text) < 3 else 9)
    font.setBold(True)
    painter.setFont(font)
    box = QRectF(at.x() - 14, at.y() - 10, 28, 20)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, marker.text)


def _paint_box(painter: QPainter, camera: FlatCamera, box: PhotoBox) -> None:
    x0, y0, x1, y1 = box.corners
    rect = QRectF(QPointF(*camera.to_view(x0, y0)), QPointF(*camera.to_view(x1, y1)))
    colour = QColor(*box.colour)
    fill = QColor(colour)
    fill.setAlpha(36 if box.drawing else 0)
    painter.setPen(QPen(_DARK, 4))
    painter.setBrush(fill)
    painter.drawRect(rect)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    style = Qt.PenStyle.DashLine if box.drawing else Qt.PenStyle.SolidLine
    painter.setPen(QPen(colour.lighter(115), 2, style))
    painter.drawRect(rect)


def _paint_outline(painter: QPainter, camera: FlatCamera, outline: Outline) -> None:
    places = [QPointF(*camera.to_view(x, y)) for x, y in outline.corners.tolist()]
    line = list(places)
    if outline.tip is not None:
        line.append(QPointF(*camera.to_view(*outline.tip)))
    colour = QColor(*outline.colour)
    fill = QColor(colour)
    fill.setAlpha(48)
    painter.setBrush(fill if outline.closed else Qt.BrushStyle.NoBrush)
    draw = painter.drawPolygon if outline.closed else painter.drawPolyline
    for pen in (QPen(_DARK, 3.5), QPen(colour.lighter(115), 1.8)):
        painter.setPen(pen)
        draw(QPolygonF(line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
    _paint_handles(painter, places, colour, outline)


def _paint_handles(
    painter: QPainter, places: Sequence[QPointF], colour: QColor, outline: Outline
) -> None:
    painter.setPen(QPen(_DARK, 1.2))
    for number, place in enumerate(places):
        if (
            outline.near is not None
            and hypot(place.x() - outline.near[0], place.y() - outline.near[1]) > _NEAR
        ):
            continue
        size = _VERTEX + (2 if number == outline.grabbed else 0)
        painter.setBrush(colour.lighter(140) if number == outline.grabbed else _LIGHT)
        painter.drawRect(QRectF(place.x() - size, place.y() - size, 2 * size, 2 * size))
