"""The header of PLY files: elements, their properties and their numpy types."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from annotator.formats.source import Reading

_HEADER_LIMIT = 1 << 20
_MAX_PROPERTIES = 4096

SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "int64": "i8", "uint64": "u8", "long": "i8", "ulong": "u8",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class PlyProperty:
    """One property of an element.

    Attributes:
        name: As in the file.
        kind: numpy type of the value or of a list's items, with byte order.
        count_kind: numpy type of a list's length; None for a plain value.
    """

    name: str
    kind: str
    count_kind: str | None = None


@dataclass(frozen=True)
class PlyElement:
    """One element: `count` rows of the same properties."""

    name: str
    count: int
    properties: tuple[PlyProperty, ...]

    @property
    def has_lists(self) -> bool:
        """Whether a property is a list, so that rows may differ in length."""
        return any(p.count_kind is not None for p in self.properties)

    @property
    def smallest_row(self) -> int:
        """Bytes of a binary row whose lists are empty."""
        return sum(np.dtype(p.count_kind or p.kind).itemsize for p in self.properties)

    @property
    def record(self) -> "np.dtype[np.void]":
        """A row without lists as a structured type; field i is named by its number."""
        return np.dtype([(str(i), p.kind) for i, p in enumerate(self.properties)])


@dataclass(frozen=True)
class PlyHeader:
    """Byte order ("" for ascii, "<" or ">") and elements in the order of the file."""

    order: str
    elements: tuple[PlyElement, ...]


def read_ply_header(file: BinaryIO, reading: Reading) -> PlyHeader:
    """Read up to and including end_header.

    Raises:
        AnnotatorError: If it is no PLY header or it contradicts itself.
    """
    lines = _header_lines(file, reading)
    try:
        return _parse(lines)
    except (KeyError, ValueError, IndexError) as error:
        raise reading.damaged(f"has a PLY header that does not make sense: {error}") from error


def _header_lines(file: BinaryIO, reading: Reading) -> list[list[str]]:
    """Return the words of each header line; lines may end in LF, CR LF or CR."""
    head = file.read(_HEADER_LIMIT)
    if not head.startswith(b"ply"):
        raise reading.damaged("is not a PLY file (it does not begin with 'ply')")
    at = _end_of_header(head)
    if at is None:
        raise reading.damaged("has no complete PLY header (no line end_header)")
    file.seek(at)
    return [line.split() for line in head[:at].decode("latin-1").splitlines()[1:]]


def _end_of_header(head: bytes) -> int | None:
    """Return where the data begins, or None if the header does not end."""
    for newline in (b"\r\n", b"\n", b"\r"):
        at = head.find(newline + b"end_header" + newline)
        if at >= 0:
            return at + len(newline) * 2 + len(b"end_header")
    return None


def _parse(lines: list[list[str]]) -> PlyHeader:
    order: str | None = None
    elements: list[tuple[str, int, list[PlyProperty]]] = []
    for words in lines:
        if not words or words[0] in ("comment", "obj_info", "end_header"):
            continue
        if words[0] == "format":
            order = _ORDERS[words[1]]
        elif words[0] == "element":
            elements.append((words[1], _count(words[2]), []))
        elif words[0] == "property" and order is not None:
            elements[-1][2].append(_property(words[1:], order))
        else:
            raise ValueError(f"line {' '.join(words)[:60]!r}")
        if elements and len(elements[-1][2]) > _MAX_PROPERTIES:
            raise ValueError(f"an element has more than {_MAX_PROPERTIES} properties")
    if order is None:
        raise ValueError("no format line")
    return PlyHeader(order, tuple(PlyElement(n, c, tuple(p)) for n, c, p in elements))


def _count(word: str) -> int:
    count = int(word)
    if count < 0:
        raise ValueError(f"an element has {count} rows")
    return count


def _property(words: list[str], order: str) -> PlyProperty:
    if words[0] != "list":
        return PlyProperty(words[1], order + SCALARS[words[0]])
    count_kind = SCALARS[words[1]]
    if count_kind[0] == "f":
        raise ValueError("a list's length is no integer")
    return PlyProperty(words[3], order + SCALARS[words[2]], order + count_kind)
