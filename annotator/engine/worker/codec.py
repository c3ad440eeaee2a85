"""The words of `annotator.domain` as JSON with arrays aside, and back; nothing else passes.

A value becomes JSON as it is; what JSON lacks becomes an object with one `$` key: an array
its number, a tuple its items, a class of `annotator.domain` its name and fields. Decoding
can make nothing but such plain data: no name in a message reaches other code.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator import domain
from annotator.engine.worker.frames import ProtocolError

Array = npt.NDArray[np.generic]

_CLASSES: dict[str, Any] = {
    name: getattr(domain, name)
    for name in domain.__all__
    if isinstance(getattr(domain, name), type) and dataclasses.is_dataclass(getattr(domain, name))
}
_FIELDS = {
    name: tuple(f.name for f in dataclasses.fields(cls) if f.init) for name, cls in _CLASSES.items()
}
_PLAIN = (bool, int, float, str, type(None))
_PLAIN_SET = frozenset(_PLAIN)
_MANY = 4


def _name_of(kind: "type[Any]") -> str:
    """Return the domain's class that a class is or derives from; empty for none.

    What a subclass adds, such as the file a cloud was read from, stays here.
    """
    if kind not in _NAMES:
        _NAMES[kind] = next((c.__name__ for c in kind.__mro__ if c in _CLASSES.values()), "")
    return _NAMES[kind]


_NAMES: "dict[type[Any], str]" = {}


class Encoder:
    """Turns values into JSON, and gathers their arrays."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def encode(self, value: Any) -> Any:  # noqa: ANN401 - any plain value
        """Return the JSON of a value.

        Raises:
            TypeError: If it is of a kind that does not pass between processes.
        """
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is tuple:
            return self._tuple(value)
        name = _name_of(kind)
        if name:
            return self._object(value, name)
        if isinstance(value, np.ndarray):
            return self._array(value)
        return self._other(value)

    def _tuple(self, value: "tuple[Any, ...]") -> Any:  # noqa: ANN401
        kinds = {type(item) for item in value}
        if len(kinds) == 1 and len(value) >= _MANY:
            (kind,) = kinds
            if _CLASSES.get(kind.__name__) is kind:
                return self._table(value, kind.__name__)
        return {"$tuple": [self.encode(item) for item in value]}

    def _table(self, value: "tuple[Any, ...]", name: str) -> Any:  # noqa: ANN401
        """Return like objects field by field: hundreds of clicks pass at every click."""
        columns: dict[str, Any] = {}
        for field in _FIELDS[name]:
            items = [getattr(item, field) for item in value]
            if {type(item) for item in items} <= _PLAIN_SET:
                columns[field] = {"$plain": items}
            elif all(type(item) is tuple and set(map(type, item)) <= _PLAIN_SET for item in items):
                columns[field] = {"$tuples": items}
            else:
                columns[field] = [self.encode(item) for item in items]
        return {"$table": name, "columns": columns, "length": len(value)}

    def _object(self, value: Any, name: str) -> Any:  # noqa: ANN401
        fields = {field: self.encode(getattr(value, field)) for field in _FIELDS[name]}
        return {"$object": name, "fields": fields}

    def _array(self, value: Array) -> Any:  # noqa: ANN401
        if value.dtype.kind not in "biufc":
            raise TypeError(f"an array of {value.dtype} does not pass between processes")
        self.arrays.append(value)
        return {"$array": len(self.arrays) - 1}

    def _other(self, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, enum.Enum):
            return self.encode(value.value)
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Mapping):
            return {"$map": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return [self.encode(item) for item in value]
        raise TypeError(f"{type(value).__name__} does not pass between processes")


def decode(value: Any, arrays: Sequence[Array]) -> Any:  # noqa: ANN401 - any plain value
    """Return what `Encoder.encode` was given.

    Raises:
        ProtocolError: If it is nothing that an encoder makes.
    """
    if isinstance(value, list):
        return [decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    try:
        key = next(key for key in value if key.startswith("$"))
        return _DECODERS[key](value, arrays)
    except (StopIteration, KeyError, IndexError, TypeError, ValueError) as error:
        raise ProtocolError(f"a value cannot be read: {type(error).__name__}: {error}") from error


def _decode_object(value: Mapping[str, Any], arrays: Sequence[Array]) -> Any:  # noqa: ANN401
    name = value["$object"]
    # A worker of an older release knows fewer fields, one of a newer release more.
    fields = {k: decode(v, arrays) for k, v in value["fields"].items() if k in _FIELDS[name]}
    return _CLASSES[name](**fields)


def _decode_table(value: Mapping[str, Any], arrays: Sequence[Array]) -> Any:  # noqa: ANN401
    name = value["$table"]
    columns = {k: decode(v, arrays) for k, v in value["columns"].items() if k in _FIELDS[name]}
    if {len(column) for column in columns.values()} != {value["length"]}:
        raise ValueError("a table has columns of different lengths")
    make, names = _CLASSES[name], list(columns)
    return tuple(make(**dict(zip(names, row))) for row in zip(*columns.values()))  # noqa: B905


def _decode_plain(value: Mapping[str, Any], arrays: Sequence[Array]) -> "list[Any]":
    items: list[Any] = value["$plain"]
    if not set(map(type, items)) <= _PLAIN_SET:
        raise ValueError("a plain list holds something else")
    return items


def _decode_tuples(value: Mapping[str, Any], arrays: Sequence[Array]) -> "list[Any]":
    return [tuple(_decode_plain({"$plain": item}, arrays)) for item in value["$tuples"]]


def _decode_array(value: Mapping[str, Any], arrays: Sequence[Array]) -> Any:  # noqa: ANN401
    number = int(value["$array"])
    if number < 0:
        raise IndexError(number)
    return arrays[number]


_DECODERS: dict[str, Callable[[Mapping[str, Any], Sequence[Array]], Any]] = {
    "$tuple": lambda value, arrays: tuple(decode(item, arrays) for item in value["$tuple"]),
    "$map": lambda value, arrays: {decode(k, arrays): decode(v, arrays) for k, v in value["$map"]},
    "$object": _decode_object,
    "$table": _decode_table,
    "$plain": _decode_plain,
    "$tuples": _decode_tuples,
    "$array": _decode_array,
}
