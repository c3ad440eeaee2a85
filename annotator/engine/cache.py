"""Encodings kept in memory and on disk, so that every asset is encoded once."""

import hashlib
import json
import logging
import os
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.engine.files import replacing

Arrays = dict[str, npt.NDArray[np.generic]]

MEMORY_BYTES = 256 << 20
"""Of encodings as stored; engines keep up to a few times that beside them."""
DISK_BYTES = 4 << 30
_log = logging.getLogger(__name__)


def encoding_key(parts: Mapping[str, object]) -> str:
    """Return the sha256 that names an encoding: of everything that it depends on."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class MemoryCache:
    """The most recently used encodings, bounded by their bytes. Thread-safe."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def get(self, key: str) -> Any | None:  # noqa: ANN401 - encodings are opaque
        """Return the encoding and mark it as just used; None if absent."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: str, encoding: Any, size: int) -> None:  # noqa: ANN401 - see get
        """Keep an encoding of `size` bytes; one larger than the whole cache is not kept."""
        with self._lock:
            self._entries.pop(key, None)
            if size > self._limit:
                return
            self._entries[key] = (encoding, size)
            while sum(size for _, size in self._entries.values()) > self._limit:
                self._entries.popitem(last=False)

    def forget(self, keys: "set[str]") -> None:
        """Let go of some encodings, such as those of a closed engine."""
        with self._lock:
            for key in keys:
                self._entries.pop(key, None)


class DiskCache:
    """Encodings as `.npz` files of plain arrays, bounded by bytes, oldest use first to go.

    A damaged, truncated or foreign file counts as absent and is removed. A full or
    read-only disk only means that nothing is kept.
    """

    def __init__(self, folder: Path, limit: int = DISK_BYTES) -> None:
        self._folder = folder
        self._limit = limit

    def get(self, key: str) -> Arrays | None:
        """Return the arrays of that key, or None."""
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            _log.warning("cached encoding %s is damaged (%s): it is made again", path.name, error)
            self._remove(path)
            return None
        return arrays

    def put(self, key: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Store arrays, then remove the longest unused files above the limit."""
        size = sum(array.nbytes for array in arrays.values())
        if size > self._limit // 4:
            return
        try:
            with replacing(self._path(key)) as temporary, temporary.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            self._shrink()
        except OSError as error:
            _log.warning("encoding not kept on disk: %s", error)

    def clear(self) -> None:
        """Remove every stored encoding."""
        for path in self._folder.glob("*.npz"):
            self._remove(path)

    def _shrink(self) -> None:
        files = [(path.stat(), path) for path in self._folder.glob("*.npz")]
        total = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda item: item[0].st_mtime_ns):
            if total <= self._limit:
                return
            self._remove(path)
            total -= stat.st_size

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    @staticmethod
    def _remove(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("cannot remove %s: %s", path, error)
