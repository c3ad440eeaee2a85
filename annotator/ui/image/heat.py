"""The map of what clicks elsewhere would give, over a photo: patches, three places, a legend."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from annotator.domain.flat_camera import FlatCamera
from annotator.robustness.live.reports import Report
from annotator.ui.annotate.safety.pins import Pin, paint_legend, paint_pin, pins_of
from annotator.ui.annotate.safety.scale import colours, dimmed, lowest, picture


@dataclass(frozen=True)
class Heat:
    """A map over a photo.

    Attributes:
        patches: One pixel a place.
        area: Where they lie, pixels of the photo.
        pins: Places that stand out.
        low: Agreement at the bright end of the scale.
        factor: Pixels of the photo along the edge of one of the working copy.
    """

    patches: QImage
    area: QRectF
    pins: tuple[Pin, ...]
    low: float
    factor: int

    @classmethod
    def of(cls, report: Report, factor: int) -> "Heat | None":
        """Return the map of a report; None while nothing is known.

        Args:
            report: In pixels of the working copy.
            factor: Pixels of the photo along the edge of one of those.
        """
        if not len(report.values):
            return None
        places, low = report.places, lowest(report)
        cells = np.floor(places.positions / places.spacing).astype(np.int64)
        first = cells.min(axis=0)
        columns, rows = (cells - first).T
        grid = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1, 4), np.uint8)
        grid[rows, columns] = dimmed(colours(report.values, low), report.plausible)
        edge = places.spacing * factor
        area = QRectF(first[0] * edge, first[1] * edge, grid.shape[1] * edge, grid.shape[0] * edge)
        return cls(picture(grid), area, pins_of(report), low, factor)

    def paint(self, painter: QPainter, camera: FlatCamera) -> None:
        """Draw the patches."""
        corners = (self.area.topLeft(), self.area.bottomRight())
        a, b = (QPointF(*camera.to_view(p.x(), p.y())) for p in corners)
        painter.drawImage(QRectF(a, b), self.patches)

    def paint_pins(self, painter: QPainter, camera: FlatCamera) -> None:
        """Draw the places that stand out and the legend."""
        for pin in self.pins:
            x, y = (value * self.factor for value in pin.spot.position[:2])
            paint_pin(painter, QPointF(*camera.to_view(x, y)), pin)
        paint_legend(painter, camera.viewport, self.low)
