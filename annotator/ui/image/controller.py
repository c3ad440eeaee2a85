"""Annotation of photos: the shared controller with tools and choices for pixels."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDockWidget, QLabel, QWidget

from annotator.domain.masks import fill_holes, keep_largest, smooth
from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.ui.annotate.controller import AnnotationController
from annotator.ui.annotate.safety import ClickSafety, SafetyDock
from annotator.ui.image.bench import PhotoWorkbench
from annotator.ui.image.candidate_strip import CandidateStrip
from annotator.ui.image.hands import PhotoHands
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.safety import PhotoSafety
from annotator.ui.image.tools import PHOTO_TOOLS, OutlineTool
from annotator.ui.image.view import ImageView

_HINT = "Left click inside an object · right click outside · wheel zooms · drag moves"
_SMOOTHING = 4.0  # logical pixels: what looks smooth at the zoom that one works at


class PhotoController(AnnotationController):
    """Lets a person annotate one photo at a time with clicks, boxes, brush and polygons."""

    bench: PhotoWorkbench

    def __init__(
        self, project: Project, view: ImageView, session: EngineSession, parent: QObject | None
    ) -> None:
        bench = PhotoWorkbench(project, view, session, parent)
        hands = PhotoHands(bench)
        tools = {name: make(hands) for name, make in PHOTO_TOOLS.items()}
        self._photo_view = view
        self._strip = CandidateStrip(view)
        self._zoom = QLabel(parent if isinstance(parent, QWidget) else None)
        self._zoom.setObjectName("zoomStatus")
        self._zoom.setToolTip("Screen pixels per pixel of the photo")
        self._zoom.setAccessibleName("Zoom")
        super().__init__(bench, hands, tools, parent)
        self.safety = ClickSafety(bench, PhotoSafety(bench, hands), SafetyDock(self._window))
        self.safety.changed.connect(self._announce_conditions)
        self._objects_model.name_points("Pixels")
        self._strip.chosen.connect(bench.choose_candidate)
        self._strip.dismissed.connect(bench.dismiss_candidates)
        bench.composer.composed.connect(self._refresh_outline)
        view.cameraChanged.connect(self._show_zoom)

    def open_asset(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Show a photo as it was left and let the engine encode it.

        Args:
            asset_id: Of an asset in the project.
            photo: The photo as read.
        """
        self.bench.open_asset(asset_id, photo)
        self._show_camera(asset_id)
        self._show_zoom()

    def close(self) -> None:
        """Let go of everything."""
        self._strip.hide()
        self.safety.close()
        self._photo_view.cameraChanged.disconnect(self._show_zoom)
        super().close()
        self._strip.deleteLater()
        self._zoom.deleteLater()

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        bench = self.bench
        return {
            **super().action_handlers(),
            **self.safety.handlers(),
            "select_object": self.select_object,
            "cancel_run": self.cancel,
            "resize_mask": bench.resize_mask,
            "reset_mask_size": self.reset_size,
            "fill_holes": partial(bench.reshape, fill_holes),
            "smooth_mask": self.smooth,
            "keep_largest": partial(bench.reshape, keep_largest),
            "remove_box": bench.remove_box,
            "look_at_object": lambda: bench.look_at(bench.current_object),
        }

    def docks(self) -> Sequence[QDockWidget]:
        """Return the docks, most important first."""
        return (*super().docks(), self.safety.dock)

    def status_widgets(self) -> Sequence[QWidget]:
        """Return what belongs into the status bar, from left to right."""
        return (*super().status_widgets(), self._zoom)

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        bench = self.bench
        held = set(super().conditions()) | self.safety.conditions()
        facts = {
            "candidates": bool(bench.candidates),
            "has_box": bench.box is not None,
            "has_pixels": self._has_pixels,
            "resized": bool(bench.asset and bench.current_object in bench.asset.thresholds),
        }
        if bench.candidates:
            held.add("busy")  # Escape then keeps the present mask
        return frozenset(held | {name for name, holds in facts.items() if holds})

    @property
    def _has_pixels(self) -> bool:
        counts, number = self.bench.points, self.bench.current_object
        return 0 < number < len(counts) and bool(counts[number])

    # What actions do -------------------------------------------------------------------------

    def select_object(self, number: int) -> None:
        """Choose an object, or the mask of that number while masks are offered."""
        if 0 < number <= len(self.bench.candidates):
            self.bench.choose_candidate(number - 1)
        else:
            self.objects.select(number)

    def reset_size(self) -> None:
        """Give the current object the engine's own threshold again."""
        bench = self.bench
        if bench.asset_id is not None:
            bench.attempt(bench.project.set_threshold, bench.asset_id, bench.current_object, None)

    def smooth(self) -> None:
        """Smooth the edge of the current object, the more the further one is away."""
        radius = max(_SMOOTHING / self._photo_view.camera.scale / self.bench.factor, 2.0)
        self.bench.reshape(partial(smooth, radius=radius))

    def select_tool(self, name: str) -> None:
        """Take another tool, such as click or brush."""
        super().select_tool(name)
        tool = self._tools[name]
        if isinstance(tool, OutlineTool):
            tool.take(self._photo_view)

    def cancel(self) -> None:
        """Stop the engine, give up an unfinished gesture, offer no choice any more."""
        if self.bench.candidates:
            self.bench.dismiss_candidates()
        self.safety.stop()
        super().cancel()

    # What the window shows -------------------------------------------------------------------

    def _refresh(self) -> None:
        super()._refresh()
        self._strip.show_candidates(self.bench.candidates, self.bench.chosen_candidate)
        asset = self.bench.asset
        untouched = asset is not None and not (asset.clicks or asset.boxes or asset.edits)
        hinted = untouched and self._tool == "click" and not self.bench.project.read_only
        self._photo_view.set_hint(self._hint() if hinted else "")

    def _hint(self) -> str:
        """Return what a person should know who has done nothing yet."""
        return _HINT

    def _show_zoom(self) -> None:
        camera = self._photo_view.camera
        self._zoom.setText(f"{camera.scale * camera.ratio:.0%}")

    def _refresh_outline(self) -> None:
        tool = self._tools[self._tool]
        if isinstance(tool, OutlineTool):
            tool.refresh()
