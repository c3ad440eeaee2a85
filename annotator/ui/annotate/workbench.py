"""The flow of a click: journal, marker, request, result, changed part. No docks here."""

from abc import abstractmethod
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

from annotator.domain import Click, Mask, Prompt
from annotator.domain.cloud import Int32, Int64
from annotator.engine.opened import Asset
from annotator.engine.session import EngineEvent, EngineSession
from annotator.project import AssetState, Project
from annotator.ui.annotate.bench import Bench
from annotator.ui.annotate.shown import BaseCanvas
from annotator.ui.annotate.storing import AnswerStore

DIM_AFTER_MS = 120
"""How long an answer may take before the old mask is dimmed: a fast one must not flicker."""


class Workbench(Bench):
    """One open asset: its document, what the view shows of it, and its masks.

    What is the same for every kind of asset; the rest is its subclasses'.

    Attributes:
        labels: Label of every working point or pixel, as the document says; None for none.
        selected_click: Id of the click selected, or None.
    """

    def __init__(
        self, project: Project, canvas: BaseCanvas, session: EngineSession, parent: QObject | None
    ) -> None:
        super().__init__(project, canvas, session, parent)
        self.labels: Int32 | None = None
        self.selected_click: int | None = None
        self._mask: Mask | None = None
        self._stroke: tuple[Int64, int] | None = None
        self._asked: object = None
        self._storing = AnswerStore(self)
        self._storing.failed.connect(lambda e: self.say(e.message, e.remedy, "warning"))
        self._dimming = QTimer(self)
        self._dimming.setSingleShot(True)
        self._dimming.setInterval(DIM_AFTER_MS)
        self._dimming.timeout.connect(lambda: self.canvas.set_stale(self.runs.unanswered))
        self.runs.changed.connect(self._on_runs_changed)
        self.runs.answered.connect(self._on_answer)

    # What there is ------------------------------------------------------------------------

    @property
    def clicks(self) -> tuple[Click, ...]:
        """All clicks in order of time."""
        return self.asset.clicks if self.asset else ()

    @property
    @abstractmethod
    def points(self) -> Int64:
        """Working points or pixels of each object, by id, as shown."""

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether there is nothing on which a click could be."""

    # Opening and closing --------------------------------------------------------------------

    def _begin(self, asset_id: int, encodable: Asset) -> None:
        """Show an asset as it was left, and let the engine get ready for it."""
        self.asset_id = asset_id
        self.labels, self._mask, self._asked = None, None, None
        self.selected_click, self.isolated = None, None
        self.current_object = self._first_object()
        self._use_engine()
        self.runs.open_asset(asset_id, encodable)
        self._answer_or_ask()
        self._show_all()

    def _first_object(self) -> int:
        if self.clicks:
            return self.clicks[-1].object_id
        return next(iter(self.asset.objects), 1) if self.asset else 1

    def close(self) -> None:
        """Let go of project, session and view; nothing arrives any more."""
        self._storing.close()
        self._dimming.stop()
        super().close()

    # What a person does ------------------------------------------------------------------------

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none."""
        self.selected_click = click_id
        self._show_markers()
        self.refreshed.emit()

    def run_now(self) -> None:
        """Ask the engine for the clicks so far, also if it answered them already or failed."""
        if self.asset is None or not self._asks(self.asset):
            self.say("There is nothing to run yet.", "Click an object first.")
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

    def _follow(self, topics: frozenset[str]) -> None:
        if topics & {"clicks", "engine"}:
            self._answer_or_ask()
        if topics & {"clicks", "objects"}:
            self._repair_choices()
            self._show_objects()
        if self._stroke is not None:
            self._show_stroke(*self._stroke)
        elif topics & {"labels", "edits", "clicks"}:
            self._show_labels()

    def _answer_or_ask(self) -> None:
        """Show the stored answer to the present clicks, or ask the engine for one."""
        asset = self.asset
        assert asset is not None
        question = (asset.engine_ref, asset.parameters, essence(asset.prompt()))
        if question == self._asked:
            return
        self._asked = question
        asks = self._asks(asset)
        stored = self.project.stored_result(asset.asset_id) if asks else None
        if stored is not None or not asks:
            self._mask = stored
            self.runs.settle(asset.prompt())
        else:
            self.runs.want(self._for_engine(asset.prompt()))

    def _asks(self, asset: AssetState) -> bool:
        """Whether there is anything for the engine to answer."""
        return bool(asset.clicks)

    def _for_engine(self, prompt: Prompt) -> Prompt:
        """Return the document's prompt as the engine is asked it."""
        return prompt

    def _from_engine(self, prompt: Prompt) -> Prompt:
        """Return a prompt that `_for_engine` made as the document has it."""
        return prompt

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
            self._from_engine(event.prompt),
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

    def _show_markers(self) -> None:
        if self.asset:
            self.canvas.show_markers(self.clicks, self.asset.objects, self.selected_click)

    @abstractmethod
    def _show_labels(self) -> None:
        """Show mask, manual edits and locked objects as the document says they are now."""

    def _show_stroke(self, indices: Int64, object_id: int) -> None:
        """Show a stroke; override where going over all labels takes too long."""
        self._show_labels()

    @abstractmethod
    def restore_labels(self) -> None:
        """Show the document's labels again, after a preview that came to nothing."""

    def ious(self) -> Sequence[float] | None:
        """Return the IoU of every clicked object; None where there is no ground truth."""
        return None

    @property
    def shown_mask(self) -> Mask | None:
        """The engine's newest answer, which may be to earlier clicks."""
        return self._mask


def essence(prompt: Prompt) -> tuple[object, ...]:
    """Return what an answer depends on: not times, ids of clicks or names."""
    clicks = tuple((c.position, c.object_id, c.index, c.positive) for c in prompt.clicks)
    return clicks, prompt.boxes, prompt.thresholds, prompt.candidates
