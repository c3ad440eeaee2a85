"""What views of every kind draw of a report: the places that stand out, and the legend."""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen

from annotator.robustness.live.reports import Report, Spot
from annotator.robustness.live.words import percent
from annotator.ui.annotate.safety.scale import legend, picture

SAFEST, RISKIEST = "\N{CHECK MARK}", "!"
_RADIUS = 11.0
_DARK = QColor(0, 0, 0, 200)
_LIGHT = QColor(255, 255, 255)
_BAR = (168.0, 9.0)  # logical pixels


@dataclass(frozen=True)
class Pin:
    """A place that stands out.

    Attributes:
        spot: The place.
        sign: In its middle.
        colour: Around it.
        dashed: Whether its ring is: a click that is not made yet.
    """

    spot: Spot
    sign: str
    colour: QColor
    dashed: bool = False


def pins_of(report: Report) -> tuple[Pin, ...]:
    """Return the pins of a report, the most important one last, which is on top."""
    pins = []
    if report.safest is not None:
        pins.append(Pin(report.safest, SAFEST, QColor(64, 92, 214)))
    if report.riskiest is not None:
        pins.append(Pin(report.riskiest, RISKIEST, QColor(245, 176, 34)))
    if report.suggestion is not None:
        pins.append(Pin(report.suggestion, sign_of(report.suggestion), _LIGHT, dashed=True))
    return tuple(pins)


def sign_of(suggestion: Spot) -> str:
    """Return what a suggested click says, as a sign."""
    return "+" if suggestion.inside else "\N{MINUS SIGN}"


def paint_pin(painter: QPainter, at: QPointF, pin: Pin) -> None:
    """Draw a pin at a place of the view."""
    painter.setBrush(QColor(18, 18, 18, 225) if pin.dashed else pin.colour)
    painter.setPen(QPen(_DARK, 4))
    painter.drawEllipse(at, _RADIUS, _RADIUS)
    style = Qt.PenStyle.DashLine if pin.dashed else Qt.PenStyle.SolidLine
    painter.setPen(QPen(_LIGHT, 2.0, style))
    painter.drawEllipse(at, _RADIUS, _RADIUS)
    dark_text = not pin.dashed and pin.colour.lightnessF() > 0.45
    painter.setPen(QColor(0, 0, 0) if dark_text else _LIGHT)
    painter.setFont(_font(painter, 14, bold=True))
    box = QRectF(at.x() - _RADIUS, at.y() - _RADIUS, 2 * _RADIUS, 2 * _RADIUS)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, pin.sign)


def paint_legend(painter: QPainter, viewport: tuple[int, int], low: float) -> None:
    """Draw the legend into the lower right corner of the view.

    Args:
        painter: Of the view.
        viewport: Its width and height.
        low: Agreement at the bright end.
    """
    width, height = viewport
    painter.setFont(_font(painter, 11, bold=False))
    panel = QRectF(width - _BAR[0] - 32, height - 52, _BAR[0] + 20, 40)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 18, 200))
    painter.drawRoundedRect(panel, 8, 8)
    bar = QRectF(panel.left() + 10, panel.top() + 8, *_BAR)
    painter.drawImage(bar, _legend())
    painter.setPen(QColor(255, 255, 255, 235))
    words = QRectF(bar.left(), bar.bottom() + 2, _BAR[0], 16)
    painter.drawText(words, Qt.AlignmentFlag.AlignLeft, f"risky {percent(low)}")
    painter.drawText(words, Qt.AlignmentFlag.AlignRight, "100 % safe")


def _font(painter: QPainter, size: int, *, bold: bool) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(size)
    font.setBold(bold)
    return font


@lru_cache(maxsize=1)
def _legend() -> QImage:
    return picture(legend(256))
