"""The photo view: what the window and the tools talk to."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from annotator.domain.cloud import Float32, Int32
from annotator.domain.flat_camera import FlatCamera
from annotator.domain.labels import Colour
from annotator.domain.pyramid import Pyramid, Window
from annotator.domain.shading import ColourMode
from annotator.domain.working import working_size
from annotator.ui.image.arrows import FlowLines, PhotoArrow
from annotator.ui.image.frame import Frame, Layers
from annotator.ui.image.heat import Heat
from annotator.ui.image.navigation import FlatNavigator
from annotator.ui.image.overlay import Outline, PhotoBox, PhotoMarker, PhotoOverlay
from annotator.ui.image.tints import Tints
from annotator.ui.view import PointerTool
from annotator.ui.view.base import AnnotationView
from annotator.ui.view.input import ViewInput

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the labels."""

QUIET = 0.4
"""Share of their opacity that masks keep where they are only the ground for something else."""


@dataclass(frozen=True)
class Stretched:
    """A picture that is laid over all of the photo, under its masks, whatever its size.

    Attributes:
        picture: With alpha.
        opacity: 0 to 1.
        left: Share of its width from which on it is shown.
        right: Share of its width up to which it is shown.
    """

    picture: QImage
    opacity: float = 1.0
    left: float = 0.0
    right: float = 1.0


MODES: tuple[ColourMode, ...] = ("rgb", "label", "confidence")


@runtime_checkable
class TakesKeys(Protocol):
    """What a tool adds that keys do something in, such as Enter."""

    def wants(self, key: int) -> bool:
        """Whether `key` would do something now."""

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Follow a key; False leaves it to others."""


class ImageView(AnnotationView):
    """Shows a photo with masks and clicks, and answers what is where.

    Places in the view are logical pixels, places on the photo its own pixels; masks may
    have coarser ones.

    Attributes:
        camera: Which part is seen how large; moving it redraws.
        frameFinished: Emitted with the milliseconds of work when a picture is complete.
        cameraChanged: Emitted after every move of the camera.
    """

    _ready = False  # Qt sends events while the constructor is still running

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.camera: FlatCamera = FlatCamera()
        self.overlay: PhotoOverlay = PhotoOverlay()
        self._tints = Tints()
        self._layers = Layers(tints=self._tints)
        self._frame = Frame(self._layers)
        self._navigator = FlatNavigator(self.camera)
        self._input = ViewInput(self, self._navigator)
        self._tool: PointerTool[Any] | None = None
        self._mode: ColourMode = "rgb"
        self._opacity = 0.45
        self._share = 1.0
        self._stretched: tuple[Stretched, ...] = ()
        self._confidence: Float32 | None = None
        self._untouched = True
        self._fitting = False
        self._disconnect = self.camera.changed.connect(self._camera_moved)
        self._ready = True
        self._follow_palette()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Photo"))
        self.setAccessibleDescription(
            self.tr("Arrow keys move the placement cursor, Enter or Space presses there.")
        )

    # -- what is shown -------------------------------------------------------

    @property
    def colour_mode(self) -> ColourMode:
        """What lies over the photo: masks, masks alone or confidence."""
        return self._mode

    @property
    def label_opacity(self) -> float:
        """Opacity of masks over the photo, 0 to 1."""
        return self._opacity

    def set_photo(self, pyramid: Pyramid | None, factor: int = 1) -> None:
        """Show another photo, all of it, without masks and clicks.

        Args:
            pyramid: The picture; None for none.
            factor: Pixels of the photo along the edge of a pixel of its masks.
        """
        self._layers.pyramid, self._layers.factor = pyramid, factor
        self._layers.slots = self._confidence = self._layers.heat = None
        self.overlay, self._stretched = PhotoOverlay(), ()
        self.camera.size = pyramid.size if pyramid else (1, 1)
        self._frame.forget()
        self._untouched = True
        self._fit_untouched()
        self.update()

    def set_labels(self, labels: Int32 | None, box: Box | None = None) -> None:
        """Show masks.

        Args:
            labels: [H, W] object ids, 0 = background; None for none.
            box: All that differs from before: only that is drawn again; None for all.
        """
        if labels is None:
            self._layers.slots = None
            self._frame.forget()
            self.update()
            return
        slots = self._layers.slots
        if box is None or slots is None or slots.shape != labels.shape:
            self._layers.slots, box = self._tints.slots_of(labels), None
        else:
            x0, y0, x1, y1 = box
            slots[y0:y1, x0:x1] = self._tints.slots_of(labels[y0:y1, x0:x1])
        self._redraw_masks(box)

    def preview_labels(self, part: npt.NDArray[np.bool_], x: int, y: int, object_id: int) -> None:
        """Show pixels as an object's until the next `set_labels` of that place.

        Args:
            part: [h, w] which pixels.
            x: Column of the left ones.
            y: Row of the upper ones.
            object_id: The object; 0 for the background.
        """
        if self._layers.slots is None:
            wide, high = working_size(*self.camera.size, self._layers.factor)
            self._layers.slots = np.zeros((high, wide), np.uint8)
        height, width = part.shape
        self._layers.slots[y : y + height, x : x + width][part] = self._tints.slot(object_id)
        self._redraw_masks((x, y, x + width, y + height))

    def set_confidence(self, confidence: Float32 | None) -> None:
        """Take the confidence [H, W] in [0, 1] that the colour mode of that name shows."""
        self._confidence = confidence
        self._show_heat()

    def set_palette(self, palette: Mapping[int, Colour]) -> None:
        """Take the colour of each object id; others keep their default colour."""
        self._tints.set_palette(palette)
        self._redraw_masks()

    def set_hidden(self, ids: frozenset[int]) -> None:
        """Leave out the masks of these objects; 0 darkens what belongs to none."""
        self._tints.set_hidden(ids)
        self._redraw_masks()

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Show the photo under masks ("rgb"), solid masks ("label") or "confidence".

        Raises:
            ValueError: If there is no such mode.
        """
        if mode not in MODES:
            raise ValueError(f"no colour mode {mode!r} for photos")
        self._mode = mode
        self._tint()
        self._show_heat()

    def set_label_opacity(self, opacity: float) -> None:
        """Set the opacity of masks over the photo, 0 to 1."""
        self._opacity = min(1.0, max(0.0, opacity))
        self._tint()
        self._redraw_masks()

    def set_quiet(self, quiet: bool) -> None:
        """Show masks fainter than they are set to, where they are only the ground."""
        self.set_mask_share(QUIET if quiet else 1.0)

    def set_mask_share(self, share: float) -> None:
        """Show masks with a share of the opacity that they are set to; 0 hides them."""
        if share != self._share:
            self._share = share
            self._tint()
            self._redraw_masks()

    def set_stretched(self, pictures: Sequence[Stretched]) -> None:
        """Lay pictures over the photo, the first one lowest."""
        self._stretched = tuple(pictures)
        self.update()

    def set_arrows(self, arrows: Sequence[PhotoArrow]) -> None:
        """Show the directions of regions that move."""
        self.overlay.arrows = tuple(arrows)
        self.update_overlay()

    def set_flow(self, flow: FlowLines | None) -> None:
        """Show where what is seen moves, or nothing of it."""
        self.overlay.flow = flow
        self.update_overlay()

    def _tint(self) -> None:
        opacity = 0.92 if self._mode == "label" else self._opacity
        self._tints.set_opacity(opacity * self._share)

    def set_markers(self, markers: Sequence[PhotoMarker]) -> None:
        """Show these clicks."""
        self.overlay.markers = tuple(markers)
        self.update_overlay()

    def set_boxes(self, boxes: Sequence[PhotoBox]) -> None:
        """Show these boxes."""
        self.overlay.boxes = tuple(boxes)
        self.update_overlay()

    def set_hint(self, text: str) -> None:
        """Show words at the lower edge, or none."""
        if text != self.overlay.hint:
            self.overlay.hint = text
            self.update_overlay()

    def set_heat(self, heat: Heat | None) -> None:
        """Show a map of what clicks elsewhere would give, or none."""
        self.overlay.heat = heat
        self.update_overlay()

    def show_drawn_box(self, box: PhotoBox | None) -> None:
        """Show the box that is being drawn, or none."""
        self.overlay.drawn = box
        self.update_overlay()

    def set_outlines(self, outlines: Sequence[Outline]) -> None:
        """Show polygons with handles."""
        self.overlay.outlines = tuple(outlines)
        self.update_overlay()

    def set_tool(self, tool: PointerTool[Any] | None) -> None:
        """Offer pointer events to a tool before they navigate."""
        self._tool = tool
        self._input.set_tool(tool)

    def _show_heat(self) -> None:
        shown = self._mode == "confidence" and self._confidence is not None
        if shown and self._confidence is not None:
            self._layers.heat = np.rint(self._confidence * np.float32(255)).astype(np.uint8)
        else:
            self._layers.heat = None
        self._frame.forget()
        self.update()

    def _redraw_masks(self, box: Box | None = None) -> None:
        """Draw masks anew, within a box of the labels or everywhere."""
        factor = self._layers.factor
        scaled = None
        if box is not None:
            scaled = (box[0] * factor, box[1] * factor, box[2] * factor, box[3] * factor)
        self._frame.redraw_masks(scaled)
        self.update()

    # -- what is where -------------------------------------------------------

    def pick(self, x: float, y: float) -> tuple[float, float] | None:
        """Return the place of the photo under a pointer; None beside it."""
        place = self.camera.to_photo(x, y)
        return place if self._layers.pyramid and self.camera.contains(*place) else None

    def pick_marker(self, x: float, y: float) -> int | None:
        """Return the click id of the marker under a pointer, or None."""
        return self.overlay.marker_at(self.camera, x, y)

    # -- painting ------------------------------------------------------------

    def _window(self) -> Window:
        ratio = self.devicePixelRatioF()
        left, top = self.camera.to_photo(0, 0)
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        return Window(left, top, self.camera.scale * ratio, width, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what came into view, then everything that is kept."""
        started = time.perf_counter()
        self._frame.show(self._window())
        painter = QPainter(self)
        self._paint_layer(painter, self._frame.photo)
        self._paint_stretched(painter)
        if self._share:
            self._paint_layer(painter, self._frame.masks)
        if self._layers.pyramid is not None:
            self.overlay.paint(painter, self.camera)
        painter.end()
        self.frameFinished.emit((time.perf_counter() - started) * 1000)

    def _paint_layer(self, painter: QPainter, picture: QImage | None) -> None:
        if picture is not None:
            picture.setDevicePixelRatio(self.devicePixelRatioF())
            painter.drawImage(0, 0, picture)

    def _paint_stretched(self, painter: QPainter) -> None:
        if not self._stretched or self._layers.pyramid is None:
            return
        corner = QPointF(*self.camera.to_view(0, 0))
        whole = QRectF(corner, QPointF(*self.camera.to_view(*self.camera.size)))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for each in self._stretched:
            painter.save()
            shown = QRectF(whole)
            shown.setLeft(whole.left() + each.left * whole.width())
            shown.setRight(whole.left() + each.right * whole.width())
            painter.setClipRect(shown)
            painter.setOpacity(each.opacity)
            painter.drawImage(whole, each.picture)
            painter.restore()

    # -- Qt events -----------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the new size; a photo that nobody has moved yet fits again."""
        super().resizeEvent(event)
        self._sync_viewport()
        self._fit_untouched()

    def event(self, event: QEvent) -> bool:
        """Offer pointer and key events to tool and camera."""
        if self._ready and event.type() == QEvent.Type.DevicePixelRatioChange:
            self._sync_viewport()
        if self._ready and isinstance(event, QKeyEvent) and self._own_key(event):
            return True
        if self._ready and event.type() == QEvent.Type.FocusOut:
            self._hold_space(False)
        if self._ready and self._input.handle(event):
            return True
        return super().event(event)

    def _own_key(self, event: QKeyEvent) -> bool:
        """Offer a key to a tool that takes keys, and the space bar to the photo."""
        if isinstance(self._tool, TakesKeys) and event.type() != QEvent.Type.KeyRelease:
            if event.type() == QEvent.Type.ShortcutOverride and self._tool.wants(event.key()):
                event.accept()
                return True
            taken = event.type() == QEvent.Type.KeyPress and self.overlay.cursor is None
            if taken and self._tool.key(event.key(), event.modifiers()):
                return True
        return self._space(event)

    def _space(self, event: QKeyEvent) -> bool:
        """Let the space bar hold the photo, unless it presses at the placement cursor."""
        chord = bool(event.modifiers()) and event.type() != QEvent.Type.KeyRelease
        if event.key() != Qt.Key.Key_Space or self.overlay.cursor is not None or chord:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        elif not event.isAutoRepeat():
            self._hold_space(event.type() == QEvent.Type.KeyPress)
        return True

    def _hold_space(self, held: bool) -> None:
        if held != self._navigator.space:
            self._navigator.space = held
            self.setCursor(Qt.CursorShape.OpenHandCursor if held else Qt.CursorShape.CrossCursor)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the brush away with the pointer."""
        super().leaveEvent(event)
        if self.overlay.circle is not None:
            self.set_overlay_circle(None)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        themed = event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if self._ready and themed:
            self._follow_palette()
        super().changeEvent(event)

    def shut_down(self) -> None:
        """Stop drawing; the view is not used afterwards."""
        self._disconnect()

    def _follow_palette(self) -> None:
        window = self.palette().color(QPalette.ColorRole.Window)
        colour = window.darker(112 if window.lightnessF() > 0.5 else 150)
        self._layers.background = (colour.red(), colour.green(), colour.blue())
        self._frame.forget()
        self.update()

    def _sync_viewport(self) -> None:
        self.camera.ratio = self.devicePixelRatioF()
        self._layers.outline = max(1, round(1.3 * self.camera.ratio))
        self.camera.viewport = (max(1, self.width()), max(1, self.height()))
        self.update()

    def _fit_untouched(self) -> None:
        if self._untouched:
            self._sync_viewport()
            self._fitting = True
            self.camera.fit()
            self._fitting = False

    def _camera_moved(self) -> None:
        self._untouched = self._untouched and self._fitting
        self.update()
        self.cameraChanged.emit()
