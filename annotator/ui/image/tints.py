"""Colours of masks: one slot an object, each with a fill and an outline."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from annotator.domain import BACKGROUND, object_colour
from annotator.domain.labels import Colour

UInt8 = npt.NDArray[np.uint8]

OUTLINE = 128
"""Added to a slot where its object ends. Slot 0 is the background."""

_SHADE = 0.62  # how dark the photo gets around an object that is shown alone
_HEAT_OPACITY = 0.72
_SEEN = 0.55  # opacity of outlines of masks that are all but transparent


class Tints:
    """What colour each slot has.

    Attributes:
        table: [256, 4] uint8, premultiplied blue, green, red, alpha of every slot.
        heat: [256, 4] likewise for confidence from 0 to 1.
    """

    def __init__(self) -> None:
        self._slots: dict[int, int] = {BACKGROUND: 0}
        self._palette: dict[int, Colour] = {}
        self._hidden: frozenset[int] = frozenset()
        self._opacity = 0.45
        self.table: UInt8 = np.zeros((256, 4), np.uint8)
        self.heat: UInt8 = _heat_table()

    def slots_of(self, labels: npt.NDArray[np.int32]) -> UInt8:
        """Return the slot of every label; more than 127 objects share some."""
        largest = int(labels.max(initial=0))
        table = np.zeros(largest + 1, np.uint8)
        for object_id in self._in_use(labels, largest):
            table[object_id] = self.slot(object_id)
        return np.asarray(table[labels])

    @staticmethod
    def _in_use(labels: npt.NDArray[np.int32], largest: int) -> list[int]:
        if largest < 4096:
            return list(range(1, largest + 1))
        return [int(i) for i in np.unique(labels) if i > 0]

    def slot(self, object_id: int) -> int:
        """Return the slot of an object, which it then keeps."""
        if object_id not in self._slots:
            self._slots[object_id] = 1 + (len(self._slots) - 1) % (OUTLINE - 1)
            self._fill()
        return self._slots[object_id]

    def set_palette(self, palette: Mapping[int, Colour]) -> None:
        """Take the objects' colours; others keep their default ones."""
        self._palette = dict(palette)
        self._fill()

    def set_hidden(self, ids: frozenset[int]) -> None:
        """Draw no mask of these objects; with 0 among them the photo around darkens."""
        self._hidden = ids
        self._fill()

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of fills, 0 to 1."""
        self._opacity = opacity
        self._fill()

    def _fill(self) -> None:
        self.table[:] = 0
        for object_id, slot in self._slots.items():
            colour = self._palette.get(object_id, object_colour(object_id))
            self.table[slot] = _premultiplied(colour, self._opacity)
            outline = min(1.0, _SEEN + self._opacity)
            self.table[slot + OUTLINE] = _premultiplied(_vivid(colour), outline)
        shade = _premultiplied((0, 0, 0), _SHADE if BACKGROUND in self._hidden else 0.0)
        for object_id in self._hidden | {BACKGROUND}:
            slot = self._slots.get(object_id, 0)
            self.table[slot] = self.table[slot + OUTLINE] = shade


def _premultiplied(colour: Colour, opacity: float) -> tuple[int, int, int, int]:
    red, green, blue = (round(c * opacity) for c in colour)
    return blue, green, red, round(255 * opacity)


def _vivid(colour: Colour) -> Colour:
    """Return a colour somewhat lighter, so that outlines stand out from their fill."""
    red, green, blue = (round(c + 0.22 * (255 - c)) for c in colour)
    return red, green, blue


def _heat_table() -> UInt8:
    steps = np.arange(256, dtype=np.uint8).reshape(1, 256)
    colours = cv2.applyColorMap(steps, cv2.COLORMAP_VIRIDIS)[0]
    table = np.full((256, 4), round(255 * _HEAT_OPACITY), np.uint8)
    table[:, :3] = np.round(colours * _HEAT_OPACITY)
    return table
