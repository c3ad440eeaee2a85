"""Asks aside what clicks elsewhere would give, for as long as a person wants to see it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow

from annotator.domain import BACKGROUND, AnnotatorError, Prompt
from annotator.engine.asides import Aside
from annotator.robustness.live.reports import Report, Spot
from annotator.robustness.live.subjects import Mode, Question, Subject
from annotator.robustness.live.survey import Survey
from annotator.ui.annotate.safety.dock import SafetyDock
from annotator.ui.annotate.workbench import Workbench, essence

_HEIGHT = 380  # logical pixels of the dock, so that all it says can be read
_PAUSE_MS = 250  # after a change: whoever clicks on is not to be looked after


class SafetyHost(Protocol):
    """What a kind of assets adds."""

    unit: str
    """Of positions: "px" or "m"."""

    def prompt(self) -> Prompt:
        """Return all clicks as the engine is asked them."""

    def subject(self, question: Question) -> Subject:
        """Return the object that is asked about."""

    def show(self, report: Report | None) -> None:
        """Show a map in the view, or none."""

    def click(self, spot: Spot, object_id: int) -> None:
        """Place a click as a person does."""


class ClickSafety(QObject):
    """The map of one bench; on while its dock is open.

    Signals:
        changed: `conditions()` should be read anew.
    """

    changed = Signal()
    _reported = Signal(object, int)
    _failed = Signal(object, int)

    def __init__(self, bench: Workbench, host: SafetyHost, dock: SafetyDock) -> None:
        super().__init__(bench)
        self._bench, self._host, self.dock = bench, host, dock
        self.mode: Mode = "next"
        self.report: Report | None = None
        self._running = False
        self._asked: object = None
        self._number = 0
        self._survey: Aside | None = None
        self._pause = QTimer(self, interval=_PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._begin)
        self._reported.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._failed.connect(self._give_up, Qt.ConnectionType.QueuedConnection)
        dock.toggleViewAction().toggled.connect(lambda _: self._follow())
        dock.modeChosen.connect(self._choose)
        dock.stopAsked.connect(self.stop_or_go_on)
        dock.takeAsked.connect(self.take_suggestion)
        bench.refreshed.connect(self._follow)
        dock.show_mode(self.mode)
        self._show("")

    @property
    def on(self) -> bool:
        """Whether the map is wanted."""
        return not self.dock.isHidden()

    @property
    def running(self) -> bool:
        """Whether places are being looked at."""
        return self._running

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {"show_safety": self.set_on, "take_suggestion": self.take_suggestion}

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        suggested = self.report is not None and self.report.suggestion is not None
        facts = {"safety": self.on, "busy": self._running, "suggestion": suggested}
        return frozenset(name for name, holds in facts.items() if holds)

    # What a person does -----------------------------------------------------------------------

    def set_on(self, on: bool) -> None:
        """Show the map, or no more."""
        self.dock.setVisible(on)
        window = self.dock.parentWidget()
        if on and isinstance(window, QMainWindow):
            self.dock.raise_()
            window.resizeDocks([self.dock], [_HEIGHT], Qt.Orientation.Vertical)

    def take_suggestion(self) -> None:
        """Place the suggested click, as an ordinary one."""
        if self.report is not None and self.report.suggestion is not None:
            self._host.click(self.report.suggestion, self._bench.current_object)

    def stop_or_go_on(self) -> None:
        """Look at no more places, or at more after all."""
        if self._running:
            self.stop()
        elif self._survey is not None and self._bench.asset_id is not None:
            self._running = True
            self._bench.runs.do_aside(self._survey)
            self._show("")

    def stop(self) -> None:
        """Look at no more places; what is known stays on the screen."""
        self._pause.stop()
        if self._running:
            self._running = False
            self._bench.runs.do_aside(None)
            self._show("Stopped.")

    def close(self) -> None:
        """Let go of everything."""
        self._forget()

    # What follows -----------------------------------------------------------------------------

    def _choose(self, mode: Mode) -> None:
        self.mode = mode
        self.dock.show_mode(mode)
        self._follow()

    def _follow(self) -> None:
        """Ask anew if clicks, object, engine or question are others than before."""
        wanted = self._question_key() if self.on else None
        if wanted == self._asked:
            return
        self._forget()
        self._asked = wanted
        if wanted is not None:
            self._pause.start()
        self._show("")

    def _question_key(self) -> object:
        asset, bench = self._bench.asset, self._bench
        if asset is None:
            return None
        waits = bench.runs.unanswered or bench.runs.unusable
        chosen = asset.engine_for(bench.task)
        return (
            asset.asset_id, bench.current_object, self.mode, chosen.ref,
            repr(chosen.parameters), essence(asset.prompt()), waits,
        )  # fmt: skip

    def _forget(self) -> None:
        self._pause.stop()
        self._number += 1
        if self._running and self._bench.asset_id is not None:
            self._bench.runs.do_aside(None)
        self._running, self._survey, self.report = False, None, None
        self._host.show(None)

    def _begin(self) -> None:
        bench = self._bench
        why_not = self._why_not()
        if why_not or bench.asset_id is None:
            self._show(why_not)
            return
        number = self._number
        question = Question(self._host.prompt(), bench.current_object, self.mode)
        survey = Survey(self._host.subject(question), lambda r: self._reported.emit(r, number))
        self._survey = Aside(survey.piece, lambda e: self._failed.emit(e, number))
        self._running = True
        bench.runs.do_aside(self._survey)
        self._show("Looking…")

    def _why_not(self) -> str:
        """Return why there is nothing to be seen, in words; empty if there is."""
        bench = self._bench
        if bench.current_object == BACKGROUND:
            return "Choose an object: the background has no mask."
        prompt = self._host.prompt()
        if bench.current_object not in prompt.prompted_ids:
            return "Click the object first: without a mask there is nothing to compare with."
        if (
            self.mode == "newest"
            and Question(prompt, bench.current_object, "newest").newest is None
        ):
            return "This object has a box, but no click that could have been elsewhere."
        if bench.runs.unusable:
            return "The engine cannot be used."
        if bench.runs.unanswered:
            return "The newest clicks are not answered yet."
        return ""

    def _take(self, report: Report, number: int) -> None:
        if number != self._number:
            return
        self.report = report
        self._running = self._running and not report.how_far.finished
        self._host.show(report)
        how_far = report.how_far
        doing = "First look…" if how_far.coarse else f"Looking closer: {how_far.left} places left…"
        self._show(doing if self._running else "")

    def _give_up(self, error: AnnotatorError, number: int) -> None:
        if number == self._number:
            self._running = False
            self._show(f"{error.message} {error.remedy}".strip())

    def _show(self, state: str) -> None:
        may_click = not self._bench.project.read_only
        self.dock.show_report(self.report, self._host.unit, may_click=may_click)
        self.dock.show_state(state, running=self._running, report=self.report)
        self.changed.emit()
