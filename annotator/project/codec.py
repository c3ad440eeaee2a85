"""Strict translation between frozen dataclasses and JSON: what a log stores and trusts.

Reading accepts exactly what writing produces, so that a damaged or foreign payload
is found where it stands instead of surfacing later as a strange document.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from annotator.project.points import PointSet

T = TypeVar("T")
Decoder = Callable[[Any], Any]


class CodecError(ValueError):
    """A payload that does not describe the dataclass it is read as."""


def to_json(value: Any) -> str:  # noqa: ANN401 - any dataclass
    """Return a dataclass as compact JSON text with sorted keys; point sets are left out.

    Raises:
        ValueError: If a number is not finite.
        TypeError: If a field holds something that JSON cannot say.
    """
    return dump(_plain(value))


def dump(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return canonical JSON text: sorted keys, no blanks, ASCII, finite numbers only.

    ASCII, because a file name that is not valid Unicode has no other form in a database.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(cls: type[T], text: str, points: PointSet | None = None) -> T:
    """Build `cls` from JSON text and the point set stored beside it.

    Raises:
        CodecError: If the text is not exactly what `to_json` writes for `cls`.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, RecursionError, TypeError) as error:
        raise CodecError(f"not JSON: {error}") from error
    kind: Any = cls
    built: T = _decoder(kind)(_with_points(kind, value, points))
    return built


def point_set_of(value: Any) -> PointSet | None:  # noqa: ANN401 - any dataclass
    """Return the one point set a dataclass carries, or None."""
    found = [item for item in _values(value) if isinstance(item, PointSet)]
    return found[0] if found else None


def _values(value: Any) -> list[Any]:  # noqa: ANN401
    return [getattr(value, field.name) for field in dataclasses.fields(value)]


def _plain(value: Any) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(value):
        kind: Any = type(value)
        items = zip(_names(kind), _values(value), strict=True)
        return {name: _plain(item) for name, item in items if not isinstance(item, PointSet)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


@cache
def _names(cls: Any) -> tuple[str, ...]:  # noqa: ANN401
    return tuple(field.name for field in dataclasses.fields(cls))


def _with_points(cls: Any, value: Any, points: PointSet | None) -> Any:  # noqa: ANN401
    name = _points_field(cls)
    if name is None and points is not None:
        raise CodecError(f"{cls.__name__} carries no points")
    if name is not None and isinstance(value, dict):
        return value | {name: points}
    return value


@cache
def _points_field(cls: Any) -> str | None:  # noqa: ANN401
    hints = typing.get_type_hints(cls)
    return next((n for n in _names(cls) if PointSet in (hints[n], *get_args(hints[n]))), None)


def _refuse_constant(name: str) -> float:
    raise CodecError(f"{name} is not a number a project may hold")


@cache
def _decoder(hint: Any) -> Decoder:  # noqa: ANN401 - a type hint
    """Return the strict reader of a type hint."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if dataclasses.is_dataclass(hint) and hint is not PointSet:
        return _dataclass_decoder(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin in (Union, types.UnionType):
        return _union_decoder(arguments)
    if origin is Literal:
        return _literal_decoder(arguments)
    if origin is Mapping:
        return _json_object
    raise TypeError(f"no codec for {hint}")


def _dataclass_decoder(cls: Any) -> Decoder:  # noqa: ANN401
    hints = typing.get_type_hints(cls)
    fields = {name: _decoder(hints[name]) for name in _names(cls)}
    # Fields that earlier schema versions did not have may be absent from their events.
    added = {field.name for field in dataclasses.fields(cls) if "since" in field.metadata}

    def decode(value: Any) -> Any:  # noqa: ANN401
        if type(value) is not dict or not fields.keys() - added <= value.keys() <= fields.keys():
            raise CodecError(f"{cls.__name__} needs exactly the fields {', '.join(fields)}")
        try:
            return cls(**{name: fields[name](item) for name, item in value.items()})
        except ValueError as error:  # also what a class finds wrong with its own fields
            raise CodecError(f"{cls.__name__}: {error}") from error

    return decode


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decoder:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _sequence_decoder(_decoder(arguments[0]))
    readers = [_decoder(argument) for argument in arguments]

    def decode(value: Any) -> Any:  # noqa: ANN401
        if type(value) is not list or len(value) != len(readers):
            raise CodecError(f"expected a list of {len(readers)} values")
        return tuple(read(item) for read, item in zip(readers, value, strict=True))

    return decode


def _sequence_decoder(read: Decoder) -> Decoder:
    def decode(value: Any) -> Any:  # noqa: ANN401
        if type(value) is not list:
            raise CodecError("expected a list")
        return tuple(read(item) for item in value)

    return decode


def _union_decoder(arguments: tuple[Any, ...]) -> Decoder:
    readers = [_decoder(argument) for argument in arguments]

    def decode(value: Any) -> Any:  # noqa: ANN401
        errors: list[str] = []
        for read in readers:
            try:
                return read(value)
            except CodecError as error:
                errors.append(str(error))
        raise CodecError(" or ".join(errors))

    return decode


def _literal_decoder(choices: tuple[Any, ...]) -> Decoder:
    def decode(value: Any) -> Any:  # noqa: ANN401
        if value not in choices:
            raise CodecError(f"{value!r} is none of {choices}")
        return value

    return decode


def _exactly(kind: type) -> Decoder:
    def decode(value: Any) -> Any:  # noqa: ANN401
        # isinstance would let True pass for 1.
        if type(value) is not kind:
            raise CodecError(f"{value!r} is not {kind.__name__}")
        return value

    return decode


def _float(value: Any) -> float:  # noqa: ANN401
    if type(value) not in (float, int):
        raise CodecError(f"{value!r} is not a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise CodecError("number out of range") from error
    if not math.isfinite(number):
        raise CodecError(f"{value!r} is not finite")
    return number


def _json_object(value: Any) -> Any:  # noqa: ANN401
    # Whatever json.loads made with string keys is a JSON object by construction.
    if type(value) is not dict:
        raise CodecError(f"{value!r} is not an object")
    return value


_SCALARS: dict[Any, Decoder] = {
    int: _exactly(int),
    str: _exactly(str),
    bool: _exactly(bool),
    type(None): _exactly(type(None)),
    PointSet: _exactly(PointSet),
    float: _float,
}
