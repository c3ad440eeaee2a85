"""Writes PCD, binary or compressed; rows without a measurement come back as NaN."""

import struct
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from annotator.domain import ObjectInfo, PointCloud
from annotator.domain.cloud import Int32
from annotator.formats.lzf import compress
from annotator.formats.ply_writer import coordinates
from annotator.formats.source import Source

_LARGEST_COMPRESSED = 1 << 32


def write_pcd(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write a binary PCD with x y z, rgb and label, organised as the scan's file was."""
    rows, shape = _rows(cloud, labels)
    file.write(_header(rows, shape, "binary"))
    file.write(rows.data)


def write_pcd_compressed(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write a binary_compressed PCD; several times slower, and smaller."""
    rows, shape = _rows(cloud, labels)
    data = b"".join(rows[name].tobytes() for name in rows.dtype.names or ())
    packed = compress(data)
    if max(len(packed), len(data)) >= _LARGEST_COMPRESSED:
        raise OSError("a compressed PCD holds at most 4 GB; choose the binary one")
    file.write(_header(rows, shape, "binary_compressed"))
    file.write(struct.pack("<II", len(packed), len(data)))
    file.write(packed)


def _rows(
    cloud: PointCloud, labels: Int32 | None
) -> tuple["np.ndarray[tuple[int], np.dtype[np.void]]", tuple[int, int]]:
    """Return one record for each row of the scan's file, and its (width, height)."""
    source = getattr(cloud, "source", None)
    if not isinstance(source, Source) or source.count < len(cloud):
        source = Source(len(cloud), None, (len(cloud), 1))
    xyz = coordinates(cloud)
    fields = [(a, f"<f{xyz.dtype.itemsize}") for a in "xyz"]
    fields += [("rgb", "<u4")] if cloud.rgb is not None else []
    fields += [("label", "<u4")] if labels is not None else []
    rows = np.zeros(source.count, np.dtype(fields))
    kept = slice(None) if source.rows is None else source.rows
    for axis, name in enumerate("xyz"):
        rows[name] = np.nan
        rows[name][kept] = xyz[:, axis]
    if cloud.rgb is not None:
        red, green, blue = cloud.rgb.astype(np.uint32).T
        rows["rgb"][kept] = red << 16 | green << 8 | blue
    if labels is not None:
        rows["label"][kept] = labels
    return rows, source.shape


def _header(
    rows: "np.ndarray[tuple[int], np.dtype[np.void]]", shape: tuple[int, int], data: str
) -> bytes:
    names = rows.dtype.names or ()
    kinds = [rows.dtype[name] for name in names]
    lines = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        f"FIELDS {' '.join(names)}",
        f"SIZE {' '.join(str(k.itemsize) for k in kinds)}",
        f"TYPE {' '.join(k.kind.upper() for k in kinds)}",
        f"COUNT {' '.join('1' for _ in names)}",
        f"WIDTH {shape[0]}",
        f"HEIGHT {shape[1]}",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {len(rows)}",
        f"DATA {data}",
    ]
    return ("\n".join(lines) + "\n").encode("ascii")
