"""Imports a plugin's code from its folder, under a private name, at its first activation."""

import hashlib
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from annotator.domain import AnnotatorError
from annotator.engine.api import Engine, PluginContext

if TYPE_CHECKING:  # workers import plugins where the manifest's packages are not installed
    from annotator.engine.manifest import Manifest

Factory = Callable[[PluginContext], "Engine[object, object]"]


def load_factory(manifest: "Manifest", folder: Path) -> Factory:
    """Import the manifest's target and return its factory.

    The folder becomes a package with a private name, so that two plugins may both
    have an `adapter.py` and each may import its own neighbours (`from . import x`).

    Raises:
        AnnotatorError: If the target is not a function of that module.
        Exception: Whatever the plugin's code raises on import.
    """
    module_name, _, attribute = manifest.target.partition(":")
    package = _package(manifest.id, folder)
    importlib.invalidate_caches()  # the folder may have been written a moment ago
    try:
        module = importlib.import_module(f"{package}.{module_name}")
    except BaseException:
        _forget(package)
        raise
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise AnnotatorError(
            f"Plugin {manifest.id!r}: {module_name} has no function {attribute!r}.",
            f"Correct `target` in {folder / 'plugin.toml'}.",
        )
    found: Factory = factory
    return found


def _package(plugin_id: str, folder: Path) -> str:
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    name = f"_annotator_plugin_{plugin_id.replace('-', '_')}_{place}"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder.resolve())]
        sys.modules[name] = package
    return name


def _forget(package: str) -> None:
    """Drop half-imported modules, so that a corrected plugin can be tried again."""
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        del sys.modules[name]
