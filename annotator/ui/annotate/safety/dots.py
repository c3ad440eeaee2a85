"""The map of what clicks elsewhere would give, over a scan: a dot for every place looked at."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter

from annotator.domain.camera import OrbitCamera
from annotator.domain.cloud import Float64
from annotator.robustness.live.reports import Report
from annotator.ui.annotate.safety.pins import Pin, paint_legend, paint_pin, pins_of
from annotator.ui.annotate.safety.scale import UInt8, lowest, plain

_RADIUS = 4.0  # logical pixels


@dataclass(frozen=True, eq=False)
class HeatDots:
    """Dots over points.

    Attributes:
        positions: [K, 3] metres.
        colours: [K, 3] uint8 red, green, blue.
        pins: Places that stand out.
        low: Agreement at the bright end of the scale.
    """

    positions: Float64
    colours: UInt8
    pins: tuple[Pin, ...]
    low: float

    @classmethod
    def of(cls, report: Report) -> "HeatDots | None":
        """Return the map of a report; None while nothing is known."""
        if not len(report.rows):
            return None
        low = lowest(report)
        order = np.argsort(-report.values[report.rows], kind="stable")  # risky ones on top
        rows = report.rows[order]
        colours = plain(report.values[rows], low)
        return cls(report.places.positions[rows], colours, pins_of(report), low)

    def paint(self, painter: QPainter, camera: OrbitCamera) -> None:
        """Draw dots, pins and legend; those behind the camera are not seen."""
        x, y, _ = camera.projection().project(self.positions)
        painter.setPen(QColor(0, 0, 0, 110))
        for at_x, at_y, (red, green, blue) in zip(x, y, self.colours.tolist(), strict=True):
            if np.isfinite(at_x) and np.isfinite(at_y):
                painter.setBrush(QColor(red, green, blue, 235))
                painter.drawEllipse(QPointF(at_x, at_y), _RADIUS, _RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        places = np.array([pin.spot.position for pin in self.pins], np.float64).reshape(-1, 3)
        x, y, _ = camera.projection().project(places)
        for pin, at_x, at_y in zip(self.pins, x, y, strict=True):
            if np.isfinite(at_x) and np.isfinite(at_y):
                paint_pin(painter, QPointF(at_x, at_y), pin)
        width, height = camera.viewport
        paint_legend(painter, (int(width), int(height)), self.low)
