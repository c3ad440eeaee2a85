"""What is drawn over a photo of motion: arrows that a person drew, and a field of flow."""

from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from annotator.domain.flat_camera import FlatCamera
from annotator.domain.labels import Colour

_DARK = QColor(0, 0, 0, 190)
_LIGHT = QColor(255, 255, 255)
_HEAD = 15.0  # logical pixels
_SPREAD = 0.45  # radians between a head's side and the shaft


@dataclass(frozen=True)
class PhotoArrow:
    """The direction of a region.

    Attributes:
        ends: (x0, y0, x1, y1) pixels of the photo, from tail to tip.
        colour: Of its object.
        current: Whether it is the current object's: drawn stronger.
    """

    ends: tuple[float, float, float, float]
    colour: Colour
    current: bool = False


@dataclass(frozen=True)
class FlowLines:
    """Short lines along which what is seen moves.

    Attributes:
        tails: [K, 2] pixels of the photo.
        tips: [K, 2] pixels of the photo.
        colours: [K, 3] uint8.
    """

    tails: npt.NDArray[np.float32]
    tips: npt.NDArray[np.float32]
    colours: npt.NDArray[np.uint8]


def paint_arrow(painter: QPainter, camera: FlatCamera, arrow: PhotoArrow) -> None:
    """Draw an arrow: dark, light and in its object's colour, so that it shows on anything."""
    x0, y0, x1, y1 = arrow.ends
    tail, tip = QPointF(*camera.to_view(x0, y0)), QPointF(*camera.to_view(x1, y1))
    width = 4.0 if arrow.current else 2.6
    colour = QColor(*arrow.colour).lighter(112)
    head = _head(tail, tip)
    neck = QPointF((head[1].x() + head[2].x()) / 2, (head[1].y() + head[2].y()) / 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for shade, extra in ((_DARK, 4.0), (_LIGHT, 2.0), (colour, 0.0)):
        painter.setPen(_round(shade, width + extra))
        painter.drawLine(tail, neck)
        painter.setBrush(shade)
        painter.setPen(_round(shade, extra))
        painter.drawPolygon(QPolygonF(head))
    painter.setPen(_round(_DARK, 1.2))
    painter.setBrush(_LIGHT)
    painter.drawEllipse(tail, 4.0, 4.0)


def _round(colour: QColor, width: float) -> QPen:
    cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    return QPen(colour, width, Qt.PenStyle.SolidLine, cap, join)


def _head(tail: QPointF, tip: QPointF) -> list[QPointF]:
    """Return tip and sides of an arrow's head; a short arrow has a small one."""
    across, down = tip.x() - tail.x(), tip.y() - tail.y()
    size = min(_HEAD, max(hypot(across, down) * 0.6, 1.0))
    angle = atan2(down, across)
    sides = (angle + pi - _SPREAD, angle + pi + _SPREAD)
    return [tip, *(QPointF(tip.x() + size * cos(a), tip.y() + size * sin(a)) for a in sides)]


def paint_flow(painter: QPainter, camera: FlatCamera, flow: FlowLines) -> None:
    """Draw the lines, each with a dot where it begins."""
    ends = zip(flow.tails.tolist(), flow.tips.tolist(), flow.colours.tolist(), strict=True)
    for (x0, y0), (x1, y1), colour in ends:
        tail, tip = QPointF(*camera.to_view(x0, y0)), QPointF(*camera.to_view(x1, y1))
        for shade, width in ((QColor(0, 0, 0, 170), 4.4), (QColor(*colour).lighter(125), 2.2)):
            painter.setPen(_round(shade, width))
            painter.drawLine(tail, tip)
            painter.drawPoint(tail)
