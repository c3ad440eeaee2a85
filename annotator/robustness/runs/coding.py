"""Records as JSON with their arrays inside: one file, the same bytes for the same findings."""

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import rle
from annotator.robustness.records import Record

Plain = dict[str, Any]
_KINDS = "fiub"
_LARGEST = 1 << 31


def canonical(value: object) -> bytes:
    """Return plain values as JSON whose bytes depend on nothing but them.

    Raises:
        ValueError: If a number is not finite: not every reader would understand it.
    """
    text = json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return text.encode() + b"\n"


def digest_of(body: object) -> str:
    """Return the sha256 of plain values."""
    return hashlib.sha256(canonical(body)).hexdigest()


def encoded(record: Record) -> tuple[Plain, Plain]:
    """Return a record without its wall times as plain values, and those times.

    Times are kept apart since no two runs take the same; all else of a record is equal
    for equal runs of deterministic engines.
    """
    bare = record.timeless()
    arrays = {name: pack(array) for name, array in sorted(bare.arrays().items())}
    times = {
        "paths": {name: [s.seconds for s in steps] for name, steps in record.paths.items()},
        "fields": [field.seconds for field in record.fields],
    }
    return {**_without_nan(bare.to_json()), "arrays": arrays}, times


def decoded(values: Mapping[str, Any], times: Mapping[str, Any]) -> Record:
    """Rebuild a record, with its wall times if they are there.

    Raises:
        ValueError, KeyError, TypeError: If the values are not those of a record.
    """
    arrays = {name: unpack(packed) for name, packed in values["arrays"].items()}
    plain = {name: value for name, value in values.items() if name != "arrays"}
    plain["fields"] = [_with_nan(found) for found in plain["fields"]]
    return _timed(Record.from_parts(plain, arrays), times)


def _timed(record: Record, times: Mapping[str, Any]) -> Record:
    paths, fields = times.get("paths", {}), times.get("fields", [])
    if {k: len(v) for k, v in paths.items()} != {k: len(v) for k, v in record.paths.items()}:
        return record
    timed = {
        name: tuple(
            replace(step, seconds=float(s)) for step, s in zip(steps, paths[name], strict=True)
        )
        for name, steps in record.paths.items()
    }
    if len(fields) != len(record.fields):
        return replace(record, paths=timed)
    found = tuple(
        replace(field, seconds=float(s)) for field, s in zip(record.fields, fields, strict=True)
    )
    return replace(record, paths=timed, fields=found)


def pack(array: npt.NDArray[Any]) -> Plain:
    """Return an array as plain values.

    Raises:
        ValueError: If it does not hold numbers.
    """
    if array.dtype.kind not in _KINDS:
        raise ValueError(f"arrays of {array.dtype} are not kept")
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    data = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode()
    return {"dtype": little.dtype.str, "shape": list(array.shape), "data": data}


def unpack(packed: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Return the array that `pack` was given.

    Raises:
        ValueError: If the values are not those of an array.
    """
    dtype = np.dtype(str(packed["dtype"]))
    shape = tuple(int(length) for length in packed["shape"])
    size = dtype.itemsize * math.prod(shape)
    if dtype.kind not in _KINDS or min(shape, default=0) < 0 or size > _LARGEST:
        raise ValueError(f"no array of {dtype}, {shape} is kept")
    unzip = zlib.decompressobj()
    try:
        data = unzip.decompress(base64.b64decode(packed["data"], validate=True), size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(data) != size:
        raise ValueError(f"an array has {len(data)} bytes, not {size}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def pack_mask(inside: npt.NDArray[np.bool_]) -> Plain:
    """Return a mask, [H, W] or [N], as COCO's run lengths."""
    rows = np.atleast_2d(inside)
    return {"shape": list(inside.shape), "counts": rle.to_text(rle.encode(rows))}


def unpack_mask(packed: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return the mask that `pack_mask` was given.

    Raises:
        ValueError: If the values are not those of a mask.
    """
    shape = tuple(int(length) for length in packed["shape"])
    if len(shape) not in (1, 2) or min(shape) < 0 or math.prod(shape) > _LARGEST:
        raise ValueError(f"no mask of {shape} is kept")
    height, width = shape if len(shape) == 2 else (1, shape[0])
    return rle.decode(rle.from_text(packed["counts"]), height, width).reshape(shape)


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - nested plain values
    """Write numbers that JSON has not as null; where a number is read, null is NaN again."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(field: Mapping[str, Any]) -> Plain:
    bounds = ("lower", "upper")
    return {k: math.nan if k in bounds and v is None else v for k, v in field.items()}
