"""Small file chores that several modules share: checksums and atomic writing."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.domain import CancelToken

CHUNK = 1 << 20


_known_sums: dict[tuple[Path, int, int], str] = {}


def sha256_of(path: Path, cancel: CancelToken | None = None) -> str:
    """Return the hex sha256 of a file, computed once for each state of it."""
    stat = path.stat()
    state = (path.resolve(), stat.st_size, stat.st_mtime_ns)
    if state not in _known_sums:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                if cancel:
                    cancel.check()
        _known_sums[state] = digest.hexdigest()
    return _known_sums[state]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that replaces it, durably, if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder; its rename is durable enough
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
