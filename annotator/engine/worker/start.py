"""First file of a worker's interpreter: makes the application's sources importable, then serves.

Run by path, not by name, so that the interpreter needs nothing installed but numpy:

    python -X faulthandler start.py annotator=/path/of/annotator
"""

from __future__ import annotations
import __future__

import dataclasses
import enum
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import typing
from collections.abc import Mapping, Sequence
from types import CodeType, ModuleType
from typing import Any

PLUGIN_PREFIX = "_annotator_plugin_"
"""How `annotator.engine.loader` names the packages of plugins."""


class _HouseLoader(importlib.machinery.SourceFileLoader):
    """Compiles with lazy annotations, which Python 3.9 needs to read `int | None`."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]  # noqa: ANN401
        flags = __future__.annotations.compiler_flag
        code: CodeType = compile(data, path, "exec", flags, True, _optimize)
        return code

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:  # noqa: ANN401
        """Write no bytecode beside the application's files: other interpreters share them."""


class HouseFinder(importlib.abc.MetaPathFinder):
    """Finds a few packages by their folders and nothing beside them.

    Putting the application's folder on the path would offer its numpy as well.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where a module of one of the packages lies."""
        top, *rest = fullname.split(".")
        if top in self._folders:
            return _spec(fullname, os.path.join(self._folders[top], *rest))  # noqa: PTH118
        if top.startswith(PLUGIN_PREFIX) and path:
            return _spec(fullname, os.path.join(list(path)[0], rest[-1]))  # noqa: PTH118, RUF015
        return None


def _spec(name: str, place: str) -> importlib.machinery.ModuleSpec | None:
    """Return the spec of a package or module at a path without suffix; None if there is none."""
    package = os.path.join(place, "__init__.py")  # noqa: PTH118 - nothing is imported yet
    file = f"{place}.py"
    if os.path.isfile(package):  # noqa: PTH113
        loader, search = _HouseLoader(name, package), [place]
    elif os.path.isfile(file):  # noqa: PTH113
        loader, search = _HouseLoader(name, file), None
    else:
        return None
    return importlib.util.spec_from_file_location(
        name, loader.path, loader=loader, submodule_search_locations=search
    )


def teach_old_python() -> None:
    """Add what `annotator.domain` and the plugin API use and Python 3.9 and 3.10 lack."""
    if sys.version_info >= (3, 11):  # noqa: UP036 - other interpreters run this
        return

    class StrEnum(str, enum.Enum):  # noqa: UP042 - this is the stand-in for it
        def __str__(self) -> str:
            return str(self.value)

    enum.StrEnum = StrEnum  # type: ignore[misc]
    if sys.version_info < (3, 10):  # noqa: UP036
        _teach_3_9()


def _teach_3_9() -> None:
    dataclass = dataclasses.dataclass

    @functools.wraps(dataclass)
    def without_slots(cls: Any = None, *, slots: bool = False, **options: Any) -> Any:  # noqa: ANN401
        return dataclass(cls, **options)

    dataclasses.dataclass = without_slots
    typing.ParamSpec = typing.TypeVar  # type: ignore[misc, assignment]


def main(arguments: Sequence[str]) -> None:
    """Serve the plugin that the first message names, until the application hangs up."""
    sys.path.pop(0)  # this file's folder, whose names are no top-level modules
    folders = dict(argument.split("=", 1) for argument in arguments)
    teach_old_python()
    sys.meta_path.insert(0, HouseFinder({"annotator": folders.pop("annotator")}))
    # A research environment often has a `models` of its own, which comes first.
    sys.meta_path.append(HouseFinder(folders))

    from annotator.engine.worker.local import serve_pipes

    serve_pipes()


if __name__ == "__main__":
    main(sys.argv[1:])
