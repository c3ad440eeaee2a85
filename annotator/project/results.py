"""Results in the project: data attached to what they were made from, never events.

A mask is filed under a digest of everything that determines it, so that undo and redo
find the earlier mask without a model run, and a mask that does not belong to the
current prompt is never taken for its own.
"""

import contextlib
import hashlib
import json
import sqlite3
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import Mask, Prompt
from annotator.project.codec import dump
from annotator.project.document import AssetState
from annotator.project.store import Store

KEEP_MASKS = 64
"""Masks kept per asset; older ones cost a model run when undo comes back to them."""

KEEP_CONFIDENCE = 8
"""Of those, how many keep their confidence, which compresses ten times worse."""

_REMEMBERED = 4
_LARGEST = 2**34
_PRUNE = """
    UPDATE result SET {columns} WHERE asset_id = ?1 AND labels IS NOT NULL AND result_id NOT IN (
        SELECT max(result_id) FROM result WHERE asset_id = ?1 AND labels IS NOT NULL
        GROUP BY digest ORDER BY max(result_id) DESC LIMIT ?2)
"""


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """When and how a result came; kept for ever, its arrays only for a while.

    Attributes:
        asset_id: The asset.
        after_seq: The newest event in the log when it arrived.
        time_ns: Wall clock when it arrived.
        queue_ms: Milliseconds it waited.
        run_ms: Milliseconds it took.
        device: What it was computed on; empty if unknown.
        engine: What it was computed with.
    """

    asset_id: int
    after_seq: int
    time_ns: int
    queue_ms: float
    run_ms: float
    device: str
    engine: str


def prompt_digest(
    asset: AssetState,
    prompt: Prompt,
    engine_ref: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """Return the sha256 of everything a result is determined by.

    Objects without a click are left out: they win no point, so starting a new object
    keeps the mask valid. Times and ids of clicks are left out too: an engine sees
    order, place and object only.

    Args:
        asset: The asset; its engine and parameters count unless given.
        prompt: What was predicted from.
        engine_ref: The engine, if not the asset's.
        parameters: Its parameters, if not the asset's.
    """
    scene = {
        "content": asset.content_hash,
        "spacing": asset.working_spacing,
        "engine": asset.engine_ref if engine_ref is None else engine_ref,
        "parameters": dict(asset.parameters if parameters is None else parameters),
        "words": [list(word) for word in prompt.words],
        **_image_choices(prompt),
    }
    digest = hashlib.sha256(dump(scene).encode())
    for click in prompt.clicks:
        index = -1 if click.index is None else click.index
        digest.update(struct.pack("<qqq", click.object_id, index, len(click.position)))
        digest.update(struct.pack(f"<{len(click.position)}d", *click.position))
    return digest.hexdigest()


def _image_choices(prompt: Prompt) -> dict[str, Any]:
    """Return what only image engines are told; nothing where nothing was said.

    Clouds then keep the digests that earlier versions filed their masks under.
    """
    choices: dict[str, Any] = {
        "boxes": [list(astuple(box)) for box in prompt.boxes],
        "thresholds": [list(item) for item in prompt.thresholds],
        "candidates": [list(item) for item in prompt.candidates],
        "outside": [i for i, click in enumerate(prompt.clicks) if not click.positive],
    }
    return {name: values for name, values in choices.items() if values}


class ResultShelf:
    """The stored masks of a project; the newest few also decoded, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._decoded: OrderedDict[str, Mask] = OrderedDict()

    def hold(self, digest: str, mask: Mask, record: ResultRecord) -> Callable[[], None]:
        """Keep a mask in memory, and return the function that packs and writes it.

        The function may be called from any thread: a large mask takes long to pack, and
        while it is packed events are written as ever. It does nothing if the project is
        read-only, and raises an AnnotatorError if the mask cannot be written.
        """
        self._remember(digest, mask)
        return partial(self._write, digest, mask, record)

    def _write(self, digest: str, mask: Mask, record: ResultRecord) -> None:
        if self._store.read_only:
            return
        packed = (json.dumps(mask.labels.shape), pack_labels(mask.labels), _pack_confidence(mask))
        with self._store.writing() as connection:
            # A result can be computed again, so it need not wait for the disk; the next
            # click's commit takes it along.
            connection.execute("PRAGMA synchronous = NORMAL")
            try:
                connection.execute("BEGIN")
                connection.execute(_INSERT, (digest, *_columns(record), *packed))
                _prune(connection, record.asset_id)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                synchronous = "FULL" if self._store.journal == "wal" else "EXTRA"
                connection.execute(f"PRAGMA synchronous = {synchronous}")

    def get(self, digest: str) -> Mask | None:
        """Return the mask filed under `digest`, or None."""
        with self._store.mutex:
            found = self._decoded.get(digest) or self._fetch("digest = ?", digest)
            if found is not None:
                self._remember(digest, found)
            return found

    def newest(self, asset_id: int) -> Mask | None:
        """Return the asset's newest mask, whatever it was made from, or None."""
        return self._fetch("asset_id = ?", asset_id)

    def records(self) -> list[ResultRecord]:
        """Return when and how every result came, oldest first."""
        query = (
            "SELECT asset_id, after_seq, time_ns, queue_ms, run_ms, device, engine "
            "FROM result ORDER BY result_id"
        )
        with self._store.mutex:
            return [ResultRecord(*row) for row in self._store.connection.execute(query)]

    def _remember(self, digest: str, mask: Mask) -> None:
        with self._store.mutex:
            self._decoded[digest] = mask
            self._decoded.move_to_end(digest)
            while len(self._decoded) > _REMEMBERED:
                self._decoded.popitem(last=False)

    def _fetch(self, condition: str, value: str | int) -> Mask | None:
        query = (
            "SELECT shape, labels, confidence FROM result "
            f"WHERE {condition} AND labels IS NOT NULL ORDER BY result_id DESC LIMIT 1"
        )
        # A mask that a damaged file cannot give is computed again, so it is no error.
        with self._store.mutex, contextlib.suppress(sqlite3.Error):
            row = self._store.connection.execute(query, (value,)).fetchone()
            return None if row is None else _unpack_mask(*row)
        return None


_INSERT = """
    INSERT INTO result (digest, asset_id, after_seq, time_ns, queue_ms, run_ms, device, engine,
                        shape, labels, confidence)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def _columns(record: ResultRecord) -> tuple[Any, ...]:
    return (
        record.asset_id,
        record.after_seq,
        record.time_ns or time.time_ns(),
        record.queue_ms,
        record.run_ms,
        record.device,
        record.engine,
    )


def _prune(connection: sqlite3.Connection, asset_id: int) -> None:
    everything = _PRUNE.format(columns="labels = NULL, confidence = NULL")
    connection.execute(everything, (asset_id, KEEP_MASKS))
    connection.execute(_PRUNE.format(columns="confidence = NULL"), (asset_id, KEEP_CONFIDENCE))


def pack_labels(labels: npt.NDArray[np.int32]) -> bytes:
    """Deflate labels in the narrowest type that holds them; its size is the first byte.

    Raises:
        ValueError: If a label is negative.
    """
    largest = int(labels.max(initial=0))
    if labels.size and int(labels.min()) < 0:
        raise ValueError("labels must not be negative")
    width = 1 if largest < 1 << 8 else 2 if largest < 1 << 16 else 4
    data = np.ascontiguousarray(labels, dtype=f"<u{width}").tobytes()
    return bytes([width]) + zlib.compress(data, 1)


def unpack_labels(blob: bytes, shape: tuple[int, ...]) -> npt.NDArray[np.int32] | None:
    """Return the labels of `pack_labels`, or None if the blob is damaged."""
    width = blob[0] if blob else 0
    if width not in (1, 2, 4):
        return None
    data = _inflate(blob[1:], width, shape)
    return None if data is None else data.astype(np.int32)


def _inflate(blob: bytes, width: int, shape: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
    size = width * int(np.prod(shape, dtype=np.int64))
    if not 0 <= size <= _LARGEST:
        return None
    try:
        # One byte more than expected is asked for, so that a longer blob shows.
        data = zlib.decompressobj().decompress(blob, size + 1)
    except zlib.error:
        return None
    if len(data) != size:
        return None
    array: npt.NDArray[np.uint8] = np.frombuffer(data, dtype=f"<u{width}").reshape(shape)
    return array


def _pack_confidence(mask: Mask) -> bytes | None:
    if mask.confidence is None:
        return None
    steps = np.clip(np.rint(mask.confidence * 255.0), 0, 255).astype(np.uint8)
    return zlib.compress(np.ascontiguousarray(steps).tobytes(), 1)


def _unpack_mask(shape_text: str, labels_blob: bytes, confidence_blob: bytes | None) -> Mask | None:
    """Rebuild a mask; None if it is damaged, because a result can be computed again."""
    try:
        shape = tuple(int(n) for n in json.loads(shape_text))
        labels_blob, confidence_blob = (
            bytes(labels_blob),
            confidence_blob and bytes(confidence_blob),
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    labels = unpack_labels(labels_blob, shape)
    if labels is None:
        return None
    steps = None if confidence_blob is None else _inflate(confidence_blob, 1, shape)
    confidence = None if steps is None else steps.astype(np.float32) / np.float32(255.0)
    return Mask(labels=labels, confidence=confidence)
