"""The public surface that plugins are written against, as plain data that a test can freeze.

    python -m annotator.testing.surface > tests/data/public_surface.json

Additions are free; whatever a line of the file loses or changes breaks plugins and needs a
new `API_VERSION`, with the old one in `DEPRECATED_APIS`.
"""

import dataclasses
import enum
import inspect
import json
import re
import sys
from types import ModuleType
from typing import Any

Surface = dict[str, dict[str, Any]]


def public_surface() -> Surface:
    """Return names and signatures of `annotator.engine.api` and `annotator.domain`."""
    from annotator import domain
    from annotator.engine import api

    names = {api: _own_names(api), domain: sorted(domain.__all__)}
    return {
        module.__name__: {name: _tidy(_describe(getattr(module, name))) for name in found}
        for module, found in names.items()
    }


def _tidy(value: Any) -> Any:  # noqa: ANN401 - nested plain data
    """Leave out what differs from run to run and from one release of numpy to the next."""
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    text = re.sub(r"numpy\.ndarray\[.+?, numpy\.dtype\[\+?([\w.]+)\]\]", r"NDArray[\1]", value)
    text = re.sub(r"<(?:function|class) '?([\w.]+)'?(?: at 0x\w+)?>", r"\1", text)
    return text.replace("numpy.", "").replace("typing.", "")


def _own_names(module: ModuleType) -> list[str]:
    public = (name for name in vars(module) if not name.startswith("_"))
    values = ((name, getattr(module, name)) for name in public)
    return sorted(
        name
        for name, value in values
        if not isinstance(value, ModuleType)
        and getattr(value, "__module__", module.__name__) == module.__name__
        and type(value).__name__ != "TypeVar"
    )


def _describe(value: Any) -> Any:  # noqa: ANN401 - anything public
    if inspect.isclass(value):
        return _describe_class(value)
    if callable(value) and not _is_alias(value):
        return str(inspect.signature(value))
    return str(value) if _is_alias(value) or isinstance(value, int | float | str) else "value"


def _is_alias(value: object) -> bool:
    return hasattr(value, "__origin__") or hasattr(value, "__args__")


def _describe_class(cls: type) -> Any:  # noqa: ANN401 - plain data
    if issubclass(cls, enum.Enum):
        return {member.name: member.value for member in cls}
    members: dict[str, Any] = {
        name: _member(value)
        for name, value in sorted(vars(cls).items())
        if not name.startswith("_") and name not in _field_names(cls)
    }
    if dataclasses.is_dataclass(cls):
        members["(fields)"] = {
            f.name: f"{_words(f.type)}{'' if _is_required(f) else ' = …'}"
            for f in dataclasses.fields(cls)
        }
    elif "__init__" in vars(cls):
        members["(new)"] = str(inspect.signature(vars(cls)["__init__"]))
    return members


def _field_names(cls: type) -> set[str]:
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    return {field.name for field in fields}


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _words(annotation: Any) -> str:  # noqa: ANN401 - a type or its name
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation)


def _member(value: Any) -> str:  # noqa: ANN401 - anything in a class
    if isinstance(value, classmethod | staticmethod):
        return f"{type(value).__name__}{inspect.signature(value.__func__)}"
    if inspect.isfunction(value):
        return str(inspect.signature(value))
    return "property"


def differences(frozen: Surface, now: Surface) -> tuple[list[str], list[str]]:
    """Compare two surfaces.

    Returns:
        What plugins lose or find changed, and what is merely new, in words.
    """
    old, new = _flat(frozen), _flat(now)
    broken = [f"{name} is gone" for name in old if name not in new]
    broken += [
        f"{name} was {old[name]}, is {new[name]}"
        for name in old
        if name in new and new[name] != old[name]
    ]
    return broken, [f"{name} is new" for name in new if name not in old]


def _flat(value: Any, name: str = "") -> dict[str, str]:  # noqa: ANN401 - nested plain data
    if not isinstance(value, dict):
        return {name: str(value)}
    flat: dict[str, str] = {name: "{}"} if name else {}
    for key, item in value.items():
        flat |= _flat(item, f"{name}.{key}" if name else key)
    return flat


if __name__ == "__main__":
    sys.stdout.write(json.dumps(public_surface(), indent=1, sort_keys=True, ensure_ascii=False))
    sys.stdout.write("\n")
