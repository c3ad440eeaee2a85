"""Undo and redo over the log: which events count, and the document they add up to.

Undo never computes an inverse. The steps that count are kept in order, with the
document remembered after every `MARK_EVERY` of them; undoing drops the newest step
and folds the few events since the last mark again. Documents share their unchanged
parts, so marks cost little, and undo cannot disagree with replay: it is replay.
"""

from dataclasses import dataclass

from annotator.project.document import Document
from annotator.project.events import CameraRecorded, Event, Redone, Undone
from annotator.project.folding import InvalidEvent, apply

MARK_EVERY = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that counts, with its sequence number in the log."""

    seq: int
    event: Event


class History:
    """The folded log: current document, steps done and steps undone."""

    def __init__(self, start: Document) -> None:
        self.document = start
        self._entries: list[Entry] = []
        self._steps: list[int] = []  # places of the steps in _entries
        self._undone: list[Entry] = []
        self._marks: list[tuple[int, Document]] = [(0, start)]

    @property
    def undo_entry(self) -> Entry | None:
        """The step that undo would take back, or None."""
        return self._entries[self._steps[-1]] if self._steps else None

    @property
    def redo_entry(self) -> Entry | None:
        """The step that redo would do again, or None."""
        return self._undone[-1] if self._undone else None

    @property
    def counting(self) -> frozenset[int]:
        """Sequence numbers of the events that make up the document."""
        return frozenset(entry.seq for entry in self._entries)

    def plan(self, event: Event) -> Document:
        """Return the document as it would be after `event`; changes nothing.

        Raises:
            InvalidEvent: If the event makes no sense now.
        """
        if isinstance(event, Undone):
            return self._without(self._expect(self.undo_entry, event.target))
        if isinstance(event, Redone):
            return apply(self.document, self._expect(self.redo_entry, event.target).event)
        return apply(self.document, event)

    def accept(self, seq: int, event: Event, planned: Document) -> None:
        """Take over an event that is safely in the log, with the document `plan` gave."""
        self.document = planned
        if isinstance(event, Undone):
            self._drop_last_step()
        elif isinstance(event, Redone):
            self._append(self._undone.pop())
        elif not isinstance(event, CameraRecorded):
            if event.is_step:
                self._undone.clear()
            self._append(Entry(seq, event))

    def record(self, seq: int, event: Event) -> None:
        """Plan and accept at once: for reading a log.

        Raises:
            InvalidEvent: If the event makes no sense here.
        """
        self.accept(seq, event, self.plan(event))

    @staticmethod
    def _expect(entry: Entry | None, target: int) -> Entry:
        if entry is None or entry.seq != target:
            raise InvalidEvent(f"Step {target} is not the one to undo or redo now.")
        return entry

    def _append(self, entry: Entry) -> None:
        if entry.event.is_step:
            self._steps.append(len(self._entries))
        self._entries.append(entry)
        if len(self._entries) >= self._marks[-1][0] + MARK_EVERY:
            self._marks.append((len(self._entries), self.document))

    def _without(self, entry: Entry) -> Document:
        """Fold everything but the newest step, from the last mark before it."""
        place = self._steps[-1]
        start, document = next(m for m in reversed(self._marks) if m[0] <= place)
        for kept in self._entries[start:]:
            if kept is not entry:
                document = apply(document, kept.event)
        return document

    def _drop_last_step(self) -> None:
        place = self._steps.pop()
        self._undone.append(self._entries.pop(place))
        while self._marks[-1][0] > place:
            self._marks.pop()
