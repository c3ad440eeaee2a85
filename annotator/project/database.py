"""Opening SQLite files: creating, checking before touching, and durable settings."""

import contextlib
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.project.locking import ProjectLock, is_held
from annotator.project.migrations import VERSION, upgrade

APPLICATION_ID = 0x434C494B
"""ASCII "CLIK": tells project files from other SQLite files."""

_HEADER_SIZE = 100
_SIDE_FILES = ("-wal", "-journal")
_SALVAGE = "Keep the file as it is, and recover what is readable of it into a new project."
_logger = logging.getLogger(__name__)


def damaged(path: Path, detail: str) -> AnnotatorError:
    """Return the error for a file that cannot be read as a project."""
    return AnnotatorError(f"{path} is damaged: {detail}.", _SALVAGE)


def check_header(path: Path) -> None:
    """Look at the first bytes of a file, without SQLite and without changing anything.

    Raises:
        AnnotatorError: If it is missing, no project, or of a newer version.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_SIZE)
    except FileNotFoundError as error:
        raise AnnotatorError(f"{path} does not exist.", "Check the path.") from error
    except OSError as error:
        raise AnnotatorError(f"{path} cannot be read: {error.strerror}.") from error
    if not header.startswith(b"SQLite format 3\0") or len(header) < _HEADER_SIZE:
        raise AnnotatorError(f"{path} is not a project file.", "Choose a file made by annotator.")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise AnnotatorError(
            f"{path} belongs to another program.", "Choose a file made by annotator."
        )
    version = int.from_bytes(header[60:64], "big")
    if version > VERSION:
        raise AnnotatorError(
            f"{path} was written by a newer annotator: its format is {version}, "
            f"the newest known here {VERSION}.",
            "Update annotator to open it.",
        )
    if version < 1:
        raise damaged(path, "it has no format version")


def create_database(path: Path) -> None:
    """Make an empty project file; it appears under its name complete or not at all.

    Raises:
        AnnotatorError: If the name is taken or the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        draft.unlink(missing_ok=True)
        _write_schema(draft)
        if not path.exists():
            _set_aside_side_files(path)
        _publish_new(draft, path)
    except FileExistsError as error:
        raise AnnotatorError(f"{path} already exists.", "Open it or choose a new name.") from error
    except (OSError, sqlite3.Error) as error:
        raise AnnotatorError(
            f"{path} cannot be created: {error}.", "Choose a folder you may write to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _set_aside_side_files(path: Path) -> None:
    """Rename logs that a crash left beside a file that is gone or about to be replaced.

    SQLite would carry them out on the new file of that name, and so destroy it.
    """
    for suffix in (*_SIDE_FILES, "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.replace(side.with_name(f"{side.name}.orphan"))


def _write_schema(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        make_durable(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        upgrade(connection)


def _publish_new(draft: Path, path: Path) -> None:
    """Give `draft` its name unless that is taken, and make the name durable."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # A drive without hard links: a small gap in which another could take the name.
        if path.exists():
            raise FileExistsError(path) from None
        draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable where the system lets us."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def connect_to_write(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open an existing file for durable appending; return it and its journal mode.

    Raises:
        AnnotatorError: If SQLite cannot open it.
    """
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=5.0,
        )
        return connection, make_durable(connection)
    except sqlite3.Error as error:
        raise AnnotatorError(
            f"{path} cannot be opened for writing: {error}.",
            "Open it read-only, or copy it to a folder you may write to.",
        ) from error


def make_durable(connection: sqlite3.Connection) -> str:
    """Choose the fastest journal that survives a power cut here; return its name.

    A write-ahead log needs shared memory, which network drives often lack; there the
    slower rollback journal is used.
    """
    connection.execute("PRAGMA foreign_keys = ON")
    try:
        mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        if mode == "wal":
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            return mode
    except sqlite3.OperationalError:
        pass
    _logger.warning("This drive holds no write-ahead log; saving a click takes longer here.")
    connection.execute("PRAGMA journal_mode = DELETE")
    # FULL would leave the journal's removal, which is the commit, to the system.
    connection.execute("PRAGMA synchronous = EXTRA")
    return "delete"


@contextlib.contextmanager
def reading(path: Path, *, alone: bool) -> Iterator[sqlite3.Connection]:
    """Open a file of any known version for reading, checked and brought up to date in memory.

    Nothing is written to the file.

    Args:
        path: The project file.
        alone: Whether the caller holds the project's lock.

    Raises:
        AnnotatorError: If the file is no project, newer, or damaged.
    """
    check_header(path)
    try:
        with _source(path, alone) as source:
            _check_pages(path, source)
            if _version(source) == VERSION:
                yield source
                return
            with contextlib.closing(_upgraded(source)) as connection:
                yield connection
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from error


def snapshot(path: Path) -> sqlite3.Connection:
    """Return a copy of the file in memory, up to date: what a read-only project works on.

    A copy neither keeps the writer from tidying up nor sees half of its changes.

    Raises:
        AnnotatorError: If the file is no project, newer, or damaged.
    """
    with reading(path, alone=False) as source:
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        source.backup(memory)
        return memory


@contextlib.contextmanager
def _source(path: Path, alone: bool) -> Iterator[sqlite3.Connection]:
    """Connect such that the file stays as it is, whatever state it was left in."""
    if not alone and is_held(path):
        # The writer keeps the side files in order; reading along needs no writing.
        with _connection(path, "mode=ro") as connection:
            yield connection
    elif any(_side_file(path, suffix) for suffix in _SIDE_FILES):
        # An interrupted session left changes that SQLite has to carry out or take back
        # before it can read. It shall do that with a copy: this file may yet turn out
        # to be damaged.
        with tempfile.TemporaryDirectory(prefix="annotator-") as folder:
            copy = copy_with_side_files(path, Path(folder))
            with _connection(copy, "mode=rw") as connection:
                yield connection
    else:
        _check_length(path)
        with _connection(path, "mode=ro&immutable=1") as connection:
            yield connection


def _check_length(path: Path) -> None:
    """Refuse a file whose last page is cut.

    SQLite fills a cut page with zeros, which may even be what stood there.
    """
    with path.open("rb") as file:
        stored = int.from_bytes(file.read(18)[16:18], "big")
    page = 65536 if stored == 1 else max(stored, 1)  # the format's way to write 65,536
    if path.stat().st_size % page:
        raise damaged(path, "its last page is cut")


def _connection(path: Path, mode: str) -> contextlib.closing[sqlite3.Connection]:
    uri = f"{path.resolve().as_uri()}?{mode}"
    return contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0))


def _side_file(path: Path, suffix: str) -> Path | None:
    """Return the side file if there is one with something in it."""
    side = path.with_name(path.name + suffix)
    return side if side.exists() and side.stat().st_size else None


def copy_with_side_files(path: Path, folder: Path) -> Path:
    """Copy a file and what an interrupted session left beside it; return the copy.

    Raises:
        AnnotatorError: If the file cannot be read.
    """
    copy = folder / "copy"
    try:
        shutil.copyfile(path, copy)
        for suffix in _SIDE_FILES:
            if side := _side_file(path, suffix):
                shutil.copyfile(side, copy.with_name(copy.name + suffix))
    except OSError as error:
        raise AnnotatorError(f"{path} cannot be read: {error}.") from error
    return copy


def _check_pages(path: Path, connection: sqlite3.Connection) -> None:
    try:
        verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except UnicodeDecodeError:  # it names a damaged table
        verdict = "its tables are unreadable"
    if verdict != "ok":
        raise damaged(path, verdict.replace("\n", " "))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _upgraded(source: sqlite3.Connection) -> sqlite3.Connection:
    """Return an up-to-date copy in memory of an older file."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    source.backup(memory)
    upgrade(memory)
    return memory


def back_up(path: Path, version: int) -> Path:
    """Copy a file, whose lock is held, aside before its migration; return the copy's path."""
    target = path.with_name(f"{path.stem}.format{version}{path.suffix}.bak")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}.format{version}-{number}{path.suffix}.bak")
    with _source(path, alone=True) as source:
        copy_connection(source, target)
    return target


def copy_connection(source: sqlite3.Connection, target: Path) -> None:
    """Copy an open database; every session in the copy counts as properly ended.

    Raises:
        AnnotatorError: If somebody has `target` open for writing.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            source.backup(copy)
            # The copy inherits WAL mode, whose side files must not outlive this connection.
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("PRAGMA synchronous = EXTRA")
            copy.execute("UPDATE session SET ended_ns = started_ns WHERE ended_ns IS NULL")
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        _replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _replace(draft: Path, target: Path) -> None:
    """Put a finished copy in its place, unless somebody works on what is there.

    Raises:
        AnnotatorError: If another process has `target` open for writing.
    """
    lock = ProjectLock.acquire(target)
    try:
        _set_aside_side_files(target)
        draft.replace(target)
        sync_folder(target.parent)
    finally:
        lock.release()
