"""The flow of a click: journal, marker, request, result, changed points. No docks here."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain import (
    BACKGROUND,
    AnnotatorError,
    Click,
    Mask,
    ObjectInfo,
    PointCloud,
    WorkingSet,
)
from annotator.domain.cloud import Float32, Int32, Int64
from annotator.engine.session import EngineEvent, EngineSession
from annotator.project import AssetState, Change, Project
from annotator.ui.annotate.canvas import Canvas
from annotator.ui.annotate.pace import Pace
from annotator.ui.annotate.quality import GroundTruth, Tally
from annotator.ui.annotate.runs import Runs
from annotator.ui.annotate.storing import AnswerStore
from annotator.ui.view import PointView

P = ParamSpec("P")
T = TypeVar("T")

DIM_AFTER_MS = 120
"""How long an answer may take before the old mask is dimmed: a fast one must not flicker."""


class Workbench(QObject):
    """One open asset: its document, what the view shows of it, and its engine runs.

    Signals:
        refreshed: What the window shows around the view should be read anew.
        message: (headline, detail, level) for the person.
    """

    refreshed = Signal()
    message = Signal(str, str, str)

    def __init__(
        self, project: Project, view: PointView, session: EngineSession, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.project = project
        self.canvas = Canvas(view)
        self.runs = Runs(session, self)
        self.asset_id: int | None = None
        self.cloud: PointCloud | None = None
        self.tally = Tally(None)
        self.labels: Int32 | None = None
        self.current_object = 1
        self.selected_click: int | None = None
        self.isolated: int | None = None
        self.pace = Pace.of(project)
        self._mask: Mask | None = None
        self._stroke: tuple[Int64, int] | None = None
        self._asked: object = None
        self._engine: object = None
        self._storing = AnswerStore(self)
        self._storing.failed.connect(lambda e: self.say(e.message, e.remedy, "warning"))
        self._dimming = QTimer(self)
        self._dimming.setSingleShot(True)
        self._dimming.setInterval(DIM_AFTER_MS)
        self._dimming.timeout.connect(lambda: self.canvas.set_stale(self.runs.unanswered))
        self._disconnect = project.changed.connect(self._on_change)
        self.runs.changed.connect(self._on_runs_changed)
        self.runs.answered.connect(self._on_answer)
        self.runs.failed.connect(lambda headline, detail: self.say(headline, detail, "error"))

    # What there is ------------------------------------------------------------------------

    @property
    def asset(self) -> AssetState | None:
        """The open asset as the document says it is now."""
        if self.asset_id is None:
            return None
        return self.project.document.assets.get(self.asset_id)

    @property
    def current(self) -> ObjectInfo | None:
        """The current object; None for the background or one that is yet to come into being."""
        return self.asset.objects.get(self.current_object) if self.asset else None

    @property
    def clicks(self) -> tuple[Click, ...]:
        """All clicks in order of time."""
        return self.asset.clicks if self.asset else ()

    @property
    def hidden(self) -> frozenset[int]:
        """Objects whose points are not drawn; 0 stands for unlabelled points."""
        if self.asset is None:
            return frozenset()
        objects = self.asset.objects
        if self.isolated in objects:
            return (frozenset(objects) | {BACKGROUND}) - {self.isolated}
        return frozenset(i for i, info in objects.items() if not info.visible)

    # Opening and closing --------------------------------------------------------------------

    def open_asset(self, asset_id: int, working_set: WorkingSet) -> None:
        """Show an asset as it was left, and let the engine get ready for it."""
        cloud = working_set.cloud
        self.asset_id, self.cloud = asset_id, cloud
        self.tally = Tally(None if cloud.labels is None else GroundTruth(cloud.labels))
        self.labels, self._mask, self._asked = None, None, None
        self.selected_click, self.isolated = None, None
        self.current_object = self._first_object()
        self.canvas.open(cloud)
        self._use_engine()
        self.runs.open_asset(asset_id, cloud)
        self._answer_or_ask()
        self._show_all()

    def _first_object(self) -> int:
        if self.clicks:
            return self.clicks[-1].object_id
        return next(iter(self.asset.objects), 1) if self.asset else 1

    def close(self) -> None:
        """Let go of project, session and view; nothing arrives any more."""
        self._storing.close()
        self._disconnect()
        self._dimming.stop()
        self.runs.close()
        self.asset_id = self.cloud = None
        self.canvas.open(None)

    # What a person does ------------------------------------------------------------------------

    def say(self, headline: str, detail: str = "", level: str = "info") -> None:
        """Show a message in the window."""
        self.message.emit(headline, detail, level)

    def attempt(self, action: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
        """Do something to the document; say in words if it refuses, and return None then."""
        try:
            return action(*arguments, **named)
        except AnnotatorError as error:
            self.say(error.message, error.remedy, "warning")
            return None

    def choose_object(self, object_id: int) -> None:
        """Make an object the current one; it comes into being with its first click."""
        self.current_object = object_id
        self.refreshed.emit()

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none."""
        self.selected_click = click_id
        self._show_markers()
        self.refreshed.emit()

    def isolate(self, object_id: int | None) -> None:
        """Show one object only, or all again."""
        self.isolated = object_id
        self._show_objects()
        self.refreshed.emit()

    def run_now(self) -> None:
        """Ask the engine for the clicks so far, also if it answered them already or failed."""
        if not self.clicks:
            self.say("There is nothing to run yet.", "Click a point of an object first.")
        elif not self.runs.run_now():
            self.say("The mask is up to date.", "It answers all clicks.")

    def paint(self, indices: Int64, object_id: int) -> None:
        """Journal a stroke as one step: labels change where it went and nowhere else.

        Args:
            indices: [K] working points, none of a locked object.
            object_id: Who gets them; 0 takes them away.
        """
        if self.asset_id is None:
            return
        self._stroke = (indices, object_id)
        try:
            self.attempt(self.project.paint, self.asset_id, indices, object_id)
        finally:
            self._stroke = None

    # What follows ------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if self.asset is None or change.asset_id not in (None, self.asset_id):
            return
        topics = change.topics
        if topics <= {"camera"} or topics == {"result", "labels"}:
            return  # a stored answer is on the screen already
        self.pace.mark()
        if "engine" in topics:
            self._use_engine()
        if topics & {"clicks", "engine"}:
            self._answer_or_ask()
        if topics & {"clicks", "objects"}:
            self._repair_choices()
            self._show_objects()
        if self._stroke is not None:
            self._show_stroke(*self._stroke)
        elif topics & {"labels", "edits", "clicks"}:
            self._show_labels()
        self.refreshed.emit()

    def _use_engine(self) -> None:
        """Load the engine that the document names, if it is another one than before."""
        asset = self.asset
        if asset is None or not asset.engine_ref:
            return
        wanted = (asset.engine_ref, dict(asset.parameters))
        if wanted != self._engine:
            self._engine = wanted
            self.runs.use(*wanted)

    def _answer_or_ask(self) -> None:
        """Show the stored answer to the present clicks, or ask the engine for one."""
        asset = self.asset
        assert asset is not None
        question = (asset.engine_ref, asset.parameters, _essence(asset.clicks))
        if question == self._asked:
            return
        self._asked = question
        stored = self.project.stored_result(asset.asset_id) if asset.clicks else None
        if stored is not None or not asset.clicks:
            self._mask = stored
            self.runs.settle(asset.prompt())
        else:
            self.runs.want(asset.prompt())

    def _on_answer(self, event: EngineEvent) -> None:
        """Show an answer, and store it aside once it is on the screen.

        Storing a large mask takes longer than drawing it. Should the process die in
        between, the clicks are there and are answered anew.
        """
        asset, mask = self.asset, event.result
        if asset is None or not isinstance(mask, Mask) or event.prompt is None:
            return
        self._mask = mask
        self._show_labels()
        self.pace.mark()
        write = self.project.hold_result(
            asset.asset_id,
            event.prompt,
            mask,
            queue_ms=event.queue_milliseconds,
            run_ms=event.milliseconds,
            device=self.runs.device,
            engine_ref=asset.engine_ref,
            parameters=asset.parameters,
        )
        self._storing.put(write)

    def _on_runs_changed(self) -> None:
        if not self.runs.unanswered:
            self._dimming.stop()
            self.canvas.set_stale(False)
        elif not self._dimming.isActive():
            self._dimming.start()
        self.refreshed.emit()

    def _repair_choices(self) -> None:
        """Let go of a click or object that is not there any more."""
        if self.selected_click not in {click.click_id for click in self.clicks}:
            self.selected_click = None
        if self.asset and self.isolated not in self.asset.objects:
            self.isolated = None

    # What is shown -----------------------------------------------------------------------------

    def _show_all(self) -> None:
        self._show_objects()
        self._show_labels()
        self.refreshed.emit()

    def _show_objects(self) -> None:
        if self.asset:
            self.canvas.show_objects(self.asset.objects, self.hidden)
            self._show_markers()

    def set_clip_box(self, box: tuple[Float32, Float32] | None) -> None:
        """Show only what lies between two corners [3] in metres; None shows all."""
        view = self.canvas.view
        if box is None:
            view.set_clip_box(None)
        else:
            view.set_clip_box(*box)
        self._show_markers()

    def _show_markers(self) -> None:
        if self.asset:
            self.canvas.show_markers(self.clicks, self.asset.objects, self.selected_click)

    def _show_labels(self) -> None:
        if self.asset_id is None or self.cloud is None:
            return
        labels = self.project.labels_of(self.asset_id, self._mask or self._blank())
        fits = labels is not None and len(labels) == len(self.cloud)
        self.labels = labels if fits else None
        self.tally.show(self.labels)
        self.canvas.show_labels(self.labels)
        self.canvas.show_confidence(self._mask)

    def _show_stroke(self, indices: Int64, object_id: int) -> None:
        """Change the labels under a stroke: going over all points takes long for millions."""
        if self.cloud is None:
            return
        if self.labels is None:
            self.labels = np.zeros(len(self.cloud), np.int32)
        before = self.labels[indices]
        self.labels[indices] = object_id
        self.tally.stroke(self.labels, indices, before)
        self.canvas.show_stroke(self.labels, indices)

    def _blank(self) -> Mask | None:
        """Return an empty mask for edits to lie on where nothing was clicked."""
        asset = self.asset
        if self.cloud is None or asset is None or asset.clicks or not (asset.edits or asset.pins):
            return None
        return Mask(np.zeros(len(self.cloud), np.int32))

    @property
    def shown_mask(self) -> Mask | None:
        """The engine's newest answer, which may be to earlier clicks."""
        return self._mask

    def restore_labels(self) -> None:
        """Show the document's labels again, after a preview that came to nothing."""
        self.canvas.show_labels(self.labels)

    def preview_move(self, click_id: int, index: int | None) -> None:
        """Show a click elsewhere while it is dragged."""
        self.canvas.preview_move(click_id, index)
        self._show_markers()

    def ious(self) -> Sequence[float] | None:
        """Return the IoU of every clicked object; None where there is no ground truth."""
        if self.tally.truth is None:
            return None
        return tuple(self.tally.iou_by_object(self.clicks).values())


def _essence(clicks: tuple[Click, ...]) -> tuple[tuple[object, ...], ...]:
    """What an answer depends on: order, place and object, not times, ids or names."""
    return tuple((c.position, c.object_id, c.index) for c in clicks)
