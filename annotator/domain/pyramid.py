"""A photo at halving sizes, from which any part is drawn at any scale in a few milliseconds."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from annotator.domain.progress import CancelToken

UInt8 = npt.NDArray[np.uint8]

_SMALLEST = 256  # pixels of the longer side below which halving stops
CRISP_FROM = 3.0
"""Screen pixels per pixel of the photo from which on the pixels are drawn as squares."""


@dataclass(frozen=True)
class Window:
    """A part of a photo on the screen.

    Attributes:
        left: Photo coordinate of the left edge.
        top: Photo coordinate of the top edge.
        scale: Screen pixels per pixel of the photo.
        width: Screen pixels across.
        height: Screen pixels down.
    """

    left: float
    top: float
    scale: float
    width: int
    height: int

    def part(self, x: int, y: int, width: int, height: int) -> "Window":
        """Return the window of some of the screen pixels."""
        left, top = self.left + x / self.scale, self.top + y / self.scale
        return Window(left, top, self.scale, width, height)

    def covered(self, width: float, height: float) -> tuple[int, int, int, int]:
        """Return (x0, y0, x1, y1) of the screen pixels whose centre lies on a photo."""
        x0, x1 = _span(self.left, self.scale, self.width, width)
        y0, y1 = _span(self.top, self.scale, self.height, height)
        return x0, y0, x1, y1

    def columns(self) -> npt.NDArray[np.float64]:
        """Return the photo coordinate x [width] of the middle of every screen pixel."""
        return np.asarray(self.left + (np.arange(self.width) + 0.5) / self.scale)

    def rows(self) -> npt.NDArray[np.float64]:
        """Return the photo coordinate y [height] of the middle of every screen pixel."""
        return np.asarray(self.top + (np.arange(self.height) + 0.5) / self.scale)


def _span(start: float, scale: float, count: int, size: float) -> tuple[int, int]:
    first = int(np.ceil(-start * scale - 0.5))
    after = int(np.ceil((size - start) * scale - 0.5))
    return min(max(first, 0), count), max(min(after, count), 0)


class Pyramid:
    """A photo and its halved copies.

    Attributes:
        levels: [H, W, 3] uint8 each, the photo itself first; every next one half the size.
    """

    def __init__(self, levels: tuple[UInt8, ...]) -> None:
        self.levels = levels

    @classmethod
    def build(cls, rgb: UInt8, cancel: CancelToken | None = None) -> "Pyramid":
        """Halve a photo [H, W, 3] until it is small; a third more memory than the photo.

        Raises:
            Cancelled: If `cancel` was set.
        """
        levels = [np.ascontiguousarray(rgb)]
        while max(levels[-1].shape[:2]) > _SMALLEST:
            if cancel is not None:
                cancel.check()
            height, width = levels[-1].shape[:2]
            smaller = ((width + 1) // 2, (height + 1) // 2)
            levels.append(
                np.asarray(cv2.resize(levels[-1], smaller, interpolation=cv2.INTER_AREA), np.uint8)
            )
        return cls(tuple(levels))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the photo."""
        height, width = self.levels[0].shape[:2]
        return width, height

    def level_for(self, scale: float) -> int:
        """Return the level whose pixels are drawn at half to whole size."""
        halvings = int(np.floor(-np.log2(scale) + 1e-9)) if scale < 1 else 0
        return min(max(halvings, 0), len(self.levels) - 1)

    def draw(self, window: Window) -> tuple[UInt8, int, int]:
        """Draw the part of the photo that a window shows.

        Returns:
            [h, w, 3] uint8, and the screen pixel (x, y) where it belongs; empty if the
            window shows nothing of the photo.
        """
        x0, y0, x1, y1 = window.covered(*self.size)
        if x1 <= x0 or y1 <= y0:
            return np.zeros((0, 0, 3), np.uint8), x0, y0
        level = self.levels[self.level_for(window.scale)]
        return self._sample(level, window.part(x0, y0, x1 - x0, y1 - y0)), x0, y0

    def _sample(self, level: UInt8, window: Window) -> UInt8:
        width, height = self.size
        # An odd size is halved to a little more than half.
        across, down = level.shape[1] / width, level.shape[0] / height
        crop, left, top = _crop(level, window, across, down)
        step_x, step_y = across / window.scale, down / window.scale
        matrix = np.array(
            [
                [step_x, 0, window.left * across + step_x / 2 - 0.5 - left],
                [0, step_y, window.top * down + step_y / 2 - 0.5 - top],
            ]
        )
        crisp = window.scale >= CRISP_FROM
        how = (cv2.INTER_NEAREST if crisp else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
        size = (window.width, window.height)
        drawn = cv2.warpAffine(crop, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(drawn, np.uint8)


def _crop(level: UInt8, window: Window, across: float, down: float) -> tuple[UInt8, int, int]:
    """Return what a window needs of a level: OpenCV takes no source wider than 32,766."""
    left = max(int(window.left * across) - 2, 0)
    top = max(int(window.top * down) - 2, 0)
    right = int((window.left + window.width / window.scale) * across) + 3
    bottom = int((window.top + window.height / window.scale) * down) + 3
    return level[top:bottom, left:right], left, top


def sample_labels(
    slots: UInt8, window: Window, size: tuple[int, int], factor: int = 1
) -> tuple[UInt8, int, int]:
    """Draw labels as a window shows them: of every screen pixel the label under its middle.

    Args:
        slots: [h, w] uint8, over the whole photo.
        window: What is shown.
        size: (width, height) of the photo.
        factor: Pixels of the photo along the edge of one of the labels' pixels.

    Returns:
        [h, w] uint8, and the screen pixel (x, y) where it belongs.
    """
    x0, y0, x1, y1 = window.covered(*size)
    if x1 <= x0 or y1 <= y0:
        return np.zeros((0, 0), np.uint8), x0, y0
    part = window.part(x0, y0, x1 - x0, y1 - y0)
    rows = _places(part.rows() / factor, slots.shape[0])
    columns = _places(part.columns() / factor, slots.shape[1])
    first, last = int(columns[0]), int(columns[-1]) + 1
    return np.ascontiguousarray(slots[rows, first:last][:, columns - first]), x0, y0


def _places(coordinates: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.intp]:
    places: npt.NDArray[np.intp] = np.clip(coordinates.astype(np.intp), 0, count - 1)
    return places
