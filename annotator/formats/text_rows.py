"""Numbers out of text: rows of columns, read in blocks with progress and cancel."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from annotator.domain.cloud import Float64
from annotator.formats.source import Reading

BLOCK = 1 << 22
"""Bytes of text parsed between two looks at the cancel token."""

MAX_COLUMNS = 1024

LONGEST_LINE = 1 << 20
"""Bytes; a longer line is no row of points, and would be held in memory several times."""

# Separators and stray control characters (S3DIS has some) all become blanks.
_BLANKS = bytes(
    32 if chr(b) in ',;|"' or (b < 32 and b not in (10, 13)) or b == 127 else b for b in range(256)
)
_DECIMAL_COMMA = _BLANKS[:44] + b"." + _BLANKS[45:]


def separators(sample: bytes) -> bytes:
    """Return the translation table that leaves only blanks between numbers.

    A semicolon beside commas means decimal commas, as European spreadsheets write.
    """
    return _DECIMAL_COMMA if b";" in sample and b"," in sample else _BLANKS


def is_number(token: str) -> bool:
    """Whether a word of a text file is a number."""
    try:
        float(token)
    except ValueError:
        return False
    return "_" not in token


def blocks(file: BinaryIO, reading: Reading, table: bytes = _BLANKS) -> Iterator[list[str]]:
    """Yield the rest of the file as lists of whole lines, separators made blank."""
    while block := file.read(BLOCK):
        last = file.readline(LONGEST_LINE)
        if len(last) == LONGEST_LINE:
            raise reading.damaged(f"has a line of more than {LONGEST_LINE:,} bytes")
        block += last
        reading.step(file.tell() / max(reading.size, 1))
        yield block.translate(table).decode("latin-1").splitlines()


def parse_rows(
    lines: list[str], reading: Reading, columns: tuple[int, ...] | None = None
) -> Float64:
    """Return the numbers of `lines` as [rows, columns] float64, blank lines left out.

    Args:
        lines: Lines with blanks between numbers.
        reading: For messages.
        columns: Columns to take; None takes all and demands the same number in each row.

    Raises:
        AnnotatorError: If a word is no number or the rows differ in length.
    """
    filled = [line for line in lines if line and not line.isspace()]
    if not filled:
        return np.zeros((0, 0))
    if len(filled[0]) > 40 * MAX_COLUMNS and len(filled[0].split(None, MAX_COLUMNS)) > MAX_COLUMNS:
        raise reading.damaged(f"has more than {MAX_COLUMNS} numbers on a line")
    try:
        return np.loadtxt(filled, dtype=np.float64, ndmin=2, usecols=columns)
    except (ValueError, IndexError, OverflowError) as error:
        reason = str(error).split(";")[0]
        raise reading.damaged(f"has a line that is not a row of numbers ({reason})") from error


def read_table(
    file: BinaryIO,
    reading: Reading,
    table: bytes = _BLANKS,
    columns: tuple[int, ...] | None = None,
) -> Float64:
    """Return all numbers of the rest of the file as [rows, columns] float64.

    Raises:
        AnnotatorError: If rows differ in length or hold anything but numbers.
        Cancelled: If the reading was cancelled.
    """
    parts: list[Float64] = []
    for lines in blocks(file, reading, table):
        part = parse_rows(lines, reading, columns)
        if not len(part):
            continue
        parts.append(part)
        if part.shape[1] != parts[0].shape[1]:
            raise reading.damaged("has rows of different lengths")
    return np.concatenate(parts) if parts else np.zeros((0, 0))
