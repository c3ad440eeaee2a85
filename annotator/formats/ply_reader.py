"""Reads PLY clouds and meshes: ascii and binary, any property names and element order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import BinaryIO

import numpy as np

from annotator.domain.cloud import Int32
from annotator.formats.columns import (
    Column,
    find_names,
    finish,
    labels_to_int32,
    raw_from_table,
)
from annotator.formats.ply_header import PlyElement, read_ply_header
from annotator.formats.ply_lists import ascii_groups, binary_groups, to_table
from annotator.formats.source import FileCloud, Reading
from annotator.formats.text_rows import LONGEST_LINE, parse_rows

Table = dict[str, Column]

_LINES = 1 << 16
_FACE_LISTS = ("vertex_indices", "vertex_index", "indices")


def read_ply(reading: Reading) -> FileCloud:
    """Read the vertices (and triangles) of a PLY file.

    Raises:
        AnnotatorError: If it is damaged or holds no coordinates.
        Cancelled: If the reading was cancelled.
    """
    tables = read_elements(reading, ("vertex", "face"))
    raw = raw_from_table(_vertices(tables, reading), reading)
    faces = tables.get("face", {})
    listed = next((faces[n] for n in _FACE_LISTS if n in faces and faces[n].ndim == 2), None)
    return finish(replace(raw, faces=listed), reading)


def read_ply_labels(reading: Reading) -> Int32:
    """Return the label [N] of every vertex of a PLY file that need not hold coordinates.

    Raises:
        AnnotatorError: If it is damaged or holds no label.
    """
    table = _vertices(read_elements(reading, ("vertex",)), reading)
    name = find_names(list(table)).label
    if name is None:
        raise reading.damaged("has no property named label", "Name the property label.")
    return labels_to_int32(table[name])


def _vertices(tables: dict[str, Table], reading: Reading) -> Table:
    if "vertex" not in tables:
        raise reading.damaged("has no element vertex", "Choose a file with points.")
    return {name: column for name, column in tables["vertex"].items() if column.ndim == 1}


def read_elements(reading: Reading, wanted: Sequence[str]) -> dict[str, Table]:
    """Read elements by name, stopping after the last wanted one.

    Values become columns [count]; a list property becomes the triangles [F, 3] that its
    polygons fan out to.

    Raises:
        AnnotatorError: If the file is damaged.
        Cancelled: If the reading was cancelled.
    """
    tables: dict[str, Table] = {}
    with reading.path.open("rb") as file:
        header = read_ply_header(file, reading)
        last = max((i for i, e in enumerate(header.elements) if e.name in wanted), default=-1)
        for element in header.elements[: last + 1]:
            _check_size(element, header.order, file, reading)
            read = _read_binary if header.order else _read_ascii
            tables.setdefault(element.name, read(file, element, reading))
    return tables


def _check_size(element: PlyElement, order: str, file: BinaryIO, reading: Reading) -> None:
    # In text every number takes a digit and, but for the very last, a separator.
    row = element.smallest_row if order else 2 * len(element.properties)
    reading.require(
        element.count * row - (0 if order else 1),
        reading.size - file.tell(),
        f"{element.count:,} x {element.name}",
    )


def _read_binary(file: BinaryIO, element: PlyElement, reading: Reading) -> Table:
    reading.step(file.tell() / max(reading.size, 1))
    if not element.properties or not element.count:
        return _empty(element)
    if not element.has_lists:
        return _named(element, np.fromfile(file, element.record, element.count))
    start = file.tell()
    groups, used = binary_groups(np.fromfile(file, np.uint8), element, reading)
    file.seek(start + used)
    return to_table(groups, element)


def _read_ascii(file: BinaryIO, element: PlyElement, reading: Reading) -> Table:
    if not element.properties or not element.count:
        return _empty(element)
    parts = _line_parts(file, element.count, reading)
    if element.has_lists:
        return to_table(ascii_groups(parts, element, reading), element)
    rows = [rows for lines in parts if len(rows := parse_rows(lines, reading))]
    if sum(map(len, rows)) != element.count or {r.shape[1] for r in rows} != {
        len(element.properties)
    }:
        raise reading.damaged(
            f"does not hold the {element.count:,} rows of {len(element.properties)} numbers "
            f"that its header promises for {element.name}"
        )
    return _typed(element, np.concatenate(rows))


def _line_parts(file: BinaryIO, count: int, reading: Reading) -> Iterator[list[str]]:
    """Yield `count` lines in parts, fewer if the file ends."""
    while count > 0:
        reading.step(file.tell() / max(reading.size, 1))
        lines = list(islice(iter(lambda: file.readline(LONGEST_LINE), b""), min(count, _LINES)))
        if not lines:
            return
        count -= len(lines)
        yield [line.decode("latin-1") for line in lines]


def _empty(element: PlyElement) -> Table:
    return {p.name: np.zeros(0 if p.count_kind is None else (0, 3)) for p in element.properties}


def _named(element: PlyElement, rows: Column) -> Table:
    """Return the columns of structured rows in native byte order; the first of a name wins."""
    table: Table = {}
    for i, prop in enumerate(element.properties):
        column = rows[str(i)]
        table.setdefault(prop.name, column.astype(column.dtype.newbyteorder("=")))
    return table


def _typed(element: PlyElement, rows: Column) -> Table:
    """Return the columns of text rows, whole numbers with their declared type.

    Coordinates keep all digits that the text has, whatever the header declares.
    """
    table: Table = {}
    for i, prop in enumerate(element.properties):
        column = rows[:, i]
        if np.dtype("=" + prop.kind).kind in "iu":
            column = np.clip(np.nan_to_num(column), -(2.0**53), 2.0**53).astype(np.int64)
        table.setdefault(prop.name, column)
    return table
