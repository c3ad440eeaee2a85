"""`annotator doctor`: one page about the environment that a maintainer can act on."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from annotator import __version__
from annotator.cli.console import out, print_table
from annotator.domain import AnnotatorError
from annotator.engine.requirements import unmet

if TYPE_CHECKING:
    from annotator.engine.placement import PluginSettings

PACKAGES = ("torch", "numpy", "scipy", "PySide6-Essentials", "PyOpenGL", "laspy", "safetensors")


def doctor() -> None:
    """Report versions, devices, display, plugins, weights and folders."""
    print_table(("what", "state"), list(_environment()), title="Environment")
    print_table(("what", "state"), list(_devices()), title="Devices")
    print_table(("plugin", "state", "note"), list(_plugins()), title="Plugins")
    print_table(("weights", "state", "note"), list(_weights()), title="Weights")
    print_table(("folder", "state"), list(_folders()), title="Folders")
    problems = list(_problems())
    for problem in problems:
        out.print(f"[yellow]Problem:[/] {escape(problem)}")
    if not problems:
        out.print("No problems found.")


def _environment() -> Iterator[tuple[str, str]]:
    yield "annotator", __version__
    yield "Python", f"{platform.python_version()} on {platform.platform()}"
    for package in PACKAGES:
        try:
            yield package, metadata.version(package)
        except metadata.PackageNotFoundError:
            yield package, "missing"
    yield "processors", str(os.cpu_count())
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    shown = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
    yield "display", ", ".join(shown) or "none"
    yield "OpenGL", _graphics()


def _devices() -> Iterator[tuple[str, str]]:
    from annotator.engine import threads

    threads.sleep_when_waiting()
    import torch

    yield "chosen by auto", _auto_device()
    threads.apply()
    yield "threads", f"{torch.get_num_threads()} of {threads.usable_cores()} usable processors"
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield f"cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"


def _auto_device() -> str:
    from annotator.engine.devices import choose_device

    choice = choose_device("auto")
    return f"{choice.device} {choice.note}".strip()


def _plugins() -> Iterator[tuple[str, str, str]]:
    from annotator.engine.registry import PluginRegistry

    settings = _settings()
    for plugin_id, entry in PluginRegistry.discover().entries.items():
        last = entry.error.strip().splitlines()[-1] if entry.error else str(entry.folder)
        state = entry.state if entry.trusted else "untrusted"
        own = settings.get(plugin_id)
        where = own.remote or own.python or own.isolation if own else ""
        needs = ", ".join(unmet(entry.manifest.requires))
        notes = [f"runs in {where}" if where else "", f"requires {needs}" if needs else "", last]
        yield plugin_id, state, "; ".join(note for note in notes if note)


def _settings() -> "dict[str, PluginSettings]":
    from annotator.engine.placement import read_settings

    try:
        return read_settings()
    except AnnotatorError:
        return {}  # told among the problems


def _folders() -> Iterator[tuple[str, str]]:
    from annotator.engine.paths import user_cache, user_config, user_data

    for path in (user_data(""), user_data("weights"), user_cache(""), user_config("")):
        yield str(path), _state_of(path)
    yield f"{_memory_folder()} (shared memory)", _state_of(_memory_folder())


def _memory_folder() -> Path:
    from annotator.engine.process.local import MEMORY_FOLDER

    return MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else Path(tempfile.gettempdir())


def _state_of(path: Path) -> str:
    if not path.is_dir():
        return "not made yet"
    usage = shutil.disk_usage(path)
    writable = "" if os.access(path, os.W_OK) else ", NOT WRITABLE"
    return f"{usage.free / 2**30:,.1f} GiB free{writable}"


def _problems() -> Iterator[str]:
    """Give what a maintainer would ask first, each with what to do."""
    from annotator.engine.paths import user_cache, user_data
    from annotator.engine.placement import read_settings
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import verify_weights

    try:
        read_settings()
    except AnnotatorError as error:
        yield str(error)
    registry = PluginRegistry.discover()
    for plugin_id, entry in registry.entries.items():
        if entry.state == "failed":
            yield f"Plugin {plugin_id!r} failed. `annotator plugins info {plugin_id}` tells why."
    for verdict in verify_weights(registry):
        if not verdict.good and verdict.record.path is not None:
            yield f"Weights {verdict.record.spec.name}: {verdict.message}. Pull or import them."
    for path in (user_data(""), user_cache("")):
        if path.is_dir() and not os.access(path, os.W_OK):
            yield f"{path} is not writable. Change its owner or set ANNOTATOR_HOME."
    yield from _qt_problems()


def _qt_problems() -> Iterator[str]:
    """OpenCV with a Qt of its own breaks the window: the commonest faulty installation."""
    spec = find_spec("cv2")
    places = list(spec.submodule_search_locations or []) if spec else []
    if any((Path(place) / "qt").is_dir() for place in places):
        yield "opencv-python is installed; use opencv-python-headless: its Qt breaks the window."
    if platform.system() == "Linux" and not (
        os.environ.get("DISPLAY")
        or os.environ.get("WAYLAND_DISPLAY")
        or os.environ.get("QT_QPA_PLATFORM")
    ):
        yield "There is no display: the window cannot open; headless commands work."


def _graphics() -> str:
    """Return the OpenGL renderer as a window of its own process finds it."""
    code = "from PySide6.QtWidgets import QApplication; app = QApplication([]); "
    code += "from annotator.ui.view.choose import opengl_driver; "
    code += "print(opengl_driver() or 'none; drawing in software')"
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except subprocess.TimeoutExpired:
        return "no answer"
    return (done.stdout.strip().splitlines() or ["cannot be asked"])[-1]


def _weights() -> Iterator[tuple[str, str, str]]:
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import verify_weights

    for verdict in verify_weights(PluginRegistry.discover()):
        yield verdict.record.spec.name, verdict.record.state, verdict.message
