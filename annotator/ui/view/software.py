"""The renderer that needs no graphics card: numpy z-buffer, drawn progressively."""

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage, QPainter

from annotator.domain.camera import Projection
from annotator.domain.raster import Frame, ZBuffer
from annotator.domain.shading import Shader, eye_dome
from annotator.ui.view.renderer import ShownIds, Stale
from annotator.ui.view.scene import Scene

if TYPE_CHECKING:
    from annotator.ui.view.point_view import PointView

SLICE_SECONDS = 0.016  # of drawing points between two looks at the event loop
WHOLE_BELOW = 1_000_000  # points that are always drawn in one go
DRAFT_PIXELS = 2_000_000  # pictures larger than this are drafted at half size while moving
REST_MILLISECONDS = 160  # without a move before a draft is redrawn sharply


class SoftwareRenderer(QObject):
    """Draws into the view's own paint event.

    A picture is built in three stages, each redone only when it has to be: points into
    the z-buffer, ids and depth out of it with the edge shading, and colours by id.
    """

    name = "software"

    def __init__(self, view: "PointView", scene: Scene) -> None:
        super().__init__(view)
        self._view, self._scene = view, scene
        self._buffer: ZBuffer | None = None
        self._projection: Projection | None = None
        self._turn = 0
        self._points_stale = self._colours_stale = True
        self._frame: Frame | None = None
        self._brightness: npt.NDArray[np.uint32] | None = None
        self._picture = np.zeros((1, 1), np.uint32)
        self._changed: list[npt.NDArray[np.int64]] = []
        self._draft, self._seconds, self._announced = False, 0.0, True
        self._ticker = QTimer(self, interval=0, singleShot=True)
        self._ticker.timeout.connect(self._tick)
        self._rest = QTimer(self, interval=REST_MILLISECONDS, singleShot=True)
        self._rest.timeout.connect(self._sharpen)

    def invalidate(self, stale: Stale, changed: npt.NDArray[np.int64] | None = None) -> None:
        """Note that the scene changed (for labels: which rows) and draw again soon."""
        if stale in (Stale.CLOUD, Stale.POINTS):
            self._points_stale = True
            self._draft_while_moving(stale)
        elif stale is Stale.LABELS and changed is not None and not self._colours_stale:
            self._changed.append(changed)
        else:
            self._colours_stale = True
        self._view.update()

    def _draft_while_moving(self, stale: Stale) -> None:
        ratio = self._view.devicePixelRatioF()
        pixels = self._view.width() * self._view.height() * ratio * ratio
        self._draft = stale is Stale.POINTS and pixels > DRAFT_PIXELS
        if self._draft:
            self._rest.start()

    def _sharpen(self) -> None:
        self._draft = False
        self._points_stale = True
        self._view.update()

    def resize(self) -> None:
        """Follow the view's size."""
        self._points_stale = True

    def paint(self, painter: QPainter) -> None:
        """Draw into the view: all of a small cloud, the first slice of a large one.

        Further slices are drawn between paintings, never in the same turn of the event
        loop: each alone is short.
        """
        if self._points_stale or self._turn == 0:
            self._advance(self._patience())
        self._compose()
        height, width = self._picture.shape
        image = QImage(self._picture.data, width, height, width * 4, QImage.Format.Format_RGB32)
        painter.drawImage(self._view.rect(), image)
        self._view.paint_overlay(painter, self._view.markers_behind())
        if not self._converged():
            self._ticker.start()
        elif not self._announced:
            self._announced = True
            self._view.frameFinished.emit(self._seconds * 1000)

    def overlay_changed(self) -> None:
        """Nothing to do: the view's own paint event draws the overlay too."""

    def finish(self) -> None:
        """Complete the picture now, at full sharpness."""
        if self._draft:
            self._draft, self._points_stale = False, True
            self._rest.stop()
        self._advance(math.inf)
        self._compose()

    def close(self) -> None:
        """Stop drawing."""
        self._ticker.stop()
        self._rest.stop()

    def _patience(self) -> float:
        """Return for how long points may be drawn at once.

        A cloud of medium size is drawn in one go once its blocks are made: making them
        takes as long as drawing them.
        """
        blocks, colours = self._scene.blocks, self._scene.colours
        if blocks is None or colours is None or len(blocks.cloud) > WHOLE_BELOW:
            return SLICE_SECONDS
        return math.inf if colours.all_ready else SLICE_SECONDS

    def _tick(self) -> None:
        self._advance(SLICE_SECONDS)
        self._view.update()

    def _converged(self) -> bool:
        blocks = self._scene.blocks
        return not self._points_stale and (blocks is None or self._turn >= blocks.count)

    def _advance(self, patience: float) -> None:
        """Draw blocks of points for about `patience` seconds, at least one."""
        started = time.perf_counter()
        if self._points_stale:
            self._restart()
        blocks, colours = self._scene.blocks, self._scene.colours
        if blocks is None or colours is None or self._turn >= blocks.count:
            return
        assert self._buffer is not None
        assert self._projection is not None
        while self._turn < blocks.count:
            colours.prepare(self._turn)
            self._buffer.add(blocks.block(self._turn), self._projection, self._scene.rejected)
            self._turn += 1
            if time.perf_counter() - started > patience:
                break
        self._frame = None
        self._seconds += time.perf_counter() - started

    def _restart(self) -> None:
        scale = self._view.devicePixelRatioF() * (0.5 if self._draft else 1.0)
        width, height = (
            max(1, round(side * scale)) for side in (self._view.width(), self._view.height())
        )
        size = max(1, round(self._scene.drawn_size() * scale))
        old = self._buffer
        if old is None or (old.width, old.height, old.point_size) != (width, height, size):
            self._buffer = ZBuffer(width, height, size)
            self._picture = np.zeros((height, width), np.uint32)
        else:
            old.clear()
        self._projection = self._scene.camera.projection(width, height)
        self._turn, self._frame, self._seconds = 0, None, 0.0
        self._points_stale = self._announced = False

    def _compose(self) -> None:
        """Bring ids, shading and colours up to date with the z-buffer."""
        started = time.perf_counter()
        if self._frame is None:
            assert self._buffer is not None
            self._frame = self._buffer.resolve()
            self._brightness = None
            self._colours_stale = True
        if self._colours_stale:
            self._paint_pixels(None)
        elif self._changed:
            self._paint_pixels(self._changed_pixels())
        else:
            return
        self._colours_stale = False
        self._changed.clear()
        self._seconds += time.perf_counter() - started

    def _changed_pixels(self) -> npt.NDArray[np.int64]:
        """Return the flat pixel numbers that show a relabelled point."""
        assert self._frame is not None
        assert self._scene.blocks is not None
        touched = np.zeros(len(self._scene.blocks.cloud) + 1, bool)
        for rows in self._changed:
            touched[rows] = True
        return np.flatnonzero(np.take(touched, self._frame.ids.reshape(-1), mode="clip"))

    def _paint_pixels(self, where: npt.NDArray[np.int64] | None) -> None:
        colours, look = self._scene.colours, self._scene.look
        if colours is None:
            red, green, blue = look.background
            self._picture.fill(0xFF000000 | red << 16 | green << 8 | blue)
            return
        assert self._frame is not None
        if look.shading and self._brightness is None:
            self._brightness = eye_dome(self._frame.depth)
        brightness = self._brightness if look.shading else None
        Shader(colours, look).paint(self._frame, brightness, self._picture, where)

    def _up_to_date(self) -> tuple[Frame, Projection]:
        """Return the frame that is shown, drawn first if the scene changed since."""
        if self._points_stale or self._frame is None:
            self._advance(self._patience())
        self._compose()
        assert self._frame is not None
        assert self._projection is not None
        return self._frame, self._projection

    def ids_around(self, x: float, y: float, radius: float) -> ShownIds:
        """Return the ids within a radius of a place, all in logical pixels.

        While a large cloud is still being drawn these are the points shown so far: what
        a person sees is what a person clicks.
        """
        frame, projection = self._up_to_date()
        scale = projection.width / max(1, self._view.width())
        left, top = (max(0, math.floor((at - radius) * scale)) for at in (x, y))
        right, bottom = (max(0, math.ceil((at + radius) * scale) + 1) for at in (x, y))
        window = np.s_[top:bottom, left:right]
        return ShownIds(frame.ids[window].copy(), frame.depth[window].copy(), left, top, projection)

    def all_ids(self) -> ShownIds:
        """Return the ids of the whole, finished picture."""
        self.finish()
        frame, projection = self._up_to_date()
        return ShownIds(frame.ids, frame.depth, 0, 0, projection)
