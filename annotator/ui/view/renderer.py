"""What the view asks of a renderer."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainter

from annotator.domain.camera import Projection


class Stale(Enum):
    """What has changed, and so what a renderer has to do again."""

    CLOUD = auto()  # everything
    POINTS = auto()  # which points are drawn, from where, how large
    LABELS = auto()  # the label of some points
    STYLE = auto()  # palette, mode, opacity, shading, background


@dataclass(frozen=True)
class ShownIds:
    """A window of what is on the screen.

    Attributes:
        ids: [h, w] int64 rows of the points in the pixels, `EMPTY` for none.
        depth: [h, w] metres along the view; anything where there is no point.
        left: Column of the window in the picture that `projection` makes.
        top: Row of the window.
        projection: Of the picture the ids were drawn with.
    """

    ids: npt.NDArray[np.int64]
    depth: npt.NDArray[np.float32]
    left: int
    top: int
    projection: Projection


class Renderer(Protocol):
    """Draws a scene into a view."""

    name: str

    def invalidate(self, stale: Stale, changed: npt.NDArray[np.int64] | None = None) -> None:
        """Note that the scene changed (for labels: which rows) and draw again soon."""

    def paint(self, painter: QPainter) -> None:
        """Draw into the view, if the renderer has no surface of its own."""

    def resize(self) -> None:
        """Follow the view's size."""

    def overlay_changed(self) -> None:
        """Draw what is over the points again."""

    def ids_around(self, x: float, y: float, radius: float) -> ShownIds:
        """Return the ids within a radius of a place, all in logical pixels."""

    def all_ids(self) -> ShownIds:
        """Return the ids of the whole, finished picture."""

    def finish(self) -> None:
        """Complete the picture now."""

    def close(self) -> None:
        """Stop timers and free the graphics card's memory."""
