"""PLY elements with list properties: rows of different lengths, grouped by layout.

Almost every file has triangles only and is read in one piece; mixed polygons are sorted
into groups of rows with equal list lengths, each again read in one piece.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.formats.columns import Column
from annotator.formats.ply_header import PlyElement
from annotator.formats.source import Reading
from annotator.formats.text_rows import parse_rows

Lengths = tuple[int, ...]

_LOOK_EVERY = 1 << 16


@dataclass(frozen=True)
class RowGroup:
    """Rows whose lists have the same lengths.

    Attributes:
        rows: [n] int64, their numbers within the element.
        columns: For each property [n] (a value) or [n, k] (a list of k).
    """

    rows: npt.NDArray[np.int64]
    columns: tuple[Column, ...]


def layout(element: PlyElement, lengths: Lengths) -> "np.dtype[np.void]":
    """Return the structured type of a binary row whose lists have these lengths."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = []
    remaining = iter(lengths)
    for i, prop in enumerate(element.properties):
        if prop.count_kind is None:
            fields.append((str(i), prop.kind))
        else:
            fields.append((f"n{i}", prop.count_kind))
            fields.append((str(i), prop.kind, (next(remaining),)))
    return np.dtype(fields)


def binary_groups(
    data: npt.NDArray[np.uint8], element: PlyElement, reading: Reading
) -> tuple[list[RowGroup], int]:
    """Read a binary element with lists from `data`.

    Returns:
        Its rows in groups, and the number of bytes it takes.

    Raises:
        AnnotatorError: If the data ends within a row.
        Cancelled: If the reading was cancelled.
    """
    buffer = data.data
    first, _ = _row_lengths(buffer, 0, element, reading)
    uniform = _uniform(data, element, first)
    if uniform is not None:
        return [uniform], element.count * layout(element, first).itemsize
    starts_by_lengths: dict[Lengths, tuple[list[int], list[int]]] = {}
    position = 0
    for row in range(element.count):
        if row % _LOOK_EVERY == 0:
            reading.step(position / max(len(data), 1))
        lengths, after = _row_lengths(buffer, position, element, reading)
        rows, starts = starts_by_lengths.setdefault(lengths, ([], []))
        rows.append(row)
        starts.append(position)
        position = after
    groups = [_gather(data, element, k, r, s) for k, (r, s) in starts_by_lengths.items()]
    return groups, position


def _uniform(data: npt.NDArray[np.uint8], element: PlyElement, lengths: Lengths) -> RowGroup | None:
    """Return all rows if every list is as long as in the first row, else None."""
    record = layout(element, lengths)
    if element.count * record.itemsize > len(data):
        return None
    rows = data[: element.count * record.itemsize].view(record)
    names = [n for n in record.names or () if n.startswith("n")]
    if any((rows[n] != k).any() for n, k in zip(names, lengths, strict=True)):
        return None
    return RowGroup(np.arange(element.count), _columns(rows, element))


def _columns(rows: Column, element: PlyElement) -> tuple[Column, ...]:
    return tuple(rows[str(i)] for i in range(len(element.properties)))


def _row_lengths(
    buffer: memoryview, position: int, element: PlyElement, reading: Reading
) -> tuple[Lengths, int]:
    """Return the list lengths of the binary row at `position` and where the next row begins."""
    lengths = []
    for prop in element.properties:
        if prop.count_kind is not None:
            kind = np.dtype(prop.count_kind)
            raw = bytes(buffer[position : position + kind.itemsize])
            length = int.from_bytes(
                raw, "big" if prop.count_kind[0] == ">" else "little", signed=kind.kind == "i"
            )
            if length < 0:
                raise reading.damaged(f"has a list of {length} items in element {element.name}")
            lengths.append(length)
            position += kind.itemsize + length * np.dtype(prop.kind).itemsize
        else:
            position += np.dtype(prop.kind).itemsize
        if position > len(buffer):
            raise reading.damaged(f"ends within element {element.name}")
    return tuple(lengths), position


def _gather(
    data: npt.NDArray[np.uint8],
    element: PlyElement,
    lengths: Lengths,
    rows: list[int],
    starts: list[int],
) -> RowGroup:
    record = layout(element, lengths)
    taken = data[np.asarray(starts)[:, None] + np.arange(record.itemsize)]
    return RowGroup(np.asarray(rows), _columns(taken.view(record)[:, 0], element))


def ascii_groups(
    parts: Iterable[list[str]], element: PlyElement, reading: Reading
) -> list[RowGroup]:
    """Read the lines of an ascii element with lists.

    Raises:
        AnnotatorError: If a line is no row of the element.
    """
    groups: list[RowGroup] = []
    done = 0
    for lines in parts:
        by_words: dict[int, tuple[list[int], list[str]]] = {}
        for row, line in enumerate((line for line in lines if line.split()), start=done):
            rows, same = by_words.setdefault(len(line.split()), ([], []))
            rows.append(row)
            same.append(line)
        done += sum(len(rows) for rows, _ in by_words.values())
        groups += [_ascii_group(r, same, element, reading) for r, same in by_words.values()]
    if done != element.count:
        raise reading.damaged(f"ends within element {element.name}")
    return groups


def _ascii_group(
    rows: list[int], lines: list[str], element: PlyElement, reading: Reading
) -> RowGroup:
    """Read lines with the same number of words, whose lists must then be equally long."""
    values = parse_rows(lines, reading)
    columns: list[Column] = []
    at = 0
    wrong = reading.damaged(f"has a row that does not fit its header in element {element.name}")
    for prop in element.properties:
        if at >= values.shape[1]:
            raise wrong
        if prop.count_kind is None:
            columns.append(values[:, at])
            at += 1
            continue
        if not (values[:, at] == values[0, at]).all() or not 0 <= values[0, at] < values.shape[1]:
            raise wrong
        length = int(values[0, at])
        columns.append(values[:, at + 1 : at + 1 + length])
        at += 1 + length
    if at != values.shape[1]:
        raise wrong
    return RowGroup(np.asarray(rows, np.int64), tuple(columns))


def to_table(groups: Sequence[RowGroup], element: PlyElement) -> dict[str, Column]:
    """Join groups: values as columns [count], lists as the triangles [F, 3] they fan out to."""
    table: dict[str, Column] = {}
    for i, prop in enumerate(element.properties):
        pieces = [group.columns[i] for group in groups]
        if prop.count_kind is not None:
            table.setdefault(prop.name, triangles(pieces))
            continue
        column = np.zeros(element.count, np.dtype(prop.kind).newbyteorder("="))
        for group, piece in zip(groups, pieces, strict=True):
            with np.errstate(invalid="ignore"):
                column[group.rows] = piece
        table.setdefault(prop.name, column)
    return table


def triangles(polygons: Sequence[Column]) -> npt.NDArray[np.int64]:
    """Fan out polygons [n, k] of vertex numbers into triangles [F, 3]; k < 3 gives none."""
    fans = [
        np.stack([np.repeat(p[:, :1], p.shape[1] - 2, 1), p[:, 1:-1], p[:, 2:]], axis=2)
        for p in polygons
        if p.shape[1] >= 3
    ]
    with np.errstate(invalid="ignore"):
        flat = [np.nan_to_num(f.reshape(-1, 3), nan=-1.0).astype(np.int64) for f in fans]
    return np.concatenate(flat) if flat else np.zeros((0, 3), np.int64)
