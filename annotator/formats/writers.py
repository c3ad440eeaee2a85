"""The table of writers and the one function that writes any of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from annotator.domain import AnnotatorError, ObjectInfo, PointCloud
from annotator.domain.cloud import Int32
from annotator.formats.array_writers import (
    write_kitti_labels,
    write_npy,
    write_npz,
    write_scannet_txt,
)
from annotator.formats.atomic import atomic_write
from annotator.formats.las_writer import write_las, write_laz
from annotator.formats.pcd_writer import write_pcd, write_pcd_compressed
from annotator.formats.ply_writer import write_ply, write_ply_objects

Write = Callable[[BinaryIO, PointCloud, Int32 | None, Sequence[ObjectInfo]], None]


@dataclass(frozen=True)
class CloudWriter:
    """One format that can be written.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffixes: File suffixes, lower case with the dot; the first one is the usual.
        write: Writes it to an open file.
        labels_only: Whether it is a bare list of labels, a row for each row of the scan.
    """

    format_id: str
    title: str
    suffixes: tuple[str, ...]
    write: Write
    labels_only: bool = False


CLOUD_WRITERS: tuple[CloudWriter, ...] = (
    CloudWriter("ply", "PLY in the scan's colours, with labels", (".ply",), write_ply),
    CloudWriter("ply-objects", "PLY coloured by object", (".ply",), write_ply_objects),
    CloudWriter("npz", "NumPy archive", (".npz",), write_npz),
    CloudWriter("npy", "NumPy labels", (".npy",), write_npy, labels_only=True),
    CloudWriter("pcd", "PCD, binary", (".pcd",), write_pcd),
    CloudWriter("pcd-compressed", "PCD, compressed", (".pcd",), write_pcd_compressed),
    CloudWriter("las", "LAS", (".las",), write_las),
    CloudWriter("laz", "LAZ", (".laz",), write_laz),
    CloudWriter("scannet-txt", "ScanNet ids, one a line", (".txt",), write_scannet_txt,
                labels_only=True),
    CloudWriter("kitti-label", "Semantic-KITTI labels", (".label",), write_kitti_labels,
                labels_only=True),
)  # fmt: skip


def write_cloud(
    path: Path | str,
    cloud: PointCloud,
    labels: Int32 | None = None,
    *,
    objects: Sequence[ObjectInfo] = (),
    format_id: str | None = None,
) -> None:
    """Write a scan with its labels, completely or not at all.

    Bare lists of labels and PCD have a row for each row of the file the scan was read
    from, also for rows without a measurement (label 0); the others hold measured points.

    Args:
        path: File to write; an existing one is replaced.
        cloud: The full scan, N points.
        labels: [N] object ids; None writes the scan's own labels, if it has any.
        objects: Names, classes and colours, for formats that hold them.
        format_id: One of `CLOUD_WRITERS`; None chooses by suffix.

    Raises:
        AnnotatorError: If the format is unknown or cannot hold the labels, or the file
            cannot be written.
    """
    path = Path(path)
    writer = find_writer(path, format_id)
    chosen = cloud.labels if labels is None else np.ascontiguousarray(labels, np.int32)
    if chosen is not None and chosen.shape != (len(cloud),):
        raise AnnotatorError(
            f"{path.name} would get {chosen.size:,} labels for {len(cloud):,} points.",
            "Labels are written at full resolution, one for each point.",
        )
    with atomic_write(path) as file:
        writer.write(file, cloud, chosen, objects)


def find_writer(path: Path, format_id: str | None = None) -> CloudWriter:
    """Return the writer of that id, or the first one for the file's suffix.

    Raises:
        AnnotatorError: If there is none.
    """
    suffix = path.suffix.lower()
    for writer in CLOUD_WRITERS:
        if writer.format_id == format_id or (format_id is None and suffix in writer.suffixes):
            return writer
    wanted = f"format {format_id}" if format_id else f"suffix {suffix or '(none)'}"
    known = ", ".join(f"{w.format_id} ({w.suffixes[0]})" for w in CLOUD_WRITERS)
    raise AnnotatorError(f"{path.name}: no writer for {wanted}.", f"Known formats: {known}.")
