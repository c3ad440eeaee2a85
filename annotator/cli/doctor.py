"""`annotator doctor`: one page about the environment that a maintainer can act on."""

import os
import platform
from collections.abc import Iterator
from importlib import metadata

from annotator import __version__
from annotator.cli.console import print_table

PACKAGES = ("torch", "numpy", "scipy", "PySide6-Essentials", "PyOpenGL", "laspy", "safetensors")


def doctor() -> None:
    """Report versions, devices, display, plugins, weights and folders."""
    print_table(("what", "state"), list(_environment()), title="Environment")
    print_table(("what", "state"), list(_devices()), title="Devices")
    print_table(("plugin", "state", "note"), list(_plugins()), title="Plugins")
    print_table(("weights", "state", "note"), list(_weights()), title="Weights")


def _environment() -> Iterator[tuple[str, str]]:
    from annotator.engine.paths import user_cache, user_data

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
    yield "user data", str(user_data(""))
    yield "cache", str(user_cache(""))


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

    for plugin_id, entry in PluginRegistry.discover().entries.items():
        last = entry.error.strip().splitlines()[-1] if entry.error else str(entry.folder)
        yield plugin_id, entry.state, last


def _weights() -> Iterator[tuple[str, str, str]]:
    from annotator.engine.registry import PluginRegistry
    from annotator.engine.weights import verify_weights

    for verdict in verify_weights(PluginRegistry.discover()):
        yield verdict.record.spec.name, verdict.record.state, verdict.message
