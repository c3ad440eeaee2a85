"""Reads NPY and NPZ: plain arrays only, nothing pickled is ever loaded."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from annotator.formats.columns import (
    LABELS,
    Column,
    RawCloud,
    finish,
    plain_name,
    raw_from_table,
)
from annotator.formats.source import FileCloud, Reading
from annotator.formats.text_reader import guess_extra

Array = npt.NDArray[Any]

_POINTS = ("xyz", "points", "coords", "coord", "coordinates", "positions", "pos", "vertices",
           "pc", "pointcloud", "cloud", "data", "arr0")  # fmt: skip
_COLOURS = ("rgb", "colors", "colours", "color", "colour", "rgbs", "feats")
_FACES = ("faces", "triangles")
_CHUNK = 1 << 24
_HEADER_LIMIT = 1 << 16
_MAX_DEFLATE = 1100
"""Deflate grows by at most 1032: a member that claims more is damaged."""


def read_npy(reading: Reading) -> FileCloud:
    """Read an array [N, 3...] or a structured array of points.

    Raises:
        AnnotatorError: If it is damaged, pickled or no list of points.
        Cancelled: If the reading was cancelled.
    """
    with reading.path.open("rb") as file:
        array = load_array(file, reading.size, reading)
    return finish(_from_array(array, reading), reading)


def read_npz(reading: Reading) -> FileCloud:
    """Read the arrays of an archive by their names, such as xyz, rgb and instance.

    Raises:
        AnnotatorError: If it is damaged or has no array of points.
        Cancelled: If the reading was cancelled.
    """
    try:
        with zipfile.ZipFile(reading.path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            arrays = _load_known(archive, members, reading)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise reading.damaged("is no intact NumPy archive") from error
    return finish(_from_arrays(arrays, [m.filename for m in members], reading), reading)


def _load_known(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], reading: Reading
) -> dict[str, Array]:
    """Load the members with a known name, or the only one."""
    arrays: dict[str, Array] = {}
    for done, member in enumerate(members):
        reading.step(done / len(members))
        name = member.filename[: -len(".npy")]
        if plain_name(name) in _KNOWN or len(members) == 1:
            arrays[name] = _load_member(archive, member, reading)
    return arrays


def _load_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, reading: Reading) -> Array:
    if member.file_size > max(member.compress_size, 64) * _MAX_DEFLATE:
        raise reading.damaged(f"has an array {member.filename} that unpacks to too much")
    with archive.open(member) as file:
        return load_array(file, member.file_size, reading)  # type: ignore[arg-type]


def load_array(file: BinaryIO, size: int, reading: Reading) -> Array:
    """Load one array after its header was checked against the `size` bytes of the file.

    Raises:
        AnnotatorError: If it holds Python objects, or less data than it promises.
    """
    shape, fortran, kind = _read_header(file, size, reading)
    if kind.hasobject:
        raise reading.damaged(
            "holds Python objects, which could run code and are never loaded",
            "Save it as a plain array of numbers.",
        )
    count = 1
    for length in shape:
        count *= length
    if count < 0 or len(shape) > 4:
        raise reading.damaged(f"has an array of shape {shape}")
    reading.require(count * kind.itemsize, size, f"an array of shape {shape}")
    data = _read_exactly(file, count * kind.itemsize, reading)
    return np.frombuffer(data, kind, count).reshape(shape, order="F" if fortran else "C")


def _read_header(
    file: BinaryIO, size: int, reading: Reading
) -> tuple[tuple[int, ...], bool, "np.dtype[Any]"]:
    """Return shape, Fortran order and type; the header's own length is checked first."""
    head = file.read(12)
    if not head.startswith(b"\x93NUMPY") or len(head) < 12:
        raise reading.damaged("is not a NPY array (it does not begin with \\x93NUMPY)")
    version_1 = head[6] == 1
    length = int.from_bytes(head[8:10] if version_1 else head[8:12], "little")
    reading.require(length, min(size, _HEADER_LIMIT), "an array header")
    rest = file.read(max(length - 2, 0) if version_1 else length)
    stream = io.BytesIO(head + rest)
    try:
        np.lib.format.read_magic(stream)
        if version_1:
            return np.lib.format.read_array_header_1_0(stream)
        return np.lib.format.read_array_header_2_0(stream)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError) as error:
        # numpy parses the header as a Python literal, which fails in as many ways.
        raise reading.damaged("has an array header that does not make sense") from error


def _read_exactly(file: BinaryIO, needed: int, reading: Reading) -> bytearray:
    """Read in pieces, so that memory grows with the data that is really there."""
    data = bytearray()
    while len(data) < needed:
        piece = file.read(min(_CHUNK, needed - len(data)))
        if not piece:
            raise reading.damaged("ends within an array")
        data += piece
        reading.step(len(data) / needed)
    return data


_KNOWN = {*_POINTS, *_COLOURS, *_FACES, *LABELS}


def _from_arrays(arrays: Mapping[str, Array], members: list[str], reading: Reading) -> RawCloud:
    by_plain = {plain_name(name): array for name, array in reversed(list(arrays.items()))}
    by_plain.update({name.lower(): array for name, array in arrays.items()})
    points = next((by_plain[n] for n in _POINTS if n in by_plain and _is_list(by_plain[n])), None)
    if points is None and len(arrays) == 1:
        points = next(iter(arrays.values()))
    if points is None:
        listed = ", ".join(members[:12]) or "none"
        raise reading.damaged(
            f"has no array of points named xyz, points or coords (its arrays: {listed})",
            "Save the coordinates as an array [N, 3] named xyz.",
        )
    raw = _from_array(points, reading)
    return RawCloud(
        raw.xyz,
        _fitting(by_plain, _COLOURS, (len(raw.xyz), 3), raw.rgb),
        _fitting(by_plain, LABELS, (len(raw.xyz),), raw.labels),
        raw.intensity,
        next((by_plain[n] for n in _FACES if n in by_plain and _is_faces(by_plain[n])), None),
    )


def _is_list(array: Array) -> bool:
    return array.dtype.names is not None or (array.ndim == 2 and array.shape[1] >= 3)


def _is_faces(array: Array) -> bool:
    return array.ndim == 2 and array.shape[1] == 3 and array.dtype.kind in "iu"


def _fitting(
    arrays: Mapping[str, Array],
    names: tuple[str, ...],
    shape: tuple[int, ...],
    otherwise: Column | None,
) -> Column | None:
    """Return the first array of those names with numbers in this shape (more columns are cut)."""
    for name in names:
        array = arrays.get(name)
        if array is None or array.dtype.kind not in "fiub":
            continue
        if array.ndim == 2 and array.shape[1] == 1 and len(shape) == 1:
            array = array[:, 0]
        if array.ndim == len(shape) and len(array) == shape[0]:
            cut = array[:, : shape[1]] if len(shape) == 2 else array
            if cut.shape == shape:
                return cut
    return otherwise


def _from_array(array: Array, reading: Reading) -> RawCloud:
    """Interpret one array: structured by field names, plain by column order."""
    if array.dtype.names is not None and array.ndim == 1:
        fields = {
            name: array[name]
            for name in array.dtype.names
            if array[name].ndim == 1 and array[name].dtype.kind in "fiub"
        }
        return raw_from_table(fields, reading)
    if array.ndim != 2 or array.shape[1] < 3 or array.dtype.kind not in "fiu":
        raise reading.damaged(
            f"holds an array of shape {array.shape} and type {array.dtype}, not points [N, 3]",
            "Save the coordinates as numbers [N, 3].",
        )
    if array.shape[1] == 3 or not len(array):
        return RawCloud(array[:, :3])
    names = ("x", "y", "z", *guess_extra(np.asarray(array[:, 3:], np.float64), is_pts=False))
    return raw_from_table({name: array[:, i] for i, name in enumerate(names)}, reading)
