"""The log as a film: every action in its order and time, undone ones too."""

from collections.abc import Iterator
from dataclasses import dataclass

from annotator.project.document import Document
from annotator.project.events import Event, Redone, Undone
from annotator.project.history import History
from annotator.project.logged import LoggedDocument
from annotator.project.store import LogRow


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One action and what it led to.

    Attributes:
        number: 0-based place in the replay.
        seq: Sequence number in the log.
        session_id: The opening of the project in which it happened.
        time_ns: Wall clock, nanoseconds since the epoch.
        pause_s: Seconds since the action before; for the first of a session, since the
            project was opened.
        elapsed_s: Seconds since the beginning, the time between sessions left out.
        event: What was done.
        target: For undo and redo: the action taken back or done again.
        document: Everything as it was right after it.
        undone: Whether its effect was taken back for good later on.
    """

    number: int
    seq: int
    session_id: int
    time_ns: int
    pause_s: float
    elapsed_s: float
    event: Event
    target: Event | None
    document: Document
    undone: bool


def replay(project: LoggedDocument) -> Iterator[ReplayStep]:
    """Yield every action of a project with the document after it, oldest first."""
    rows = list(project.log())
    starts = {session.session_id: session.started_ns for session in project.sessions()}
    events = {row.seq: row.event for row in rows}
    history = History(Document(base=project.path.parent))
    surviving = project.surviving_steps()
    elapsed = 0.0
    previous: LogRow | None = None
    for number, row in enumerate(rows):
        history.record(row.seq, row.event)
        pause = _pause(previous, row, starts.get(row.session_id, row.time_ns))
        elapsed += pause
        step = row.event
        target = events.get(step.target) if isinstance(step, Undone | Redone) else None
        undone = step.is_step and row.seq not in surviving
        yield ReplayStep(
            number, row.seq, row.session_id, row.time_ns, pause, elapsed,
            step, target, history.document, undone,
        )  # fmt: skip
        previous = row


def _pause(previous: LogRow | None, row: LogRow, started_ns: int) -> float:
    """Return seconds before an action; the monotonic clock is only good within a session."""
    if previous is None or previous.session_id != row.session_id:
        gap = row.time_ns - started_ns
    else:
        gap = row.mono_ns - previous.mono_ns
    return max(gap, 0) / 1e9
