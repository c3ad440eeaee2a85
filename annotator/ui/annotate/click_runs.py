"""What became of each click: waiting, queued, running or answered, and in how many ms."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Phase(StrEnum):
    """Where a click stands on its way through the engine."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ClickRun:
    """State of one click.

    Attributes:
        phase: Where it stands.
        milliseconds: From the request until now or until the answer.
        generation: Request that will answer or answered it; 0 for none.
    """

    phase: Phase = Phase.WAITING
    milliseconds: float = 0.0
    generation: int = 0

    @property
    def text(self) -> str:
        """Words for the clicks table."""
        if self.phase in (Phase.RUNNING, Phase.DONE) and self.generation:
            return f"{self.phase} {self.milliseconds:.0f} ms"
        return str(self.phase)


class ClickRuns:
    """The state of every click of an asset by click id."""

    def __init__(self) -> None:
        self._runs: dict[int, ClickRun] = {}

    def __getitem__(self, click_id: int) -> ClickRun:
        return self._runs.get(click_id, ClickRun())

    def forget(self) -> None:
        """Start anew, with another asset."""
        self._runs.clear()

    def settle(self, click_ids: Iterable[int]) -> None:
        """Mark clicks as answered that show a stored result; the time of a run is kept."""
        for click_id in click_ids:
            self._runs[click_id] = replace(self[click_id], phase=Phase.DONE)

    def wait(self, click_ids: Iterable[int]) -> None:
        """Mark unanswered clicks as waiting for somebody to start a run."""
        for click_id in click_ids:
            if self[click_id].phase is not Phase.DONE:
                self._runs[click_id] = ClickRun()

    def unsettle(self, click_id: int) -> None:
        """Forget the answer to a click, as it was moved."""
        self._runs.pop(click_id, None)

    def request(self, click_ids: Iterable[int], generation: int) -> None:
        """Queue all unanswered clicks for a request."""
        for click_id in click_ids:
            if self[click_id].phase is not Phase.DONE:
                self._runs[click_id] = ClickRun(Phase.QUEUED, 0.0, generation)

    def advance(self, generation: int, phase: Phase, milliseconds: float) -> None:
        """Move the clicks of a request to a phase."""
        for click_id, run in self._runs.items():
            if run.generation == generation and run.phase in (Phase.QUEUED, Phase.RUNNING):
                self._runs[click_id] = ClickRun(phase, milliseconds, generation)

    def advance_running(self, generation: int, milliseconds: float) -> None:
        """Show how long the request runs so far, if it runs."""
        for click_id, run in self._runs.items():
            if run.generation == generation and run.phase is Phase.RUNNING:
                self._runs[click_id] = replace(run, milliseconds=milliseconds)
