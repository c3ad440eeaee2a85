"""The folder of a run: a record a task, each there completely or not at all.

    run.json                            what the run is
    records/<plugin>/<mode>/<sample>    what was found: the same bytes on every machine
    times/<plugin>/<mode>/<sample>      what it took
    failures/<plugin>/<mode>/<sample>   why there is no record

A record carries the sha256 of itself, so that damage is told from a finding.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError
from annotator.formats.atomic import atomic_write
from annotator.project.locking import ProjectLock
from annotator.robustness.runs.coding import (
    canonical,
    decoded,
    digest_of,
    encoded,
    pack_mask,
    unpack_mask,
)
from annotator.robustness.runs.manifest import NAME, RunManifest, read_manifest, write_manifest
from annotator.robustness.runs.tasks import Outcome, TaskKey

RECORDS, TIMES, FAILURES = "records", "times", "failures"
_NAME_LENGTH = 80


class RunStore:
    """The records of one run; `writing` gives the right to add some."""

    def __init__(self, folder: Path, manifest: RunManifest) -> None:
        """Use `open` or `writing` instead."""
        self.folder = folder
        self.manifest = manifest
        self._lock: ProjectLock | None = None

    @classmethod
    def open(cls, folder: Path) -> "RunStore":
        """Open a run for reading.

        Raises:
            AnnotatorError: If the folder holds none.
        """
        return cls(folder, read_manifest(folder))

    @classmethod
    def writing(cls, folder: Path, wanted: RunManifest) -> "RunStore":
        """Begin a run, or go on with the one that is there.

        Raises:
            AnnotatorError: If the folder holds a run with other settings, or another
                process works on it.
        """
        _make_folder(folder)
        lock = _locked(folder)
        try:
            begun = (folder / NAME).exists()
            manifest = read_manifest(folder).joined(wanted) if begun else wanted
            write_manifest(folder, manifest)
        except BaseException:
            lock.release()
            raise
        store = cls(folder, manifest)
        store._lock = lock
        store._sweep()
        return store

    def close(self) -> None:
        """Let others work on the run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> "RunStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has(self, key: TaskKey) -> bool:
        """Say whether a task has an undamaged record."""
        try:
            self.read(key)
        except AnnotatorError:
            return False
        return True

    def has_failed(self, key: TaskKey) -> bool:
        """Say whether a task was tried in vain."""
        return self._path(FAILURES, key).exists()

    def write(self, key: TaskKey, outcome: Outcome) -> None:
        """Keep what a task found; its failure, if it had failed before, is forgotten."""
        record, times = encoded(outcome.record)
        body = {
            "plugin": key.plugin, "sample": key.sample, "mode": key.mode,
            "group": outcome.group, "record": record, "user": list(outcome.user),
            "shapes": {name: pack_mask(mask) for name, mask in sorted(outcome.shapes.items())},
        }  # fmt: skip
        self._write(TIMES, key, canonical({**outcome.timing, **times}))
        self._write(RECORDS, key, canonical({**body, "sha256": digest_of(body)}))
        self._path(FAILURES, key).unlink(missing_ok=True)

    def fail(self, key: TaskKey, message: str, details: str = "") -> None:
        """Note why a task has no record."""
        body = {
            "plugin": key.plugin, "sample": key.sample, "mode": key.mode,
            "error": message, "details": details,
        }  # fmt: skip
        self._write(FAILURES, key, canonical(body))

    def read(self, key: TaskKey) -> Outcome:
        """Return what a task found.

        Raises:
            AnnotatorError: If there is no record, or it is damaged.
        """
        return self._read(self._path(RECORDS, key))[1]

    def outcomes(self) -> Iterator[tuple[TaskKey, Outcome]]:
        """Give all records in order, with their times.

        Raises:
            AnnotatorError: If one is damaged; names it.
        """
        for path in sorted((self.folder / RECORDS).rglob("*.json")):
            yield self._read(path)

    def failures(self) -> dict[TaskKey, str]:
        """Return why tasks have no record, in order."""
        found = {}
        for path in sorted((self.folder / FAILURES).rglob("*.json")):
            entry = _load(path)
            found[_key(entry, path)] = str(entry.get("error", ""))
        return found

    def _read(self, path: Path) -> tuple[TaskKey, Outcome]:
        entry = _load(path)
        claimed = entry.pop("sha256", None)
        if claimed != digest_of(entry):
            raise _damaged(path, "its checksum is wrong")
        key = _key(entry, path)
        times = self._path(TIMES, key)
        timing = _load(times) if times.exists() else {}
        try:
            user = tuple(float(score) for score in entry["user"])
            shapes = {str(name): unpack_mask(found) for name, found in entry["shapes"].items()}
            record = decoded(entry["record"], timing)
            return key, Outcome(str(entry["group"]), record, user, shapes, timing)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, f"{type(error).__name__}: {error}") from error

    def _path(self, kind: str, key: TaskKey) -> Path:
        folder = self.folder / kind / safe_name(key.plugin) / safe_name(key.mode)
        return folder / f"{safe_name(key.sample)}.json"

    def _write(self, kind: str, key: TaskKey, content: bytes) -> None:
        path = self._path(kind, key)
        _make_folder(path.parent)
        with atomic_write(path) as file:
            file.write(content)

    def _sweep(self) -> None:
        """Remove what writers that were killed left half-written."""
        places = [self.folder.glob(".*.part")]
        places += [(self.folder / kind).rglob(".*.part") for kind in (RECORDS, TIMES, FAILURES)]
        for path in chain.from_iterable(places):
            path.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """Return a file name for any name; different names stay different."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:_NAME_LENGTH]
    if plain == name and name:
        return name
    return f"{plain or 'x'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _load(path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise AnnotatorError(f"There is no record {path.name}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)[:100]) from error
    if not isinstance(entry, dict):
        raise _damaged(path, "it is no object")
    return entry


def _key(entry: dict[str, Any], path: Path) -> TaskKey:
    try:
        return TaskKey(str(entry["plugin"]), str(entry["sample"]), str(entry["mode"]))
    except KeyError as error:
        raise _damaged(path, f"it has no {error}") from error


def _damaged(path: Path, reason: str) -> AnnotatorError:
    place = "/".join(path.parts[-4:])
    return AnnotatorError(
        f"The record {place} is damaged: {reason}.",
        "Run the same command again: damaged records are made anew.",
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotatorError(
            f"{folder} cannot be made: {error.strerror}.", "Choose another folder with -o."
        ) from error


def _locked(folder: Path) -> ProjectLock:
    try:
        return ProjectLock.acquire(folder / NAME)
    except AnnotatorError as error:
        raise AnnotatorError(error.message, "Wait for it, or choose another folder.") from error
