"""Recovering what is readable of a damaged project into a new one."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError
from annotator.project.codec import CodecError
from annotator.project.database import connect_to_write, copy_with_side_files, create_database
from annotator.project.document import Document
from annotator.project.folding import InvalidEvent
from annotator.project.history import History
from annotator.project.store import EVENT_COLUMNS, read_row

_TABLES = {
    "session": "session_id, started_ns, ended_ns, pid, host, app_version, platform",
    "event": EVENT_COLUMNS,
    "result": (
        "result_id, asset_id, digest, engine, after_seq, time_ns, queue_ms, run_ms, device, "
        "shape, labels"
    ),
}
_KEYS = {"session": "session_id", "event": "seq", "result": "result_id"}
_MISSES = 4096
"""Unreadable rows in a row after which a table counts as finished."""

_HEADER = 100


@dataclass(frozen=True, slots=True)
class SalvageReport:
    """What became of a damaged project.

    Attributes:
        path: The new project.
        events: Events recovered.
        dropped: Events that were readable but make no sense without lost ones.
        unreadable: Events known to be lost (gaps in the numbering).
        results: Masks recovered.
    """

    path: Path
    events: int
    dropped: int
    unreadable: int
    results: int


def salvage(damaged: Path, new_path: Path) -> SalvageReport:
    """Write what is readable of `damaged` into the new project `new_path`.

    Raises:
        AnnotatorError: If nothing is readable or `new_path` cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="salvage-") as folder:
        copy = copy_with_side_files(damaged, Path(folder))
        _mend_header(copy, Path(folder))
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as source:
            rows = {table: list(_readable(source, table)) for table in _TABLES}
    if not rows["event"]:
        raise AnnotatorError(
            f"Nothing could be recovered from {damaged}.", "Look for a backup of the file."
        )
    kept, dropped = _sensible(rows["event"], new_path)
    create_database(new_path)
    _fill(new_path, {**rows, "event": kept})
    lost = int(rows["event"][-1][0]) - len(rows["event"])
    return SalvageReport(new_path, len(kept), dropped, lost, len(rows["result"]))


def _mend_header(copy: Path, folder: Path) -> None:
    """Give the copy a sound first page and the length that SQLite expects of it.

    The first page holds the schema, which is the same in every project of this
    version, so that of an empty project stands in if it is unreadable.
    """
    create_database(folder / "template")
    template = (folder / "template").read_bytes()
    data = bytearray(copy.read_bytes())
    page = int.from_bytes(template[16:18], "big")
    if not _schema_readable(copy):
        data[:page] = template[:page]
    data += bytes(-len(data) % page)
    pages = max(int.from_bytes(data[28:32], "big"), len(data) // page)
    if pages * page < 4 * len(data) + len(template):
        data += bytes(pages * page - len(data))
    # The number of pages counts only where these two agree.
    data[28:32] = (len(data) // page).to_bytes(4, "big")
    data[92:96] = data[24:28]
    copy.write_bytes(data)


def _schema_readable(copy: Path) -> bool:
    """Look, in a way that cannot change the copy, whether its tables are known."""
    try:
        uri = f"{copy.as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as source:
            source.execute("PRAGMA writable_schema = ON")
            names = {row[0] for row in source.execute("SELECT name FROM sqlite_master")}
    except (sqlite3.Error, UnicodeDecodeError):
        return False
    return set(_TABLES) <= names


def _readable(source: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table one by one, passing over those that cannot be read."""
    key, misses = 0, 0
    query = f"SELECT {_TABLES[table]} FROM {table} WHERE {_KEYS[table]} = ?"
    while misses < _MISSES:
        key += 1
        try:
            row = source.execute(query, (key,)).fetchone()
        except (sqlite3.Error, UnicodeDecodeError):
            row = None
        if row is None:
            misses += 1
        else:
            misses = 0
            yield row


def _sensible(rows: list[tuple[Any, ...]], path: Path) -> tuple[list[tuple[Any, ...]], int]:
    """Return the rows that fold into a document, and how many do not."""
    history = History(Document(base=path.parent))
    kept: list[tuple[Any, ...]] = []
    for row in rows:
        with contextlib.suppress(CodecError, InvalidEvent):
            history.record(row[0], read_row(row).event)
            kept.append(row)
    return kept, len(rows) - len(kept)


def _fill(path: Path, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    connection, _ = connect_to_write(path)
    with contextlib.closing(connection):
        # Sessions may be among what was lost; their events are still good.
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        for table, columns in _TABLES.items():
            places = ", ".join("?" * len(columns.split(",")))
            insert = f"INSERT INTO {table} ({columns}) VALUES ({places})"
            connection.executemany(insert, rows[table])
        connection.execute("UPDATE session SET ended_ns = started_ns WHERE ended_ns IS NULL")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
