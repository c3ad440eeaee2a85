"""The picture on the screen: photo and masks, kept so that only what changed is drawn again."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from annotator.domain.pyramid import Pyramid, UInt8, Window, sample_labels
from annotator.ui.image.tints import OUTLINE, Tints

Rect = tuple[int, int, int, int]
"""x, y, width, height in screen pixels."""


@dataclass
class Layers:
    """What there is to draw.

    Attributes:
        pyramid: The photo; None draws nothing.
        slots: [h, w] uint8 slot of every pixel's label; None for no masks.
        heat: [h, w] uint8 confidence, drawn in place of the masks where given.
        factor: Pixels of the photo along the edge of a pixel of slots and heat.
        tints: Colours of slots and heat.
        background: RGB around the photo.
        outline: Thickness of outlines in screen pixels.
    """

    pyramid: Pyramid | None = None
    slots: UInt8 | None = None
    heat: UInt8 | None = None
    factor: int = 1
    tints: Tints | None = None
    background: tuple[int, int, int] = (32, 32, 32)
    outline: int = 1


class Frame:
    """Two pictures in screen pixels, one over the other: the photo and its masks."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._window: Window | None = None
        self._photo: UInt8 = np.zeros((0, 0, 3), np.uint8)
        self._masks: UInt8 = np.zeros((0, 0, 4), np.uint8)

    @property
    def photo(self) -> QImage:
        """The photo without masks, a view of memory that the next call changes."""
        height, width = self._photo.shape[:2]
        return QImage(self._photo.data, width, height, width * 3, QImage.Format.Format_RGB888)

    @property
    def masks(self) -> QImage | None:
        """What lies over the photo; None if nothing does."""
        if self._layers.slots is None and self._layers.heat is None:
            return None
        height, width = self._masks.shape[:2]
        kind = QImage.Format.Format_ARGB32_Premultiplied
        return QImage(self._masks.data, width, height, width * 4, kind)

    def forget(self) -> None:
        """Draw everything anew the next time."""
        self._window = None

    def show(self, window: Window) -> None:
        """Draw what a window shows; after a pan, only what came into view."""
        old, self._window = self._window, window
        shift = None if old is None else _shift(old, window)
        if shift == (0, 0):
            return
        if shift is None:
            self._photo = np.empty((window.height, window.width, 3), np.uint8)
            self._masks = np.zeros((window.height, window.width, 4), np.uint8)
            self._draw((0, 0, window.width, window.height))
            return
        for layer in (self._photo, self._masks):
            _move(layer, *shift)
        for strip in _uncovered(window, *shift, self._layers.outline):
            self._draw(strip)

    def redraw_masks(self, box: tuple[float, float, float, float] | None = None) -> None:
        """Draw the masks anew, within a box (x0, y0, x1, y1) of the photo or everywhere."""
        if self._window is not None:
            rect = self._rect_of(box, self._window)
            if rect[2] > 0 and rect[3] > 0:
                self._draw_masks(rect)

    def _rect_of(self, box: tuple[float, float, float, float] | None, window: Window) -> Rect:
        if box is None:
            return 0, 0, window.width, window.height
        reach = self._layers.outline + 2
        x0 = max(int((box[0] - window.left) * window.scale) - reach, 0)
        y0 = max(int((box[1] - window.top) * window.scale) - reach, 0)
        x1 = min(int((box[2] - window.left) * window.scale) + reach, window.width)
        y1 = min(int((box[3] - window.top) * window.scale) + reach, window.height)
        return x0, y0, x1 - x0, y1 - y0

    def _draw(self, rect: Rect) -> None:
        self._draw_photo(rect)
        self._draw_masks(rect)

    def _draw_photo(self, rect: Rect) -> None:
        x, y, width, height = rect
        assert self._window is not None
        target = self._photo[y : y + height, x : x + width]
        target[:] = self._layers.background
        if self._layers.pyramid is not None:
            drawn, left, top = self._layers.pyramid.draw(self._window.part(*rect))
            target[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn

    def _draw_masks(self, rect: Rect) -> None:
        x, y, width, height = rect
        layers, window = self._layers, self._window
        assert window is not None
        target = self._masks[y : y + height, x : x + width]
        target[:] = 0
        values = layers.slots if layers.heat is None else layers.heat
        if layers.pyramid is None or values is None or layers.tints is None:
            return
        # Outlines look at their neighbours, also at those beyond the rectangle.
        reach = layers.outline
        wider = window.part(x - reach, y - reach, width + 2 * reach, height + 2 * reach)
        drawn, left, top = sample_labels(values, wider, layers.pyramid.size, layers.factor)
        if not drawn.size:
            return
        table = layers.tints.heat if layers.heat is not None else layers.tints.table
        if layers.heat is None:
            drawn = with_outlines(drawn, reach)
        coloured = _coloured(drawn, table)
        rows, from_row = _inner(top - reach, drawn.shape[0], height)
        columns, from_column = _inner(left - reach, drawn.shape[1], width)
        target[rows, columns] = coloured[from_row, from_column]


def with_outlines(slots: UInt8, thickness: int = 1) -> UInt8:
    """Return slots [h, w] with those of pixels near another slot raised by `OUTLINE`."""
    size = 2 * thickness + 1
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (size, size))
    same = cv2.dilate(slots, cross) == cv2.erode(slots, cross)
    edge = ~same & (slots > 0)
    return np.asarray(slots + edge * np.uint8(OUTLINE), np.uint8)


def _coloured(values: UInt8, table: UInt8) -> UInt8:
    """Return the colours [h, w, 4] of values [h, w]; where all have none, without looking up."""
    if not table[0].any() and not values.any():
        return np.zeros((*values.shape, 4), np.uint8)
    return np.asarray(cv2.LUT(cv2.merge([values] * 4), table.reshape(1, 256, 4)), np.uint8)


def _inner(start: int, count: int, size: int) -> tuple[slice, slice]:
    """Return where of `size` pixels `count` ones from `start` belong, and which of them."""
    first, last = max(start, 0), min(start + count, size)
    return slice(first, last), slice(first - start, last - start)


def _shift(old: Window, new: Window) -> tuple[int, int] | None:
    """Return by how many screen pixels the photo moved; None if not by whole ones."""
    if (old.scale, old.width, old.height) != (new.scale, new.width, new.height):
        return None
    right, down = (old.left - new.left) * new.scale, (old.top - new.top) * new.scale
    whole = round(right), round(down)
    if abs(right - whole[0]) > 1e-3 or abs(down - whole[1]) > 1e-3:
        return None
    return whole if abs(whole[0]) < new.width and abs(whole[1]) < new.height else None


def _move(layer: npt.NDArray[np.uint8], right: int, down: int) -> None:
    height, width = layer.shape[:2]
    source = layer[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    layer[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = (
        source.copy()
    )


def _uncovered(window: Window, right: int, down: int, more: int) -> list[Rect]:
    """Return what of a window a move uncovered, and some more for the outlines there."""
    width, height = window.width, window.height
    strips = []
    if right:
        reach = min(abs(right) + more, width)
        strips.append((0 if right > 0 else width - reach, 0, reach, height))
    if down:
        reach = min(abs(down) + more, height)
        strips.append((0, 0 if down > 0 else height - reach, width, reach))
    return strips
