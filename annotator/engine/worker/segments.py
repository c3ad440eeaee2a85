"""Arrays in memory that two processes share: files in a folder, mapped by both.

Files in `/dev/shm` (elsewhere in the folder for temporary files) do what
`multiprocessing.shared_memory` does, without its tracker, which unlinks the segments of a
process that did not start it. The sender writes and reuses its files; the receiver looks at
them without copying, and says when the last array that looks at a file is gone.
"""

import mmap
import os
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.engine.worker.frames import ProtocolError

Array = npt.NDArray[np.generic]

SMALLEST = 4096
"""Bytes below which an array travels inline."""
KEPT_FREE = 6
"""Unused files kept for the next arrays: fresh pages cost more than the copying."""


class Shared:
    """One side's view of the shared folder: its own files to write, the other's to read."""

    def __init__(self, folder: "Path | str", name: str) -> None:
        self._folder = Path(folder)
        self._name = name
        self._lock = threading.Lock()
        self._count = 0
        self._lent: dict[str, mmap.mmap] = {}
        self._free: dict[str, mmap.mmap] = {}
        self._released: list[str] = []

    def place(self, array: Array) -> "dict[str, Any] | None":
        """Copy an array to a file; None if it is small or the memory is full."""
        if array.nbytes < SMALLEST:
            return None
        with self._lock:
            name = self._reusable(array.nbytes)
            if name is None:
                name = self._create(array.nbytes)
            if name is None:
                return None
            mapped = self._lent[name]
        target = np.frombuffer(mapped, array.dtype, array.size).reshape(array.shape)
        np.copyto(target, array)
        return {"file": name}

    def _reusable(self, size: int) -> "str | None":
        fitting = [n for n, m in self._free.items() if size <= len(m) <= 2 * size + SMALLEST]
        if not fitting:
            return None
        name = min(fitting, key=lambda n: len(self._free[n]))
        self._lent[name] = self._free.pop(name)
        return name

    def _create(self, size: int) -> "str | None":
        self._count += 1
        name = f"{self._name}{self._count}"
        path = self._folder / name
        length = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except OSError:
            return None
        try:
            # Without reserving, a full memory file system kills the process that writes.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, length)
            else:
                os.ftruncate(handle, length)
            self._lent[name] = mmap.mmap(handle, length)
        except (OSError, ValueError):
            path.unlink()
            return None
        finally:
            os.close(handle)
        return name

    def view(self, place: Mapping[str, Any], dtype: "np.dtype[Any]", shape: Sequence[int]) -> Array:
        """Return the other side's array; the file is released when no array needs it any more.

        Raises:
            ProtocolError: If there is no such file or it is too short.
        """
        name = str(place.get("file", ""))
        if not name.isalnum() or name.startswith(self._name):
            raise ProtocolError(f"{name!r} is no shared array")
        try:
            handle = os.open(self._folder / name, os.O_RDWR)
            try:
                mapped = mmap.mmap(handle, 0)
            finally:
                os.close(handle)
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(mapped, dtype, count).reshape(shape)
        except (OSError, ValueError) as error:
            raise ProtocolError(f"the shared array {name!r} cannot be read: {error}") from error
        # Views of views keep only the mapping alive, so that is what has to be watched.
        weakref.finalize(mapped, self._released.append, name).atexit = False
        return array

    def take_released(self) -> "list[str]":
        """Return the files of the other side that nobody here looks at since the last call."""
        count = len(self._released)
        names, self._released[:count] = self._released[:count], []
        return names

    def reuse(self, names: Iterable[str]) -> None:
        """Take back own files that the other side released; delete what is too many."""
        with self._lock:
            for name in names:
                if name in self._lent:
                    self._free[name] = self._lent.pop(name)
            while len(self._free) > KEPT_FREE:
                name = next(iter(self._free))
                del self._free[name]
                (self._folder / name).unlink(missing_ok=True)
