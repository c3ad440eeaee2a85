"""Reads folders that are one scan: S3DIS rooms, ScanNet scenes, AGILE3D demo scenes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Int32
from annotator.formats.columns import RawCloud, finish
from annotator.formats.ply_reader import read_ply, read_ply_labels
from annotator.formats.source import FileCloud, Reading
from annotator.formats.text_rows import read_table

_LARGEST_JSON = 1 << 29


def read_folder(reading: Reading) -> FileCloud:
    """Read a folder that is one scan.

    Raises:
        AnnotatorError: If it is none of the known kinds, or a file in it is damaged.
        Cancelled: If the reading was cancelled.
    """
    path = reading.path
    if parts := s3dis_files(path):
        return read_s3dis(parts, reading)
    if (path / "scan.ply").is_file():
        return read_scene(path / "scan.ply", reading)
    if mesh := scannet_mesh(path):
        return read_scannet(mesh, reading)
    raise reading.damaged(
        "is a folder, but neither an S3DIS room, a ScanNet scene nor a scene with scan.ply",
        "Open a folder with Annotations/*.txt, *_vh_clean_2.ply or scan.ply, or a single file.",
    )


def _inner(path: Path, reading: Reading) -> Reading:
    return Reading.of(path, reading.progress, reading.cancel)


def s3dis_files(path: Path) -> list[Path]:
    """Return the object files of an S3DIS area, room or Annotations folder, sorted."""
    patterns = ["Annotations/*.txt", "*/Annotations/*.txt"]
    if path.name == "Annotations":
        patterns = ["*.txt"]
    found = [file for pattern in patterns for file in path.glob(pattern)]
    return sorted(f for f in found if f.is_file() and not f.name.startswith("."))


def read_s3dis(files: list[Path], reading: Reading) -> FileCloud:
    """Read the objects of a room, one file each, numbered from 1 in order of their names.

    Raises:
        AnnotatorError: If a file is damaged.
        Cancelled: If the reading was cancelled.
    """
    parts: list[npt.NDArray[np.float64]] = []
    for number, path in enumerate(files):
        reading.step(number / len(files))
        inner = replace(Reading.of(path), cancel=reading.cancel)
        with path.open("rb") as file:
            rows = read_table(file, inner)
        if len(rows) and rows.shape[1] < 3:
            raise inner.damaged("has rows of fewer than three numbers")
        parts.append(rows[:, :6] if len(rows) else np.zeros((0, 6)))
    widths = {part.shape[1] for part in parts if len(part)}
    if not widths:
        raise reading.damaged("holds no points", "Choose another folder.")
    filled = [part[:, : min(widths)] for part in parts]
    rows = np.concatenate([part for part in filled if len(part)])
    labels = np.repeat(np.arange(1, len(parts) + 1), [len(part) for part in parts])
    colours = rows[:, 3:6] if rows.shape[1] >= 6 else None
    return finish(RawCloud(rows[:, :3], colours, labels), reading)


def read_scene(scan: Path, reading: Reading) -> FileCloud:
    """Read scan.ply, with the labels of label.ply beside it (the AGILE3D demo layout).

    Raises:
        AnnotatorError: If a file is damaged or the two differ in their number of points.
        Cancelled: If the reading was cancelled.
    """
    cloud = replace(read_ply(_inner(scan, reading)), name=scan.parent.name or scan.stem)
    beside = scan.with_name("label.ply")
    if cloud.labels is not None or not beside.is_file():
        return cloud
    return with_labels(cloud, read_ply_labels(_inner(beside, reading)), beside)


def with_labels(cloud: FileCloud, labels: Int32, path: Path) -> FileCloud:
    """Attach labels, one for each row of the scan's file.

    Raises:
        AnnotatorError: If their number differs.
    """
    if len(labels) != cloud.source.count:
        raise Reading.of(path).damaged(
            f"has {len(labels):,} labels for the {cloud.source.count:,} points of {cloud.name}",
            "Move it away or replace it by the labels of this scan.",
        )
    rows = cloud.source.rows
    return replace(cloud, labels=labels if rows is None else labels[rows])


def scannet_mesh(path: Path) -> Path | None:
    """Return the mesh of a ScanNet scene folder, or the only PLY of any folder."""
    scans = [p for p in sorted(path.glob("*.ply")) if not p.name.endswith(".labels.ply")]
    for ending in ("_vh_clean_2.ply", "_vh_clean.ply"):
        named = [p for p in scans if p.name.endswith(ending)]
        if named:
            return named[0]
    return scans[0] if len(scans) == 1 else None


def read_scannet(mesh: Path, reading: Reading) -> FileCloud:
    """Read a ScanNet mesh with the objects of its segs and aggregation files.

    Object ids are ScanNet's plus one. Without the two files the classes of the
    `.labels.ply` are taken, and without that the mesh stays unlabelled.

    Raises:
        AnnotatorError: If a file is damaged.
        Cancelled: If the reading was cancelled.
    """
    cloud = read_ply(_inner(mesh, reading))
    segments = next(iter(sorted(mesh.parent.glob(f"{mesh.stem}.*segs.json"))), None)
    groups = _aggregation(mesh)
    if segments is not None and groups is not None:
        return with_labels(cloud, join_segments(segments, groups), segments)
    classes = mesh.with_name(f"{mesh.stem}.labels.ply")
    if cloud.labels is None and classes.is_file():
        return with_labels(cloud, read_ply_labels(_inner(classes, reading)), classes)
    return cloud


def _aggregation(mesh: Path) -> Path | None:
    """Return the aggregation that belongs to the mesh: the decimated one has the plain name."""
    scene = mesh.stem.split("_vh_clean")[0]
    names = [f"{scene}.aggregation.json", f"{scene}_vh_clean.aggregation.json"]
    ordered = names if mesh.stem.endswith("_2") else names[::-1]
    return next((p for n in ordered if (p := mesh.with_name(n)).is_file()), None)


def join_segments(segments: Path, groups: Path) -> Int32:
    """Return the object id [N] of each vertex: its segment's object plus one, else 0.

    Raises:
        AnnotatorError: If a file is not what ScanNet writes.
    """
    listed = _load(segments, "segIndices")
    grouped = _load(groups, "segGroups")
    try:
        indices = np.asarray(listed, np.int64)
        pairs = [(int(s), int(g["objectId"]) + 1) for g in grouped for s in g["segments"]]
        table = np.asarray(pairs, np.int64).reshape(-1, 2)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise Reading.of(groups).damaged(f"does not fit {segments.name} ({error})") from error
    table = table[np.argsort(table[:, 0], kind="stable")]
    if not len(table):
        return np.zeros(len(indices), np.int32)
    place = np.minimum(np.searchsorted(table[:, 0], indices), len(table) - 1)
    return np.where(table[place, 0] == indices, table[place, 1], 0).astype(np.int32)


def _load(path: Path, key: str) -> list[Any]:
    """Return the list under `key` of a JSON file."""
    reading = Reading.of(path)
    if reading.size > _LARGEST_JSON:
        raise reading.damaged("is too large to be a list of segments")
    try:
        found = json.loads(path.read_bytes())[key]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise reading.damaged(f"holds no {key} ({error})") from error
    if not isinstance(found, list):
        raise reading.damaged(f"holds no list {key}")
    return found
