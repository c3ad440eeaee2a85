"""A worker on this machine: standard input and output carry messages, arrays are shared."""

import logging
import os
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError
from annotator.engine.api import Engine, PluginContext
from annotator.engine.devices import choose_device
from annotator.engine.loader import load_factory
from annotator.engine.requirements import unmet
from annotator.engine.worker.frames import HungUp, Message, Stream
from annotator.engine.worker.segments import Shared
from annotator.engine.worker.server import Server


@dataclass(frozen=True)
class _Declared:
    """What loading needs of a manifest, which this side does not read."""

    id: str
    target: str


class _Forwarded(logging.Handler):
    """Hands a plugin's log records over to the application's log."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; without anybody there it is lost."""
        try:
            self._stream.send({"log": record.levelno, "message": self.format(record)})
        except HungUp:
            self.close()


def serve_pipes() -> None:
    """Serve over the pipes that this process was started with; ends with them.

    What the plugin prints goes to the log instead of between the messages.
    """
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    stream = Stream(reader, writer)
    hello, _ = stream.receive()
    folder = Path(hello["folder"])
    stream.sharing = Shared(folder, "w")

    ending = threading.Lock()

    def end() -> None:
        with ending:  # both threads may come here, and neither may cut the other short
            sys.stdout.flush()
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)  # the engine may be deep in a computation that heeds nobody

    Server(stream, lambda given: open_plugin(given, stream)).run(end)
    end()


def open_plugin(given: Mapping[str, Any], stream: Stream) -> "tuple[Any, Message]":
    """Import a plugin and make its engine.

    Raises:
        AnnotatorError: If a package is missing or the plugin refuses in words.
        Exception: Whatever the plugin's code raises.
    """
    declared = _Declared(given["id"], given["target"])
    _require_packages(given["id"], given["requires"])
    logger = _logger(given["id"], stream)
    factory = load_factory(declared, Path(given["plugin_folder"]))  # type: ignore[arg-type]
    choice = choose_device(given["device"], given["devices"])
    weights = {name: Path(path) for name, path in given["weights"].items()}
    context = PluginContext(
        choice.device, given["dtype"], given["variant"], given["parameters"], weights, logger
    )
    engine = factory(context)
    if not isinstance(engine, Engine):
        raise TypeError(f"{declared.target} returned no engine (encode, predict, close)")
    return engine, {"device": choice.device, "note": choice.note}


def _require_packages(plugin_id: str, requires: "list[str]") -> None:
    problems = unmet(requires)
    if problems:
        raise AnnotatorError(
            f"Plugin {plugin_id!r} requires {', '.join(problems)}.",
            f"Install what is missing into the Python environment of {sys.executable}.",
        )


def _logger(plugin_id: str, stream: Stream) -> logging.Logger:
    logger = logging.getLogger(f"annotator.plugins.{plugin_id}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_Forwarded(stream))
    return logger
