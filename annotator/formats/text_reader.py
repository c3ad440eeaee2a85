"""Reads rows of text: XYZ, PTS, TXT, CSV, ASC, with or without a header line."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from annotator.domain.cloud import Float64
from annotator.formats.columns import Column, find_names, finish, raw_from_table
from annotator.formats.source import FileCloud, Reading
from annotator.formats.text_rows import is_number, read_table, separators

_MAX_HEADER_LINES = 100
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class TextLayout:
    """What the first lines of a text file say.

    Attributes:
        start: Byte at which the rows begin.
        names: Names of the columns if a header line gives them, else empty.
        count: Number of points if a count line gives it (PTS).
        columns: Numbers of the columns that hold numbers.
        width: Columns in the first row.
        table: Translation table that makes separators blank.
    """

    start: int
    names: tuple[str, ...]
    count: int | None
    columns: tuple[int, ...]
    width: int
    table: bytes


def read_text(reading: Reading) -> FileCloud:
    """Read a text file of points.

    Raises:
        AnnotatorError: If its rows are not numbers or lack coordinates.
        Cancelled: If the reading was cancelled.
    """
    with reading.path.open("rb") as file:
        layout = find_layout(file, reading)
        if layout.count is not None:
            reading.require(
                layout.count * 6 - 1, reading.size - layout.start, f"{layout.count:,} points"
            )
        file.seek(layout.start)
        partial = None if len(layout.columns) == layout.width else layout.columns
        rows = read_table(file, reading, layout.table, partial)
    if layout.count is not None:
        if len(rows) < layout.count:
            raise reading.damaged(f"has {len(rows):,} rows where it promises {layout.count:,}")
        rows = rows[: layout.count]
    return finish(raw_from_table(name_columns(rows, layout, reading), reading), reading)


def find_layout(file: BinaryIO, reading: Reading) -> TextLayout:
    """Look at the head of a text file.

    Raises:
        AnnotatorError: If it is not text or no row of numbers is found.
    """
    sample = file.read(_SAMPLE)
    if b"\0" in sample:
        raise reading.damaged("is not a text file", "Choose a scan in a known format.")
    table = separators(sample)
    start = 3 if sample.startswith(b"\xef\xbb\xbf") else 0
    names: tuple[str, ...] = ()
    count: int | None = None
    file.seek(start)
    for _ in range(_MAX_HEADER_LINES):
        start = file.tell()
        line = file.readline(_SAMPLE)
        text = line.translate(table).decode("latin-1")
        words = text.replace("//", " ").replace("#", " ").split()
        numeric = tuple(i for i, word in enumerate(words) if is_number(word))
        if len(numeric) >= 3 and not line.lstrip().startswith((b"#", b"//")):
            return TextLayout(start, names, count, numeric, len(words), table)
        if words and not numeric:
            names = tuple(words)
        elif len(words) == 1 and words[0].isdigit():
            count = int(words[0])
        if not line:
            break
    raise reading.damaged(
        "has no row of at least three numbers at its beginning", "Choose a scan in a known format."
    )


def name_columns(rows: Float64, layout: TextLayout, reading: Reading) -> dict[str, Column]:
    """Return the columns by name: from the header line, else by their number and values."""
    if not len(rows) or rows.shape[1] < 3:
        raise reading.damaged("has rows of fewer than three numbers", "A point needs x, y and z.")
    names = layout.names
    if len(names) == layout.width and find_names(names).axes is not None:
        return {names[i]: rows[:, k] for k, i in enumerate(layout.columns)}
    extra = rows[:, 3:]
    guessed = ("x", "y", "z", *guess_extra(extra, reading.path.suffix.lower() == ".pts"))
    return {name: rows[:, k] for k, name in enumerate(guessed)}


def guess_extra(extra: Float64, is_pts: bool) -> tuple[str, ...]:
    """Name the columns [N, K] after x, y and z of a file without a header.

    Usual orders: intensity; rgb; intensity rgb (PTS, Semantic3D); rgb label; intensity rgb
    label. Colours are told from an intensity by their values.
    """
    width = extra.shape[1]
    rgb = ("red", "green", "blue")
    if width == 0:
        return ()
    if width == 1:
        return ("intensity",)
    if width == 2:
        return ("intensity", "label")
    if width == 3:
        return rgb
    rgb_first = not is_pts and _is_colour(extra[:, :3])
    if width >= 4 and rgb_first:
        return (*rgb, "label")
    return ("intensity", *rgb, "label")[:width]


def _is_colour(values: Float64) -> bool:
    """Whether [N, 3] values are whole numbers 0..255, or fractions 0..1, in all columns."""
    if not len(values) or not np.isfinite(values).all() or values.min() < 0:
        return False
    whole = bool((values == np.floor(values)).all())
    return bool(values.max() <= 1.0) or (whole and bool(values.max() <= 255.0))
