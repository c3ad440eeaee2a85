"""Which column means what, and the way from raw columns to a point cloud."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Float64, Int32, PointCloud, UInt8
from annotator.formats.source import FileCloud, Reading, Source

Column = npt.NDArray[Any]

FARTHEST = 1e15
"""Metres; rows beyond are counted as unmeasured, for float32 squares must stay finite."""

AXES = (
    ("x", "y", "z"),
    ("px", "py", "pz"),
    ("posx", "posy", "posz"),
    ("pointx", "pointy", "pointz"),
    ("coordx", "coordy", "coordz"),
    ("easting", "northing", "height"),
    ("easting", "northing", "elevation"),
)
COLOURS = (("red", "green", "blue"), ("r", "g", "b"))
PACKED = ("rgb", "rgba")
# Objects come before classes: an instance id says more than a class.
LABELS = (
    "instance", "instanceid", "instanceids", "inst", "object", "objectid", "obj", "label",
    "labels", "labelid", "groundtruth", "gt", "mask", "segment", "segmentid", "class",
    "classid", "classification", "classlabel", "semantic", "semanticlabel", "category", "cluster",
)  # fmt: skip
INTENSITY = ("intensity", "reflectance", "remission", "i", "gray", "grey")
_PREFIX = re.compile(r"^(?:scalar|vertex|diffuse|ambient|specular|colou?r)[_ ]+(?=.)")


def plain_name(name: str) -> str:
    """Return a column name without case, punctuation and the prefixes that tools add."""
    bare = name.strip().strip("\"'/#").lower()
    return re.sub(r"[^a-z0-9]", "", _PREFIX.sub("", _PREFIX.sub("", bare)))


@dataclass(frozen=True)
class ColumnNames:
    """Original names of the columns that matter; None where a file has none.

    Attributes:
        axes: Names of x, y and z.
        colours: Names of red, green and blue.
        packed: Name of a column with 0xRRGGBB in its bits.
        label: Name of the object or class id.
        intensity: Name of a brightness.
    """

    axes: tuple[str, str, str] | None
    colours: tuple[str, str, str] | None = None
    packed: str | None = None
    label: str | None = None
    intensity: str | None = None


def find_names(names: Sequence[str]) -> ColumnNames:
    """Recognise the columns of a file by the names that tools give them."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain_name(name), name)
    return ColumnNames(
        axes=_triple(by_plain, AXES),
        colours=_triple(by_plain, COLOURS),
        packed=_first(by_plain, PACKED),
        label=_first(by_plain, LABELS),
        intensity=_first(by_plain, INTENSITY),
    )


def _triple(
    by_plain: Mapping[str, str], candidates: Sequence[tuple[str, str, str]]
) -> tuple[str, str, str] | None:
    for a, b, c in candidates:
        if a in by_plain and b in by_plain and c in by_plain:
            return by_plain[a], by_plain[b], by_plain[c]
    return None


def _first(by_plain: Mapping[str, str], candidates: Sequence[str]) -> str | None:
    return next((by_plain[c] for c in candidates if c in by_plain), None)


@dataclass(frozen=True)
class RawCloud:
    """Columns as a file holds them, before any conversion.

    Attributes:
        xyz: [M, 3] numbers, absolute coordinates, possibly not finite.
        rgb: [M, 3] numbers of any range, or None.
        labels: [M] numbers, or None.
        intensity: [M] numbers, used as grey where there is no rgb.
        faces: [F, 3] row numbers of a mesh, or None.
        shape: (width, height) of an organised scan.
        scale: [3] resolution of a LAS file.
        offset: [3] offset of a LAS file.
    """

    xyz: Column
    rgb: Column | None = None
    labels: Column | None = None
    intensity: Column | None = None
    faces: Column | None = None
    shape: tuple[int, int] | None = None
    scale: Float64 | None = None
    offset: Float64 | None = None


def raw_from_table(table: Mapping[str, Column], reading: Reading) -> RawCloud:
    """Pick coordinates, colour, label and intensity out of named columns [M].

    Raises:
        AnnotatorError: If no three columns are coordinates.
    """
    names = find_names(list(table))
    if names.axes is None:
        known = ", ".join(list(table)[:12]) or "none"
        raise reading.damaged(
            f"has no columns x, y and z (its columns: {known})",
            "Name the coordinate columns x, y and z.",
        )
    rgb = None
    if names.colours is not None:
        rgb = np.stack([table[c] for c in names.colours], axis=1)
    elif names.packed is not None:
        rgb = unpack_rgb(table[names.packed])
    return RawCloud(
        xyz=np.stack([table[a] for a in names.axes], axis=1),
        rgb=rgb,
        labels=None if names.label is None else table[names.label],
        intensity=None if names.intensity is None else table[names.intensity],
    )


def unpack_rgb(packed: Column) -> UInt8 | None:
    """Return [M, 3] uint8 of a column with 0x..RRGGBB in its bits; None if it is not one.

    PCL stores the 32 bits in a float32 or a uint32; text files hold either as decimals.
    """
    if packed.dtype.kind == "f" and packed.dtype.itemsize == 4:
        bits: npt.NDArray[np.uint32] = packed.astype(np.float32).view(np.uint32)
    elif packed.dtype.kind in "iu" and packed.dtype.itemsize >= 4:
        bits = (packed.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32)
    else:
        return None
    shifted = [((bits >> shift) & 0xFF).astype(np.uint8) for shift in (16, 8, 0)]
    rgb: UInt8 = np.stack(shifted, axis=1)
    return rgb


def colours_to_uint8(rgb: Column) -> UInt8:
    """Return colours [M, 3] of any usual range as uint8.

    8-bit values stay; floats in 0..1 are stretched; anything larger than 255 is taken
    for 16 bits (LAS, ushort PLY). The range is judged over the whole scan.
    """
    if rgb.dtype == np.uint8:
        return np.ascontiguousarray(rgb)
    values = np.nan_to_num(rgb.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max()) if values.size else 0.0
    factor = 1.0
    if rgb.dtype.kind == "f" and top <= 1.0:
        factor = 255.0
    elif top > 255.0:
        factor = 255.0 / 65535.0
    colours: UInt8 = np.clip(np.rint(values * factor), 0, 255).astype(np.uint8)
    return colours


def grey_from_intensity(intensity: Column) -> UInt8:
    """Return [M, 3] uint8 greys, the 1st to 99th percentile of brightness stretched to 0..255."""
    values = np.nan_to_num(intensity.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if not values.size:
        return np.zeros((0, 3), np.uint8)
    low, high = np.percentile(values, [1, 99])
    spread = float(high) - float(low)
    scaled = (values - low) * (255.0 / spread) if spread > 0 else np.full_like(values, 128.0)
    grey = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, None], 3, axis=1)


def labels_to_int32(labels: Column) -> Int32:
    """Return labels [M] as int32 with 0 for "none".

    Negative ids (ScanNet's -1) and not-a-number become 0; fractions are cut off; ids
    beyond int32 are renumbered 1, 2, ... in ascending order.
    """
    if labels.dtype.kind == "f":
        labels = np.nan_to_num(labels, nan=0.0, posinf=0.0, neginf=0.0)
    if labels.dtype.kind not in "fiub":
        raise ValueError(f"labels of type {labels.dtype} are not numbers")
    kept = np.where(labels > 0, labels, 0)
    if len(kept) and kept.max() > np.iinfo(np.int32).max:
        ids, number = np.unique(kept, return_inverse=True)
        return (number.ravel() + (0 if ids[0] == 0 else 1)).astype(np.int32)
    return kept.astype(np.int32)


def finish(raw: RawCloud, reading: Reading) -> FileCloud:
    """Convert raw columns to a cloud, leaving out rows without a measurement.

    Raises:
        AnnotatorError: If no row has finite coordinates or a face names a missing point.
    """
    count = len(raw.xyz)
    with np.errstate(invalid="ignore"):
        valid: npt.NDArray[np.bool_] = np.all(np.abs(raw.xyz) < FARTHEST, axis=1)
    rows = None if valid.all() else np.flatnonzero(valid)
    if not count or (rows is not None and not len(rows)):
        raise reading.damaged("holds no points with finite coordinates", "Choose another scan.")
    cloud = PointCloud.from_absolute(
        raw.xyz if rows is None else raw.xyz[rows],
        rgb=_colours(raw, rows),
        labels=None if raw.labels is None else labels_to_int32(_rows(raw.labels, rows)),
        faces=_faces(raw.faces, valid, reading),
        name=reading.path.stem or reading.path.name,
    )
    shape = raw.shape if raw.shape and raw.shape[0] * raw.shape[1] == count else (count, 1)
    source = Source(count, rows, shape, raw.scale, raw.offset)
    return FileCloud(
        cloud.xyz, cloud.origin, cloud.rgb, cloud.labels, cloud.faces, cloud.name, source
    )


def _rows(column: Column, rows: npt.NDArray[np.int64] | None) -> Column:
    return column if rows is None else column[rows]


def _colours(raw: RawCloud, rows: npt.NDArray[np.int64] | None) -> UInt8 | None:
    if raw.rgb is not None:
        return colours_to_uint8(_rows(raw.rgb, rows))
    if raw.intensity is not None:
        return grey_from_intensity(_rows(raw.intensity, rows))
    return None


def _faces(faces: Column | None, valid: npt.NDArray[np.bool_], reading: Reading) -> Int32 | None:
    """Check the faces [F, 3] and renumber them after rows were left out."""
    if faces is None or not len(faces):
        return None
    if faces.min() < 0 or faces.max() >= len(valid):
        raise reading.damaged(f"has a face that names a point beyond its {len(valid):,} points")
    if not valid.all():
        faces = (np.cumsum(valid) - 1)[faces[valid[faces].all(axis=1)]]
    if not len(faces):
        return None
    return np.ascontiguousarray(faces, dtype=np.int32)
