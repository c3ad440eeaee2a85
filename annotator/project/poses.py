"""What engines made of people: data attached to what they were told, never events.

An answer is filed under a digest of photo, engine and all that was said of one person, so
that undo, redo and replay find it without a model run, and no person's answer depends on
what else is on the photo. Answers are small: all are kept.
"""

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from annotator.domain import PersonPrompt
from annotator.domain.poses import Point
from annotator.project.codec import dump
from annotator.project.results import ResultRecord
from annotator.project.store import Store

_REMEMBERED = 4096
_LARGEST = 1 << 20
_INSERT = """
    INSERT INTO result (digest, asset_id, after_seq, time_ns, queue_ms, run_ms, device, engine,
                        shape, labels, confidence)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)
"""
_SELECT = """
    SELECT shape, confidence FROM result
    WHERE digest = ? AND labels IS NULL AND confidence IS NOT NULL ORDER BY result_id DESC LIMIT 1
"""
Joints = tuple[Point, ...]


def pose_digest(
    content_hash: str, engine: str, parameters: Mapping[str, Any], prompt: PersonPrompt
) -> str:
    """Return the sha256 of all that an answer for one person is determined by.

    The number of the object is left out: persons do not depend on how they are counted.
    """
    told = {
        "content": content_hash,
        "engine": engine,
        "parameters": dict(parameters),
        "person": [[*value] for value in astuple(prompt)[1:]],
    }
    return hashlib.sha256(dump(told).encode()).hexdigest()


class PoseShelf:
    """The stored answers for the people of a project."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, Joints | None] = OrderedDict()

    def put(self, digest: str, joints: Sequence[Point], record: ResultRecord) -> None:
        """Keep an answer, [K] joints in pixels; in memory only if the project is read-only.

        Raises:
            AnnotatorError: If it cannot be written.
        """
        packed = np.asarray(joints, "<f4")
        self._remember(digest, _unpacked(packed.tobytes(), len(joints)))
        if self._store.read_only:
            return
        columns = (
            digest, record.asset_id, record.after_seq, record.time_ns, record.queue_ms,
            record.run_ms, record.device, record.engine, json.dumps(["pose", len(joints)]),
            zlib.compress(packed.tobytes(), 1),
        )  # fmt: skip
        with self._store.writing() as connection:
            connection.execute("PRAGMA synchronous = NORMAL")  # it can be computed again
            try:
                connection.execute(_INSERT, columns)
            finally:
                synchronous = "FULL" if self._store.journal == "wal" else "EXTRA"
                connection.execute(f"PRAGMA synchronous = {synchronous}")

    def get(self, digest: str) -> Joints | None:
        """Return the answer filed under a digest, [K] joints in pixels, or None."""
        if digest not in self._known:
            self._remember(digest, self._fetch(digest))
        return self._known[digest]

    def _remember(self, digest: str, joints: Joints | None) -> None:
        self._known[digest] = joints
        self._known.move_to_end(digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _fetch(self, digest: str) -> Joints | None:
        # What a damaged file cannot give is computed again, so it is no error.
        with self._store.mutex, contextlib.suppress(sqlite3.Error, ValueError, TypeError):
            row = self._store.connection.execute(_SELECT, (digest,)).fetchone()
            if row is not None:
                kind, count = json.loads(row[0])
                inflated = zlib.decompressobj().decompress(bytes(row[1]), _LARGEST)
                return _unpacked(inflated, int(count)) if kind == "pose" else None
        return None


def _unpacked(data: bytes, count: int) -> Joints | None:
    values = np.frombuffer(data, "<f4")
    if len(values) != 2 * count or not np.isfinite(values).all():
        return None
    return tuple((float(x), float(y)) for x, y in values.reshape(-1, 2).tolist())
