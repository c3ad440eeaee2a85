"""A document with its log in a file: opening, closing, history, and the one way in."""

import contextlib
import gc
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from annotator.domain import AnnotatorError, CancelToken, Progress, Signal
from annotator.domain.progress import no_progress
from annotator.project import events as ev
from annotator.project.database import create_database, damaged, reading, snapshot
from annotator.project.document import AssetState, Change, Document
from annotator.project.folding import InvalidEvent
from annotator.project.history import History
from annotator.project.locking import ProjectLock
from annotator.project.store import LogRow, SessionRecord, Store, count_log, read_log

_HISTORY = frozenset({"history"})
_REPORT_EVERY = 250  # events between two looks at the cancel token


class LogFacts:
    """What must be remembered of the whole log, undone events included.

    Attributes:
        rows: The log itself, oldest first.
        next_asset_id: Id that was never used.
        next_click_id: Id that was never used, not even by an undone click.
        cameras: JSON of the last camera by asset.
    """

    def __init__(self) -> None:
        self.rows: list[LogRow] = []
        self.next_asset_id = 1
        self.next_click_id = 1
        self.cameras: dict[int, str] = {}

    @property
    def last_seq(self) -> int:
        """Sequence number of the newest event; 0 before the first."""
        return self.rows[-1].seq if self.rows else 0

    def note(self, row: LogRow) -> None:
        """Take note of an event in the log."""
        self.rows.append(row)
        event = row.event
        if isinstance(event, ev.ClicksAdded):
            highest = max((click.click_id for click in event.clicks), default=0)
            self.next_click_id = max(self.next_click_id, highest + 1)
        elif isinstance(event, ev.AssetAdded):
            self.next_asset_id = max(self.next_asset_id, event.asset_id + 1)
        elif isinstance(event, ev.CameraRecorded):
            self.cameras[event.asset_id] = event.camera


@dataclass(frozen=True)
class _Reading:
    """A file being opened, with what is told of it and what can stop it."""

    path: Path
    progress: Progress = no_progress
    cancel: CancelToken | None = None

    def rows(self, connection: sqlite3.Connection) -> Iterator[LogRow]:
        """Yield the log, reporting now and then."""
        total = max(count_log(connection), 1)
        for number, row in enumerate(read_log(connection, self.path)):
            if number % _REPORT_EVERY == 0:
                self.progress(min(number / total, 1.0), "Reading the history")
                if self.cancel:
                    self.cancel.check()
            yield row


def _replay(path: Path, rows: Iterator[LogRow]) -> tuple[History, LogFacts]:
    history, facts = History(Document(base=path.parent)), LogFacts()
    with _not_collecting():
        _record(path, rows, history, facts)
    return history, facts


@contextlib.contextmanager
def _not_collecting() -> Iterator[None]:
    """Keep the collector from walking again and again over what is only being built.

    Nothing of a log is garbage, and each walk over ten thousand events would hold up the
    window for a tenth of a second.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _record(path: Path, rows: Iterator[LogRow], history: History, facts: LogFacts) -> None:
    for row in rows:
        try:
            history.record(row.seq, row.event)
        except InvalidEvent as error:
            detail = f"event {row.seq} does not fit the ones before it ({error.message})"
            raise damaged(path, detail) from error
        facts.note(row)


class LoggedDocument:
    """A document that is the sum of an append-only log in one file.

    Attributes:
        path: The file, absolute and without links, so that a file has one lock only.
        read_only: Whether it was opened to look only.
        changed: Emitted after each mutation.
        recovered: After a crash, the number of actions since the last clean exit, all of
            which are here; None if the last exit was clean.
    """

    def __init__(self, path: Path, store: Store, history: History, facts: LogFacts) -> None:
        """Use `create` or `open` instead."""
        self.path = path
        self.read_only = store.read_only
        self.recovered = store.recovered
        self.changed: Signal[[Change]] = Signal()
        self._store = store
        self._history = history
        self._facts = facts

    # --- Opening and closing

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make a new project file and open it.

        Raises:
            AnnotatorError: If the name is taken or the folder cannot be written.
        """
        place = Path(path).resolve()
        create_database(place)
        return cls.open(place)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Self:
        """Open a project by replaying its log.

        Args:
            path: The project file.
            read_only: Look at it as it is now, also while another process writes it.
            progress: Told the fraction of the log read.
            cancel: Stops the reading; the file is then left as it is.

        Raises:
            Cancelled: If `cancel` was set.
            AnnotatorError: If it is missing, damaged, of a newer version or no project
                (then not one byte of it is changed), or if another process writes it.
        """
        place = Path(path).resolve()
        reading_it = _Reading(place, progress, cancel)
        return cls._open_to_read(reading_it) if read_only else cls._open_to_write(reading_it)

    @classmethod
    def _open_to_read(cls, opening: _Reading) -> Self:
        path = opening.path
        connection = snapshot(path)
        try:
            history, facts = _replay(path, opening.rows(connection))
            return cls(path, Store(path, connection), history, facts)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def _open_to_write(cls, opening: _Reading) -> Self:
        path = opening.path
        if not path.exists():
            raise AnnotatorError(f"{path} does not exist.", "Check the path.")
        lock = ProjectLock.acquire(path)
        try:
            # Read to the end before anything is written, so that a file that turns out
            # to be damaged is left exactly as it is.
            with reading(path, alone=True) as connection:
                history, facts = _replay(path, opening.rows(connection))
            return cls(path, Store.open_to_write(path, lock), history, facts)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close the file and let others write it; does nothing the second time."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def save_copy_as(self, path: str | Path) -> Path:
        """Write a complete copy of the project, with its history; return its path.

        An existing file is replaced in one step. This project stays the open one.

        Raises:
            AnnotatorError: If the copy cannot be written.
        """
        place = Path(path).resolve()
        if place == self.path:
            raise AnnotatorError(f"{place} is the project itself.", "Choose another name.")
        self._store.copy_to(place)
        return place

    # --- Reading

    @property
    def document(self) -> Document:
        """Everything in the project as of now."""
        return self._history.document

    def asset(self, asset_id: int) -> AssetState:
        """Return an asset.

        Raises:
            AnnotatorError: If there is none of that id.
        """
        if asset_id not in self.document.assets:
            raise AnnotatorError(f"{self.path.name} has no asset {asset_id}.")
        return self.document.assets[asset_id]

    def camera_of(self, asset_id: int) -> str | None:
        """Return the JSON of the asset's last recorded camera, or None."""
        return self._facts.cameras.get(asset_id)

    def log(self) -> Iterator[LogRow]:
        """Return every event of the log, undone ones too, oldest first."""
        return iter(list(self._facts.rows))

    @property
    def last_seq(self) -> int:
        """Sequence number of the newest event; 0 before the first."""
        return self._facts.last_seq

    def sessions(self) -> list[SessionRecord]:
        """Return every opening to work on the project, oldest first."""
        return self._store.sessions()

    def surviving_steps(self) -> frozenset[int]:
        """Return the sequence numbers of the events that make up the document now."""
        return self._history.counting

    # --- History

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return not self.read_only and self._history.undo_entry is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return not self.read_only and self._history.redo_entry is not None

    @property
    def undo_text(self) -> str:
        """What undo would take back, such as "Add click"; empty if nothing."""
        entry = self._history.undo_entry
        return entry.event.wording if entry else ""

    @property
    def redo_text(self) -> str:
        """What redo would do again; empty if nothing."""
        entry = self._history.redo_entry
        return entry.event.wording if entry else ""

    def undo(self) -> Change | None:
        """Take back the newest step, durably; return what changed, or None."""
        entry = self._history.undo_entry
        return self._commit(ev.Undone(entry.seq), about=entry.event) if entry else None

    def redo(self) -> Change | None:
        """Do the newest undone step again, durably; return what changed, or None."""
        entry = self._history.redo_entry
        return self._commit(ev.Redone(entry.seq), about=entry.event) if entry else None

    # --- The one way in

    def _commit(self, event: ev.Event, about: ev.Event | None = None) -> Change:
        """Check, write durably, take over, announce: in this order."""
        planned = self._history.plan(event)
        row = self._store.append(event)
        self._history.accept(row.seq, event, planned)
        self._facts.note(row)
        source = about or event
        history = _HISTORY if about or event.is_step else frozenset()
        change = Change(source.topics | history, source.touched_asset)
        self.changed.emit(change)
        return change
