"""The log in its file: sessions, appending durably, reading back strictly."""

import contextlib
import os
import platform
import socket
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import annotator
from annotator.domain import AnnotatorError
from annotator.project.codec import CodecError, from_json, point_set_of, to_json
from annotator.project.database import back_up, connect_to_write, copy_connection, damaged
from annotator.project.event_types import EVENT_TYPES
from annotator.project.events import Event, Redone, Undone
from annotator.project.locking import ProjectLock
from annotator.project.migrations import VERSION, upgrade
from annotator.project.points import PointSet

EVENT_COLUMNS = "seq, session_id, time_ns, mono_ns, kind, asset_id, payload, points, crc"
_READ = f"SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"
_INSERT = f"INSERT INTO event ({EVENT_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event as it stands in the log.

    Attributes:
        seq: Its sequence number, ascending from 1.
        session_id: The opening of the project in which it happened.
        time_ns: Wall clock, nanoseconds since the epoch.
        mono_ns: Monotonic clock; comparable within a session only.
        event: What happened.
    """

    seq: int
    session_id: int
    time_ns: int
    mono_ns: int
    event: Event


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One opening of a project to work on it.

    Attributes:
        session_id: Ascending from 1.
        started_ns: Wall clock at the opening, nanoseconds since the epoch.
        ended_ns: At the closing; None if still open or ended by a crash.
    """

    session_id: int
    started_ns: int
    ended_ns: int | None


def read_log(connection: sqlite3.Connection, path: Path) -> Iterator[LogRow]:
    """Yield the log in order.

    Raises:
        AnnotatorError: If an event cannot be read; names the file and event.
    """
    try:
        for row in connection.execute(_READ):
            try:
                yield read_row(row)
            except CodecError as error:
                raise damaged(path, f"event {row[0]} ({row[4]}) cannot be read: {error}") from error
    except sqlite3.Error as error:
        raise damaged(path, f"its log cannot be read: {error}") from error


def count_log(connection: sqlite3.Connection) -> int:
    """Return about how many events `read_log` will yield, for showing progress."""
    with contextlib.suppress(sqlite3.Error):
        return int(connection.execute("SELECT max(seq) FROM event").fetchone()[0] or 0)
    return 0


def read_row(row: tuple[Any, ...]) -> LogRow:
    """Build a log row from the columns `EVENT_COLUMNS`.

    Raises:
        CodecError: If they are not what was written.
    """
    seq, session_id, time_ns, mono_ns, kind, _, payload, points, crc = row
    if crc != checksum(row[1:-1]):
        raise CodecError("its checksum is wrong")
    return LogRow(seq, session_id, time_ns, mono_ns, decode_event(kind, payload, points))


def checksum(values: tuple[Any, ...]) -> int:
    """Return the CRC-32 of an event's columns between `seq` and `crc`.

    SQLite checks the structure of its pages but not what is in them; a flipped bit
    would otherwise move a click without anyone noticing.
    """
    *words, points = values
    text = "\x1f".join(map(str, words))
    return zlib.crc32(points or b"", zlib.crc32(text.encode()))


def decode_event(kind: str, payload: str, points: bytes | None) -> Event:
    """Build an event from its columns.

    Raises:
        CodecError: If they do not describe one.
    """
    if kind not in EVENT_TYPES:
        raise CodecError("unknown kind")
    return from_json(EVENT_TYPES[kind], payload, _checked_points(points))


def _is_action(event: Event) -> bool:
    return event.is_step or isinstance(event, Undone | Redone)


def _checked_points(blob: bytes | None) -> PointSet | None:
    """Unpack points once at reading, so that damage shows now and not when they are drawn."""
    if blob is None:
        return None
    try:
        points = PointSet(blob)
        points.indices()
    except (ValueError, TypeError) as error:
        raise CodecError(str(error)) from error
    return points


class Store:
    """An open project file.

    Reads and writes may come from any thread; a lock makes them take turns.

    Attributes:
        path: The file.
        read_only: Whether it is a snapshot in memory that nothing is written to.
        journal: "wal", or "delete" where the drive cannot hold a write-ahead log.
        session_id: This opening; 0 if read-only.
        recovered: Steps, undos and redos since the last clean exit, if the last session
            ended without one; else None.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        *,
        lock: ProjectLock | None = None,
        journal: str = "",
    ) -> None:
        self.path = path
        self.read_only = lock is None
        self.journal = journal
        self.connection = connection
        self.mutex = threading.RLock()
        self._lock = lock
        self._closed = False
        self.recovered = None if self.read_only else self._count_unclean()
        self.session_id = 0 if self.read_only else self._begin_session()

    @classmethod
    def open_to_write(cls, path: Path, lock: ProjectLock) -> "Store":
        """Open a checked file whose lock is held, migrating it first if it is older.

        Raises:
            AnnotatorError: If the file cannot be written.
        """
        connection, journal = connect_to_write(path)
        try:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version < VERSION:
                back_up(path, version)
                upgrade(connection)
                # The version must be in the file itself, where `check_header` looks.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return cls(path, connection, lock=lock, journal=journal)
        except (sqlite3.Error, OSError) as error:
            connection.close()
            raise AnnotatorError(f"{path} cannot be brought up to date: {error}.") from error

    def _count_unclean(self) -> int | None:
        last = "SELECT ended_ns FROM session ORDER BY session_id DESC LIMIT 1"
        row = self.connection.execute(last).fetchone()
        if row is None or row[0] is not None:
            return None
        query = f"""
            SELECT {EVENT_COLUMNS} FROM event WHERE session_id >
            coalesce((SELECT max(session_id) FROM session WHERE ended_ns IS NOT NULL), 0)
        """
        return sum(_is_action(read_row(row).event) for row in self.connection.execute(query))

    def _begin_session(self) -> int:
        cursor = self.connection.execute(
            "INSERT INTO session (started_ns, pid, host, app_version, platform) "
            "VALUES (?, ?, ?, ?, ?)",
            (
                time.time_ns(),
                os.getpid(),
                socket.gethostname(),
                annotator.__version__,
                platform.platform(),
            ),
        )
        return int(cursor.lastrowid or 0)

    def append(self, event: Event) -> LogRow:
        """Write an event durably; return it as it stands in the log.

        Raises:
            AnnotatorError: If it could not be written; then nothing was.
        """
        points = point_set_of(event)
        row = (
            self.session_id,
            time.time_ns(),
            time.monotonic_ns(),
            event.kind,
            event.touched_asset,
            to_json(event),
            None if points is None else points.blob,
        )
        with self.writing():
            columns = (*row, checksum(row))
            seq = int(self.connection.execute(_INSERT, columns).lastrowid or 0)
        return LogRow(seq, *row[:3], event)

    def sessions(self) -> list[SessionRecord]:
        """Return every opening so far, this one included, oldest first."""
        query = "SELECT session_id, started_ns, ended_ns FROM session ORDER BY session_id"
        with self.mutex:
            return [SessionRecord(*row) for row in self.connection.execute(query)]

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Take the turn to write; failures come out in words.

        Raises:
            AnnotatorError: If the project is read-only or closed, or the disk refuses.
        """
        if self._closed:
            raise AnnotatorError(f"{self.path} is closed.", "Open it again.")
        if self.read_only:
            raise AnnotatorError(
                f"{self.path} is open read-only.", "Save a copy and work on that one."
            )
        with self.mutex:
            try:
                yield self.connection
            except sqlite3.Error as error:
                raise AnnotatorError(
                    f"The last action could not be saved to {self.path}: {error}.",
                    "Free space on the drive and repeat it; everything before it is safe.",
                ) from error

    def copy_to(self, target: Path) -> None:
        """Copy the whole file as it is now.

        Raises:
            AnnotatorError: If the copy cannot be written; then `target` is as it was.
        """
        try:
            with self.mutex:
                copy_connection(self.connection, target)
        except (sqlite3.Error, OSError) as error:
            raise AnnotatorError(
                f"{self.path} cannot be copied to {target}: {error}.",
                "Choose a folder you may write to.",
            ) from error

    def close(self) -> None:
        """End the session; does nothing the second time."""
        if self._closed:
            return
        self._closed = True
        with self.mutex:
            try:
                self._end_session()
            finally:
                self.connection.close()
                if self._lock is not None:
                    self._lock.release()

    def _end_session(self) -> None:
        if self.read_only:
            return
        # A full disk must not keep the window from closing: every event is safe already,
        # and the only loss is that the next opening reports a recovery.
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute(
                "UPDATE session SET ended_ns = ? WHERE session_id = ?",
                (time.time_ns(), self.session_id),
            )
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
