"""Reads LAS and LAZ through laspy, after the sizes in the header were checked."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from annotator.formats import laz_unpack
from annotator.formats.columns import Column, RawCloud, find_names, finish
from annotator.formats.source import FileCloud, Reading

_CHUNK = 1_000_000
_VLR_HEADER = 54
_SHORTEST_RECORD = 20
_SLACK = 1 << 16
_POLL_SECONDS = 0.05
# Thread pools would reserve address space that the child's memory limit counts.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


@dataclass(frozen=True)
class LasSizes:
    """The sizes that a LAS header claims."""

    header: int
    points_at: int
    vlrs: int
    record: int
    points: int
    compressed: bool


def read_las(reading: Reading) -> FileCloud:
    """Read a LAS or LAZ file; coordinates stay float64 until they are relative to an origin.

    The label is an extra dimension named label, instance, ..., else the classification
    if any point has one. A LAZ file is unpacked to a temporary file by a process of its
    own, because the decoder ends its process on some damaged files.

    Raises:
        AnnotatorError: If it is damaged.
        Cancelled: If the reading was cancelled.
    """
    with reading.path.open("rb") as file:
        sizes = check_header(file, reading)
    if not sizes.compressed:
        return _finished(_read_chunks(reading.path, reading, 0.0), reading)
    with tempfile.TemporaryDirectory(prefix="annotator-", ignore_cleanup_errors=True) as folder:
        unpacked = Path(folder) / "unpacked.las"
        unpack_laz(reading, sizes, unpacked)
        inner = replace(Reading.of(unpacked), cancel=reading.cancel)
        with unpacked.open("rb") as file:
            check_header(file, inner)
        return _finished(_read_chunks(unpacked, reading, 0.5), reading)


def _finished(raw: RawCloud, reading: Reading) -> FileCloud:
    cloud = finish(raw, reading)
    return replace(cloud, source=replace(cloud.source, las=reading.path))


def unpack_laz(reading: Reading, sizes: LasSizes, target: Path) -> None:
    """Unpack a LAZ file to the LAS file `target` in a process that may crash.

    Raises:
        AnnotatorError: If the file is damaged or there is no room for it.
        Cancelled: If the reading was cancelled.
    """
    largest = sizes.points_at + sizes.points * sizes.record + _SLACK
    free = shutil.disk_usage(target.parent).free
    reading.require(largest, free, f"{sizes.points:,} points on {free:,} bytes of free disk space")
    command = [sys.executable, "-P", laz_unpack.__file__]
    command += [str(reading.path.resolve()), str(target), str(largest)]
    log = target.with_suffix(".log")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **_ONE_THREAD},
        )
        try:
            while _still_running(process):
                done = target.stat().st_size if target.exists() else 0
                reading.step(0.5 * done / largest)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        reason = lines[-1][:200] if process.returncode > 0 and lines else "the decoder gave up"
        raise reading.damaged(f"holds damaged compressed points ({reason})")


def _still_running(process: "subprocess.Popen[bytes]") -> bool:
    """Wait a moment for the process; return whether it goes on."""
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def check_header(file: BinaryIO, reading: Reading) -> LasSizes:
    """Compare the header's sizes with the file's before laspy allocates by them.

    Raises:
        AnnotatorError: If they do not fit.
    """
    head = file.read(375)
    if len(head) < 227 or head[:4] != b"LASF":
        raise reading.damaged("is not a LAS file (its header is incomplete)")
    sizes = _sizes(head)
    least = 375 if head[25] >= 4 else 227
    if len(head) < least or not least <= sizes.header <= sizes.points_at <= reading.size:
        raise reading.damaged("has a LAS header whose offsets lie outside the file")
    reading.require(
        sizes.vlrs * _VLR_HEADER, sizes.points_at - sizes.header, f"{sizes.vlrs:,} records"
    )
    if sizes.record < _SHORTEST_RECORD:
        raise reading.damaged(f"has a LAS header with points of {sizes.record} bytes")
    rest = reading.size - sizes.points_at
    if not sizes.compressed:
        reading.require(sizes.points * sizes.record, rest, f"{sizes.points:,} points")
    return sizes


def _sizes(head: bytes) -> LasSizes:
    header, points_at, vlrs = struct.unpack_from("<HII", head, 94)
    point_format, record, points = struct.unpack_from("<BHI", head, 104)
    if head[25] >= 4 and len(head) >= 255:
        (points,) = struct.unpack_from("<Q", head, 247)
    return LasSizes(header, points_at, vlrs, record, points, bool(point_format & 0x80))


def _read_chunks(path: Path, reading: Reading, begin: float) -> RawCloud:
    """Read a million points at a time, reporting progress from `begin` to 1."""
    import laspy

    parts: list[dict[str, Column]] = []
    with laspy.open(path, read_evlrs=False) as las:
        header = las.header
        if header.point_count == 0:
            raise reading.damaged("holds no points", "Choose another scan.")
        names = [d.name for d in header.point_format.dimensions]
        label = find_names(list(header.point_format.extra_dimension_names)).label
        done = 0
        for chunk in las.chunk_iterator(_CHUNK):
            parts.append(_columns(chunk, names, label))
            done += len(chunk)
            reading.step(begin + (1 - begin) * done / header.point_count)
        scale, offset = np.array(header.scales), np.array(header.offsets)
    if done != header.point_count:
        raise reading.damaged(
            f"holds {done:,} points where its header promises {header.point_count:,}"
        )
    return _join(parts, scale, offset)


def _columns(chunk: Any, names: list[str], label: str | None) -> dict[str, Column]:  # noqa: ANN401
    """Return what is needed of a chunk of points, copied out of laspy's lazy views."""
    columns: dict[str, Column] = {
        "xyz": np.stack([np.asarray(chunk[a], np.float64) for a in "xyz"], axis=1)
    }
    if "red" in names:
        columns["rgb"] = np.stack([np.asarray(chunk[c]) for c in ("red", "green", "blue")], axis=1)
    columns["intensity"] = np.array(chunk["intensity"])
    columns["classification"] = np.array(chunk["classification"])
    if label is not None:
        columns["label"] = np.array(chunk[label])
    return columns


def _join(
    parts: list[dict[str, Column]],
    scale: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
) -> RawCloud:
    table = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    labels = table.get("label")
    if labels is None and table["classification"].any():
        labels = table["classification"]
    if labels is not None and labels.ndim != 1:
        labels = None
    rgb = table.get("rgb")
    if rgb is not None and not rgb.any():
        rgb = None  # a colour format whose colours were never filled in
    intensity = table["intensity"] if table["intensity"].any() else None
    return RawCloud(table["xyz"], rgb, labels, intensity, scale=scale, offset=offset)
