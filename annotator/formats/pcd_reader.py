"""Reads PCD, the Point Cloud Library's format (v0.5 to v0.7): ascii, binary, compressed.

The viewpoint is not applied: points stay in the frame they are stored in, as in other
viewers. Rows without a measurement (NaN) are left out and remembered in the source.
"""

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from annotator.formats import lzf
from annotator.formats.columns import Column, finish, raw_from_table
from annotator.formats.source import FileCloud, Reading
from annotator.formats.text_rows import read_table

_HEADER_LIMIT = 1 << 16
_KINDS = {"F": "f", "U": "u", "I": "i"}
_SIZES = {"F": (4, 8), "U": (1, 2, 4, 8), "I": (1, 2, 4, 8)}
_MAX_COUNT = 1 << 16


@dataclass(frozen=True)
class PcdHeader:
    """The header of a PCD file.

    Attributes:
        names: Fields, "_" for padding.
        types: numpy type of each field, little endian.
        counts: Numbers in each field.
        shape: (width, height).
        points: Rows.
        data: "ascii", "binary" or "binary_compressed".
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    counts: tuple[int, ...]
    shape: tuple[int, int]
    points: int
    data: str

    @property
    def record(self) -> "np.dtype[np.void]":
        """One row as a structured type; field i is named by its number."""
        return np.dtype(
            [
                (str(i), t, (c,))
                for i, (t, c) in enumerate(zip(self.types, self.counts, strict=True))
            ]
        )


def read_pcd(reading: Reading) -> FileCloud:
    """Read a PCD file.

    Raises:
        AnnotatorError: If it is damaged or holds no coordinates.
        Cancelled: If the reading was cancelled.
    """
    with reading.path.open("rb") as file:
        header = read_header(file, reading)
        if not header.points:
            raise reading.damaged("holds no points", "Choose another scan.")
        rest = reading.size - file.tell()
        if header.data == "ascii":
            columns = _ascii_columns(file, header, rest, reading)
        elif header.data == "binary":
            columns = _binary_columns(file, header, rest, reading)
        else:
            columns = _compressed_columns(file, header, rest, reading)
    table = {name: columns[i] for name, i in _single_fields(header).items()}
    raw = raw_from_table(table, reading)
    return finish(replace(raw, shape=header.shape), reading)


def _single_fields(header: PcdHeader) -> dict[str, int]:
    """Return number by name of the fields that hold one number; the first of a name wins."""
    fields: dict[str, int] = {}
    for i, (name, count) in enumerate(zip(header.names, header.counts, strict=True)):
        if count == 1:
            fields.setdefault(name, i)
    return fields


def read_header(file: BinaryIO, reading: Reading) -> PcdHeader:
    """Read up to and including the DATA line.

    Raises:
        AnnotatorError: If there is none or it contradicts itself.
    """
    entries: dict[str, list[str]] = {}
    while "DATA" not in entries:
        line = file.readline(_HEADER_LIMIT)
        if not line or file.tell() > _HEADER_LIMIT:
            raise reading.damaged("has no complete PCD header (no line DATA)")
        words = line.decode("latin-1").split("#")[0].split()
        if words:
            entries[words[0].upper()] = words[1:]
    try:
        return _make_header(entries)
    except (KeyError, ValueError, IndexError) as error:
        raise reading.damaged(f"has a PCD header that does not make sense: {error}") from error


def _make_header(entries: dict[str, list[str]]) -> PcdHeader:
    names = entries.get("FIELDS") or entries.get("COLUMNS") or []
    sizes = [int(s) for s in entries["SIZE"]]
    kinds = [t.upper() for t in entries["TYPE"]]
    counts = [int(c) for c in entries.get("COUNT", ["1"] * len(names))]
    if not names or not len(names) == len(sizes) == len(kinds) == len(counts):
        raise ValueError("FIELDS, SIZE, TYPE and COUNT differ in length")
    for size, kind, count in zip(sizes, kinds, counts, strict=True):
        if size not in _SIZES.get(kind, ()) or not 0 < count <= _MAX_COUNT:
            raise ValueError(f"a field of {count} x type {kind} of {size} bytes is unknown")
    width = int(entries.get("WIDTH", ["0"])[0])
    height = int(entries.get("HEIGHT", ["1"])[0])
    points = int(entries["POINTS"][0]) if "POINTS" in entries else width * height
    data = entries["DATA"][0].lower()
    if points < 0 or width < 0 or height < 0:
        raise ValueError("a size is negative")
    if data not in ("ascii", "binary", "binary_compressed"):
        raise ValueError(f"DATA {data} is unknown")
    types = tuple(f"<{_KINDS[k]}{s}" for k, s in zip(kinds, sizes, strict=True))
    return PcdHeader(tuple(names), types, tuple(counts), (width, height), points, data)


def _ascii_columns(file: BinaryIO, header: PcdHeader, rest: int, reading: Reading) -> list[Column]:
    """Read rows of text; each field becomes the first of its numbers."""
    # Every number but the very last has a blank or a line end behind it.
    reading.require(header.points * sum(header.counts) * 2 - 1, rest, f"{header.points:,} points")
    rows = read_table(file, reading)
    if len(rows) < header.points or (len(rows) and rows.shape[1] != sum(header.counts)):
        raise reading.damaged(
            f"has {len(rows):,} rows of {rows.shape[1]} numbers where its header promises "
            f"{header.points:,} of {sum(header.counts)}"
        )
    starts = np.cumsum((0, *header.counts[:-1]))
    with np.errstate(invalid="ignore", over="ignore"):
        return [
            _ascii_column(rows[: header.points, s], t)
            for s, t in zip(starts, header.types, strict=True)
        ]


def _ascii_column(values: Column, kind: str) -> Column:
    """Give integers their type back; floats stay float64 but for packed colours' float32."""
    if kind[1] == "f":
        return values.astype(np.float32) if kind[2] == "4" else values
    return np.nan_to_num(values, nan=0.0).astype(np.int64)


def _binary_columns(file: BinaryIO, header: PcdHeader, rest: int, reading: Reading) -> list[Column]:
    record = header.record
    reading.require(header.points * record.itemsize, rest, f"{header.points:,} points")
    reading.step(0.1)
    rows = np.fromfile(file, record, header.points)
    return [rows[str(i)][:, 0] for i in range(len(header.names))]


def _compressed_columns(
    file: BinaryIO, header: PcdHeader, rest: int, reading: Reading
) -> list[Column]:
    """Read one LZF stream that holds the fields one after the other."""
    reading.require(8, rest, "two sizes")
    packed_size, size = struct.unpack("<II", file.read(8))
    reading.require(packed_size, rest - 8, "compressed points")
    needed = header.points * header.record.itemsize
    if size < needed:
        raise reading.damaged(
            f"is too short: its header promises {header.points:,} points ({needed:,} bytes), "
            f"but they unpack to {size:,} bytes"
        )
    try:
        data = lzf.decompress(file.read(packed_size), size, reading.step)
    except ValueError as error:
        raise reading.damaged(f"cannot be unpacked: {error}") from error
    columns, start = [], 0
    for kind, count in zip(header.types, header.counts, strict=True):
        column = np.frombuffer(data, kind, header.points * count, start)
        columns.append(column.reshape(header.points, count)[:, 0])
        start += column.nbytes
    return columns
