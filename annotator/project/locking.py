"""One writer a project: a lock that the operating system drops when the process dies."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from annotator.domain import AnnotatorError

_LOCK_BYTE = 1 << 30
"""Windows locks bytes, not files; one far behind the text leaves the text readable."""

_ATTEMPTS = 20
_PATIENCE = 5
"""How often, 40 ms apart, a taken lock is tried: a reader that probes it holds it briefly."""


class ProjectLock:
    """Holds the right to write a project until closed or until the process ends.

    The lock is on a sidecar file, not on the project: SQLite opens and closes the
    project file itself, and with POSIX locks that would drop ours.
    """

    def __init__(self, handle: BinaryIO, path: Path) -> None:
        self._handle: BinaryIO | None = handle
        self._path = path

    @classmethod
    def acquire(cls, project: Path) -> "ProjectLock":
        """Become the writer of `project`.

        Raises:
            AnnotatorError: If another process is, or the folder allows no lock.
        """
        path = lock_path(project)
        for _ in range(_ATTEMPTS):
            handle = _open(path, project)
            if not _lock_patiently(handle, project):
                handle.close()
                raise _in_use(project, path)
            if _is_still(handle, path):
                _sign(handle)
                return cls(handle, path)
            # The holder before us removed the file between our opening and locking it.
            handle.close()
        raise _in_use(project, path)

    def release(self) -> None:
        """Give the right back; does nothing the second time."""
        if self._handle is None:
            return
        # Removed while still locked, so that nobody can lock a file about to vanish;
        # Windows refuses to remove an open file, there the empty sidecar stays.
        try:
            self._path.unlink()
        except OSError:
            self._handle.truncate(0)
        self._handle.close()
        self._handle = None


def lock_path(project: Path) -> Path:
    """Return the sidecar that a writer of `project` locks."""
    return project.with_name(f".{project.name}.lock")


def _open(path: Path, project: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise AnnotatorError(
            f"{project} cannot be opened for writing: {error.strerror} ({path.name}).",
            "Open it read-only, or copy it to a folder you may write to.",
        ) from error


def is_held(project: Path) -> bool:
    """Tell whether a living process writes `project`."""
    try:
        with lock_path(project).open("r+b") as handle:
            return not _try_lock(handle, project)
    except OSError:
        return False


def _lock_patiently(handle: BinaryIO, project: Path) -> bool:
    for _ in range(_PATIENCE):
        if _try_lock(handle, project):
            return True
        time.sleep(0.04)
    return False


def _try_lock(handle: BinaryIO, project: Path) -> bool:
    try:
        _LOCK(handle)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise AnnotatorError(
            f"{project} is on a drive without file locks ({error.strerror}).",
            "Copy it to a local drive; two writers at once would destroy it.",
        ) from error
    return True


def _lock_posix(handle: BinaryIO) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_windows(handle: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        handle.seek(_LOCK_BYTE)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)


_LOCK: Callable[[BinaryIO], None] = _lock_windows if os.name == "nt" else _lock_posix


def _is_still(handle: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sign(handle: BinaryIO) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
    handle.seek(0)
    handle.truncate(0)
    handle.write(json.dumps(owner).encode())
    handle.flush()


def _in_use(project: Path, path: Path) -> AnnotatorError:
    try:
        owner = json.loads(path.read_text())
        since = datetime.fromtimestamp(float(owner["since"])).strftime("%H:%M:%S on %Y-%m-%d")
        who = f"process {int(owner['pid'])} on {owner['host']} since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        # Locked but not signed yet: it is being opened at this very moment.
        who = "another process"
    return AnnotatorError(
        f"{project} is in use by {who}.",
        "Close it there, or open it read-only here.",
    )
