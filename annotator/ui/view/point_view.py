"""The 3D view: what the window and the tools talk to, whichever renderer draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from annotator.domain.camera import OrbitCamera
from annotator.domain.cloud import Float32, Float64, Int32, Int64, PointCloud
from annotator.domain.labels import Colour
from annotator.domain.picking import disc_mask, pick_in_window, polygon_mask
from annotator.domain.raster import EMPTY, points_under
from annotator.domain.shading import COLOUR_MODES, ColourMode
from annotator.ui.view.base import AnnotationView
from annotator.ui.view.input import ViewInput
from annotator.ui.view.navigation import Navigator
from annotator.ui.view.overlay import ClickMarker, Overlay, OverPoints
from annotator.ui.view.pointer import PointerTool
from annotator.ui.view.renderer import Renderer, ShownIds, Stale
from annotator.ui.view.scene import LARGEST_SIZE, Scene
from annotator.ui.view.software import SoftwareRenderer

VISIBLE_SLACK = 0.006  # relative depth behind the drawn point that still counts as visible
BEHIND_SLACK = 0.02  # relative depth in front of a marker that hides it
_FEW_MARKERS = 50

RendererFactory = Callable[["PointView", Scene], Renderer]


class PointView(AnnotationView):
    """Shows a point cloud with labels and clicks, and answers what is where.

    All places are logical pixels; the ratio to device pixels is applied once, inside.

    Attributes:
        camera: Where the cloud is seen from; moving it redraws.
        frameFinished: Emitted with the milliseconds of work when a picture is complete.
        cameraChanged: Emitted after every move of the camera.
        renderer_note: Why another renderer draws than was asked for; empty if none.
    """

    _ready = False  # Qt sends events while the constructor is still running

    def __init__(self, make_renderer: RendererFactory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = Scene()
        self.camera: OrbitCamera = self._scene.camera
        self.overlay: Overlay = Overlay()
        navigator = Navigator(self.camera, self.position_under, self.set_pivot_at)
        self._input = ViewInput(self, navigator)
        self.renderer_note = ""
        self._untouched = True
        self._renderer = make_renderer(self, self._scene)
        self._ready = True
        self._disconnect = self.camera.changed.connect(self._camera_moved)
        self._follow_palette()
        self._set_up_widget()

    def _set_up_widget(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("3D view"))
        self.setAccessibleDescription(
            self.tr("Arrow keys move the placement cursor, Enter or Space presses there.")
        )

    # -- what is shown -------------------------------------------------------

    @property
    def renderer_name(self) -> str:
        """Which renderer draws: "software" or "opengl"."""
        return self._renderer.name

    @property
    def cloud(self) -> PointCloud | None:
        """The cloud shown, or None."""
        return None if self._scene.blocks is None else self._scene.blocks.cloud

    @property
    def colour_mode(self) -> ColourMode:
        """Where the points' colours come from."""
        return self._scene.look.mode

    @property
    def label_opacity(self) -> float:
        """Share of the label's colour over the scan's own, 0 to 1."""
        return self._scene.look.label_opacity

    @property
    def point_size(self) -> float:
        """Least diameter of a point in logical pixels."""
        return self._scene.point_size

    @property
    def shading(self) -> bool:
        """Whether edges in depth are darkened."""
        return self._scene.look.shading

    @property
    def clip_box(self) -> tuple[Float32, Float32] | None:
        """Corners (low [3], high [3]) outside which nothing is drawn, or None."""
        return self._scene.clip_box

    def set_cloud(self, cloud: PointCloud | None) -> None:
        """Show another cloud from the standard direction, without labels or clicks."""
        self._scene.set_cloud(cloud)
        self.overlay.markers = ()
        self._untouched = True
        self._renderer.invalidate(Stale.CLOUD)
        self._fit_untouched()

    def set_labels(self, labels: Int32 | None, changed: Int64 | None = None) -> None:
        """Colour points by object.

        Args:
            labels: [W] object ids, 0 = background; None clears them.
            changed: Rows whose label differs from before: all that is redrawn; None
                for all of them.

        Raises:
            ValueError: If the number of labels is not that of the points.
        """
        colours = self._scene.colours
        if colours is None:
            return
        if labels is not None and len(labels) != len(colours.slots):
            raise ValueError(f"{len(labels)} labels for {len(colours.slots)} points")
        colours.set_labels(labels, changed)
        self._renderer.invalidate(Stale.LABELS, None if labels is None else changed)
        if self._scene.anything_hidden:
            self._renderer.invalidate(Stale.POINTS)

    def set_confidence(self, confidence: Float32 | None) -> None:
        """Take the confidence [W] in [0, 1] that the colour mode of that name shows."""
        if self._scene.colours is not None:
            self._scene.colours.confidence = confidence
            self._renderer.invalidate(Stale.STYLE)

    def set_palette(self, palette: Mapping[int, Colour]) -> None:
        """Take the colour of each object id; others keep their default colour."""
        self._scene.set_palette(palette)
        self._renderer.invalidate(Stale.STYLE)

    def set_hidden(self, ids: frozenset[int]) -> None:
        """Leave out the points of these objects; 0 means the unlabelled ones."""
        self._scene.set_hidden(ids)
        self._renderer.invalidate(Stale.POINTS)

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Colour points by "rgb", "label", "height", "confidence" or "ground_truth".

        Raises:
            ValueError: If there is no such mode.
        """
        if mode not in COLOUR_MODES:
            raise ValueError(f"no colour mode {mode!r}; there are {', '.join(COLOUR_MODES)}")
        self._restyle(mode=mode)

    def set_label_opacity(self, opacity: float) -> None:
        """Set the share of the label's colour over rgb and height, 0 to 1."""
        self._restyle(label_opacity=min(1.0, max(0.0, opacity)))

    def set_shading(self, shading: bool) -> None:
        """Darken edges in depth, or not."""
        self._restyle(shading=shading)

    def set_point_size(self, size: float) -> None:
        """Set the least diameter of points in logical pixels, 1 to 12."""
        self._scene.point_size = min(LARGEST_SIZE, max(1.0, size))
        self._renderer.invalidate(Stale.POINTS)

    def set_adaptive_size(self, adaptive: bool) -> None:
        """Let points grow as one comes nearer, so that surfaces stay closed, or not."""
        self._scene.adaptive_size = adaptive
        self._renderer.invalidate(Stale.POINTS)

    def set_clip_box(self, low: npt.ArrayLike | None, high: npt.ArrayLike | None = None) -> None:
        """Draw only points between two corners [3] in metres; None draws all."""
        if low is None or high is None:
            self._scene.clip_box = None
        else:
            self._scene.clip_box = (np.asarray(low, np.float32), np.asarray(high, np.float32))
        self._renderer.invalidate(Stale.POINTS)

    def set_markers(self, markers: Sequence[ClickMarker]) -> None:
        """Show these clicks over the points."""
        self.overlay.markers = tuple(markers)
        self.update_overlay()

    def set_heat(self, heat: OverPoints | None) -> None:
        """Show a map of what clicks elsewhere would give, or none."""
        self.overlay.heat = heat
        self.update_overlay()

    def set_tool(self, tool: PointerTool[Any] | None) -> None:
        """Offer pointer events to a tool before they navigate."""
        self._input.set_tool(tool)

    def update_overlay(self) -> None:
        """Draw what is over the points again; the points themselves are not redrawn."""
        self.update()
        self._renderer.overlay_changed()

    def _restyle(self, **changes: object) -> None:
        self._scene.look = replace(self._scene.look, **changes)  # type: ignore[arg-type]
        self._renderer.invalidate(Stale.STYLE)

    # -- what is where -------------------------------------------------------

    def pick(self, x: float, y: float, radius: float = 7) -> int | None:
        """Return the row of the point that a pointer means, or None.

        The front-most within `radius`; see `annotator.domain.picking.pick_in_window`.
        """
        if self._scene.blocks is None:
            return None
        self._sync_viewport()
        shown = self._renderer.ids_around(x, y, radius)
        scale = shown.projection.width / max(1, self.width())
        at = (x * scale - shown.left, y * scale - shown.top)
        return pick_in_window(shown.ids, shown.depth, *at, radius * scale)

    def pick_marker(self, x: float, y: float) -> int | None:
        """Return the click id of the marker under a pointer, or None."""
        self._sync_viewport()
        return self.overlay.marker_at(self.camera, x, y)

    def point_position(self, row: int) -> npt.NDArray[np.float64]:
        """Return the local coordinates [3] of a point, metres."""
        assert self.cloud is not None
        return np.array(self.cloud.xyz[row], np.float64)

    def position_under(self, x: float, y: float) -> npt.NDArray[np.float64] | None:
        """Return the local coordinates [3] of the point under a pointer, or None."""
        row = self.pick(x, y, 12)
        return None if row is None else self.point_position(row)

    def set_pivot_at(self, x: float, y: float) -> bool:
        """Turn around the point under a pointer from now on; False if there is none."""
        point = self.position_under(x, y)
        if point is not None:
            self.camera.set_pivot(point)
        return point is not None

    def points_in_polygon(self, polygon: npt.ArrayLike, visible_only: bool = True) -> Int64:
        """Return the rows, ascending, of the points inside a lasso [K, 2].

        Args:
            polygon: Corners in pixels.
            visible_only: Leave out points behind others; hidden and clipped ones always are.
        """
        points = np.asarray(polygon, np.float64).reshape(-1, 2)
        return self._select(
            lambda width, height, scale: polygon_mask(points * scale, width, height), visible_only
        )

    def points_near(self, x: float, y: float, radius_px: float, visible_only: bool = True) -> Int64:
        """Return the rows, ascending, of the points under a brush; see `points_in_polygon`."""
        return self._select(
            lambda width, height, scale: disc_mask(
                x * scale, y * scale, radius_px * scale, width, height
            ),
            visible_only,
        )

    def _select(
        self, make_mask: Callable[[int, int, float], npt.NDArray[np.bool_]], visible_only: bool
    ) -> Int64:
        blocks = self._scene.blocks
        if blocks is None:
            return np.zeros(0, np.int64)
        self._sync_viewport()
        shown = self._renderer.all_ids()
        projection = shown.projection
        scale = projection.width / max(1, self.width())
        mask = make_mask(projection.width, projection.height, scale)
        deepest = shown.depth * np.float32(1 + VISIBLE_SLACK) if visible_only else None
        return points_under(blocks, projection, mask, self._scene.rejected, deepest)

    def grab_image(self) -> QImage:
        """Return the finished picture with everything over it, in device pixels."""
        self._sync_viewport()
        self._renderer.finish()
        return self.grab().toImage()

    # -- painting ------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the points, unless the renderer has a surface of its own, and what is over them."""
        painter = QPainter(self)
        self._renderer.paint(painter)
        painter.end()

    def paint_overlay(self, painter: QPainter, behind: npt.NDArray[np.bool_]) -> None:
        """Draw what is over the points; renderers call it with their surface's painter."""
        self.overlay.gizmo = self._scene.blocks is not None
        self.overlay.paint(painter, self.camera, behind)

    def markers_behind(self) -> npt.NDArray[np.bool_]:
        """Return which markers [M] have points clearly in front of most of their middle."""
        behind = np.zeros(len(self.overlay.markers), bool)
        if self._scene.blocks is None or not len(behind):
            return behind
        positions = np.array([marker.position for marker in self.overlay.markers])
        x, y, depth = self.camera.projection().project(positions)
        width, height = self.width(), self.height()
        seen = np.flatnonzero((x >= 0) & (x < width) & (y >= 0) & (y < height))
        if len(seen) > _FEW_MARKERS:
            # Looking at the picture once costs less than at hundreds of windows of it.
            whole = self._renderer.ids_around(width / 2, height / 2, max(width, height) / 2)
            behind[seen] = _all_covered(whole, width, x[seen], y[seen], depth[seen])
        else:
            for i in seen:
                behind[i] = _covered(self._renderer.ids_around(x[i], y[i], 2), depth[i])
        return behind

    # -- Qt events -----------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the new size; a view that nobody has turned yet fits the cloud again."""
        super().resizeEvent(event)
        self._sync_viewport()
        self._fit_untouched()

    def event(self, event: QEvent) -> bool:
        """Offer pointer and key events to tool and camera."""
        if self._ready and event.type() == QEvent.Type.DevicePixelRatioChange:
            self._renderer.resize()
        if self._ready and self._input.handle(event):
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        themed = event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if self._ready and themed:
            self._follow_palette()
        super().changeEvent(event)

    def shut_down(self) -> None:
        """Stop drawing and free the graphics card's memory; the view is not used afterwards."""
        self._disconnect()
        self._renderer.close()

    def _follow_palette(self) -> None:
        window = self.palette().color(QPalette.ColorRole.Window)
        # A shade darker than the window, so that pale scans stand out in the light theme too.
        colour = window.darker(112 if window.lightnessF() > 0.5 else 150)
        self._restyle(background=(colour.red(), colour.green(), colour.blue()))

    def use_renderer(self, make_renderer: RendererFactory) -> None:
        """Draw with another renderer from now on."""
        self._renderer.close()
        self._renderer = make_renderer(self, self._scene)
        self._renderer.invalidate(Stale.CLOUD)

    def fall_back(self, reason: str) -> None:
        """Draw in software because of `reason`, which `renderer_note` keeps for the window."""
        self.renderer_note = reason
        self.use_renderer(SoftwareRenderer)

    def _sync_viewport(self) -> None:
        size = (max(1, self.width()), max(1, self.height()))
        if self.camera.viewport != size:
            self.camera.viewport = size
            self._renderer.resize()

    def _fit_untouched(self) -> None:
        if self._untouched:
            self._sync_viewport()
            self.camera.look("iso")
            self._untouched = True

    def _camera_moved(self) -> None:
        self._untouched = False
        self._renderer.invalidate(Stale.POINTS)
        self.cameraChanged.emit()


def _covered(shown: ShownIds, depth: float) -> bool:
    hit = shown.ids != EMPTY
    nearer = hit & (shown.depth < depth * (1 - BEHIND_SLACK))
    return bool(hit.any()) and nearer.sum() * 2 > hit.sum()


def _all_covered(
    whole: ShownIds, width: int, x: Float64, y: Float64, depth: Float64
) -> npt.NDArray[np.bool_]:
    """Return `_covered` of places [M], in logical pixels, all within one window."""
    scale = whole.projection.width / max(1, width)
    side = np.arange(int(4 * scale) + 1)
    rows = ((y - 2) * scale).astype(np.intp)[:, None] - whole.top + side
    columns = ((x - 2) * scale).astype(np.intp)[:, None] - whole.left + side
    height, length = whole.ids.shape
    at = (rows.clip(0, height - 1)[:, :, None], columns.clip(0, length - 1)[:, None, :])
    hit = whole.ids[at] != EMPTY
    nearer = hit & (whole.depth[at] < (depth * (1 - BEHIND_SLACK))[:, None, None])
    covered: npt.NDArray[np.bool_] = nearer.sum((1, 2)) * 2 > hit.sum((1, 2))
    return covered
