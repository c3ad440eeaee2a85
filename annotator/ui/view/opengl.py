"""The renderer for graphics cards: OpenGL 3.3 core in a QOpenGLWidget."""

import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QSurfaceFormat
from PySide6.QtOpenGL import QOpenGLPaintDevice
from PySide6.QtOpenGLWidgets import QOpenGLWidget

from annotator.domain.camera import Projection
from annotator.domain.errors import AnnotatorError
from annotator.domain.raster import EMPTY, projection_rows
from annotator.domain.shading import DARKEST, EYE_DOME_STRENGTH, UNLABELLED, pack
from annotator.ui.view import shaders
from annotator.ui.view.gl_resources import (
    Palette,
    PointBuffers,
    Program,
    Target,
    bind_texture,
    draw_screen,
)
from annotator.ui.view.renderer import ShownIds, Stale
from annotator.ui.view.scene import Scene

if TYPE_CHECKING:
    from annotator.ui.view.point_view import PointView

UPLOAD_ROWS = 1_000_000  # points sent to the card between two looks at the event loop
FAR_AWAY = 1e30

_logger = logging.getLogger(__name__)


def surface_format() -> QSurfaceFormat:
    """Return the format of the contexts this renderer needs."""
    wanted = QSurfaceFormat()
    wanted.setVersion(3, 3)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    return wanted


class _Surface(QOpenGLWidget):
    """Fills the view; lets the view have all pointer events."""

    def __init__(self, view: "PointView", renderer: "OpenGLRenderer") -> None:
        super().__init__(view)
        self._renderer = renderer
        self.setFormat(surface_format())
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def initializeGL(self) -> None:
        """Build everything anew: a widget that changes windows gets a new context."""
        self._renderer.set_up()

    def paintGL(self) -> None:
        """Draw points, then what is over them."""
        self._renderer.draw()


class OpenGLRenderer:
    """Draws points with ids and depth into a texture, and that onto the screen.

    The id texture is the same as the software renderer's id buffer, so picking and
    selection are shared code.
    """

    name = "opengl"

    def __init__(self, view: "PointView", scene: Scene) -> None:
        self._view, self._scene = view, scene
        self._buffers: PointBuffers | None = None
        self._target: Target | None = None
        self._projection: Projection | None = None
        self._positions_sent = self._colours_sent = 0
        self._labels_from, self._labels_to = 0, 0
        self._palette_stale = self._points_stale = True
        self._ready = self._drawing = self._failed = False
        self._surface = _Surface(view, self)
        self._surface.setGeometry(view.rect())
        self._surface.show()

    # -- what the view asks for ----------------------------------------------

    def invalidate(self, stale: Stale, changed: npt.NDArray[np.int64] | None = None) -> None:
        """Note that the scene changed (for labels: which rows) and draw again soon."""
        if stale is Stale.CLOUD:
            self._positions_sent = 0
            self._stale_labels(None)
        elif stale is Stale.LABELS:
            self._stale_labels(changed)
        if stale in (Stale.CLOUD, Stale.STYLE):
            self._colours_sent = 0
        self._palette_stale = self._palette_stale or stale is not Stale.LABELS
        self._points_stale = True
        self._surface.update()

    def _stale_labels(self, changed: npt.NDArray[np.int64] | None) -> None:
        if changed is None:
            self._labels_from, self._labels_to = 0, self._count()
        elif len(changed):
            low, high = int(changed.min()), int(changed.max()) + 1
            if self._labels_from < self._labels_to:
                low, high = min(low, self._labels_from), max(high, self._labels_to)
            self._labels_from, self._labels_to = low, high

    def overlay_changed(self) -> None:
        """Draw what is over the points again."""
        self._surface.update()

    def resize(self) -> None:
        """Follow the view's size."""
        self._surface.setGeometry(self._view.rect())
        self._points_stale = True

    def paint(self, painter: QPainter) -> None:
        """Nothing: the surface draws itself."""

    def finish(self) -> None:
        """Complete the picture now."""
        self._with_context(self._render_all)
        self._surface.update()

    def close(self) -> None:
        """Free the graphics card's memory."""
        if self._ready:
            self._surface.makeCurrent()
            self._free()
            self._surface.doneCurrent()
        self._surface.hide()
        self._surface.setParent(None)
        self._surface.deleteLater()

    def ids_around(self, x: float, y: float, radius: float) -> ShownIds:
        """Return the ids within a radius of a place, all in logical pixels."""
        self._with_context(self._render)
        if self._target is None:
            return self._nothing()
        scale = self._target.width / max(1, self._view.width())
        left, top = (math.floor((at - radius) * scale) for at in (x, y))
        right, bottom = (math.ceil((at + radius) * scale) + 1 for at in (x, y))
        return self._read(left, top, right, bottom)

    def all_ids(self) -> ShownIds:
        """Return the ids of the whole, finished picture."""
        self._with_context(self._render_all)
        if self._target is None:
            return self._nothing()
        return self._read(0, 0, self._target.width, self._target.height)

    def _nothing(self) -> ShownIds:
        ids = np.full((1, 1), EMPTY, np.int64)
        depth = np.full((1, 1), np.nan, np.float32)
        return ShownIds(ids, depth, 0, 0, self._scene.camera.projection())

    def _read(self, left: int, top: int, right: int, bottom: int) -> ShownIds:
        assert self._target is not None
        assert self._projection is not None
        left, right = (min(max(0, at), self._target.width) for at in (left, right))
        top, bottom = (min(max(0, at), self._target.height) for at in (top, bottom))
        values = np.zeros((0, 0, 2), np.uint32)
        if left < right and top < bottom:
            self._enter()
            values = self._target.read(left, top, right - left, bottom - top)
            self._leave()
        ids = values[..., 0].astype(np.int64)
        depth = np.ascontiguousarray(values[..., 1]).view(np.float32)
        depth[ids == EMPTY] = np.nan
        return ShownIds(ids, depth, left, top, self._projection)

    # -- the context ---------------------------------------------------------

    def _enter(self) -> None:
        if not self._drawing:
            self._surface.makeCurrent()

    def _leave(self) -> None:
        if not self._drawing:
            self._surface.doneCurrent()

    def _with_context(self, work: Callable[[], None]) -> None:
        if not self._ready and not self._failed:
            self._surface.grabFramebuffer()  # makes the context of a widget not shown yet
        if not self._ready:
            return
        self._enter()
        work()
        self._leave()

    def set_up(self) -> None:
        """Build programs and buffers in a new context."""
        try:
            self._points = Program(shaders.POINT_VERTEX, shaders.POINT_FRAGMENT)
            self._screen = Program(shaders.SCREEN_VERTEX, shaders.SCREEN_FRAGMENT)
            self._palette = Palette()
        except AnnotatorError as error:
            self._failed = True
            _logger.warning("%s", error)
            reason = error.message
            QTimer.singleShot(0, lambda: self._view.fall_back(reason))
            return
        self._buffers = self._target = None
        self._ready = self._palette_stale = True
        self.invalidate(Stale.CLOUD)

    def _free(self) -> None:
        for resource in (self._buffers, self._target):
            if resource is not None:
                resource.free()
        self._buffers = self._target = None
        self._ready = False

    # -- drawing -------------------------------------------------------------

    def draw(self) -> None:
        """Bring the picture up to date and put it on the screen."""
        if not self._ready:
            return
        started = time.perf_counter()
        self._drawing = True
        fresh = self._points_stale or self._sending()
        self._render()
        self._show()
        behind = self._view.markers_behind()
        self._drawing = False
        self._paint_overlay(behind)
        if self._sending():
            self._surface.update()
        elif fresh:
            self._view.frameFinished.emit((time.perf_counter() - started) * 1000)

    def _paint_overlay(self, behind: npt.NDArray[np.bool_]) -> None:
        # A paint device of its own: a painter on the widget goes elsewhere in a grab.
        assert self._target is not None
        device = QOpenGLPaintDevice(QSize(self._target.width, self._target.height))
        device.setDevicePixelRatio(self._view.devicePixelRatioF())
        painter = QPainter(device)
        self._view.paint_overlay(painter, behind)
        painter.end()

    def _count(self) -> int:
        return 0 if self._scene.blocks is None else len(self._scene.blocks.cloud)

    def _sending(self) -> bool:
        return min(self._positions_sent, self._colours_sent) < self._count()

    def _render_all(self) -> None:
        self._render()
        while self._sending():
            self._render()

    def _render(self) -> None:
        """Send what is new to the card and draw the points, if anything changed."""
        sending = self._sending()
        self._resize_target()
        if not (self._points_stale or sending):
            return
        if self._positions_sent == 0:
            self._replace_buffers()
        self._send_points()
        self._send_labels()
        if self._palette_stale:
            self._palette.upload(self._scene.look.palette, self._scene.hidden)
            self._palette_stale = False
        self._draw_points()
        self._points_stale = False

    def _resize_target(self) -> None:
        ratio = self._view.devicePixelRatioF()
        size = tuple(
            max(1, round(side * ratio)) for side in (self._view.width(), self._view.height())
        )
        if self._target is not None and size == (self._target.width, self._target.height):
            return
        if self._target is not None:
            self._target.free()
        self._target = Target(*size)
        self._points_stale = True

    def _replace_buffers(self) -> None:
        if self._buffers is not None:
            self._buffers.free()
        self._buffers = PointBuffers(self._count()) if self._count() else None

    def _send_points(self) -> None:
        """Send the next rows of positions and colours."""
        blocks, colours, look = self._scene.blocks, self._scene.colours, self._scene.look
        if blocks is None or colours is None or self._buffers is None:
            return
        first = self._positions_sent
        if first < self._count():
            rows = blocks.cloud.xyz[first : first + UPLOAD_ROWS]
            centred = rows - self._centre().astype(np.float32)
            self._buffers.upload(PointBuffers.POSITION, first, centred)
            self._positions_sent += len(rows)
        first = self._colours_sent
        if first < self._count():
            ids = np.arange(first, min(first + UPLOAD_ROWS, self._count()))
            if look.mode == "label":
                own = np.full(len(ids), pack(UNLABELLED), np.uint32)
            else:
                own = colours.of_rows(ids, look.mode, look.palette)
            self._buffers.upload(PointBuffers.BASE, first, own)
            self._colours_sent += len(ids)

    def _send_labels(self) -> None:
        if self._buffers is None or self._scene.colours is None:
            return
        first, last = self._labels_from, min(self._labels_to, self._count())
        if first < last:
            slots = self._scene.colours.slots[first:last]
            self._buffers.upload(PointBuffers.LABEL, first, slots)
        self._labels_from = self._labels_to = 0

    def _centre(self) -> npt.NDArray[np.float64]:
        assert self._scene.blocks is not None
        return (self._scene.blocks.low + self._scene.blocks.high) / 2

    def _draw_points(self) -> None:
        assert self._target is not None
        target = self._target
        self._projection = self._scene.camera.projection(target.width, target.height)
        target.begin()
        if self._buffers is None:
            return
        bind_texture(0, self._palette.texture)
        self._points.use(self._point_uniforms(self._projection))
        self._buffers.draw(self._positions_sent)

    def _point_uniforms(self, projection: Projection) -> dict[str, float | int | tuple[float, ...]]:
        scene, centre = self._scene, self._centre()
        across, down, away = projection_rows(projection, centre).tolist()
        box = scene.clip_box
        low = (-FAR_AWAY,) * 3 if box is None else tuple((box[0] - centre).tolist())
        high = (FAR_AWAY,) * 3 if box is None else tuple((box[1] - centre).tolist())
        opacity = {
            "rgb": scene.look.label_opacity,
            "height": scene.look.label_opacity,
            "label": 1.0,
        }
        return {
            "across": tuple(across),
            "down": tuple(down),
            "away": tuple(away),
            "half_size": (projection.width / 2, projection.height / 2),
            "near": projection.near,
            "point_size": max(1.0, scene.drawn_size() * self._view.devicePixelRatioF()),
            "opacity": opacity.get(scene.look.mode, 0.0),
            "clip_low": low,
            "clip_high": high,
            "palette": 0,
        }

    def _show(self) -> None:
        assert self._target is not None
        look = self._scene.look
        bind_texture(0, self._target.colours)
        bind_texture(1, self._target.what)
        self._screen.use(
            {
                "colours": 0,
                "what": 1,
                "background": tuple(part / 255 for part in look.background),
                "strength": EYE_DOME_STRENGTH if look.shading else 0.0,
                "darkest": DARKEST,
            }
        )
        draw_screen(
            self._surface.defaultFramebufferObject(), self._target.width, self._target.height
        )
        bind_texture(0, 0)
