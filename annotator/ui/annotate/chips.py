"""Colour chips with the object's number on them: never colour alone."""

from functools import lru_cache

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from annotator.domain import BACKGROUND, object_colour
from annotator.domain.labels import Colour

_WIDTH, _HEIGHT, _RATIO = 28, 18, 2
CHIP_SIZE = QSize(_WIDTH, _HEIGHT)
"""Logical size of a chip."""


@lru_cache(maxsize=512)
def chip(object_id: int, colour: Colour | None = None) -> QIcon:
    """Return a rounded chip in the object's colour with its number; a dash for the background."""
    fill = QColor(*(colour or object_colour(object_id)))
    picture = QPixmap(_WIDTH * _RATIO, _HEIGHT * _RATIO)
    picture.setDevicePixelRatio(_RATIO)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    box = QRectF(0.5, 0.5, _WIDTH - 1, _HEIGHT - 1)
    painter.drawRoundedRect(box, 5, 5)
    painter.setPen(ink_on(fill))
    font = painter.font()
    font.setPixelSize(11)
    font.setBold(True)
    painter.setFont(font)
    text = "–" if object_id == BACKGROUND else str(object_id)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    result = QIcon(picture)
    result.addPixmap(picture, QIcon.Mode.Selected)  # else selected rows would tint the colour
    return result


def ink_on(fill: QColor) -> QColor:
    """Return black or white, whichever reads better on `fill` (WCAG relative luminance)."""
    channels = (fill.redF(), fill.greenF(), fill.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return QColor("black") if luminance > 0.179 else QColor("white")
