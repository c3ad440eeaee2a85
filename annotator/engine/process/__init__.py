"""Engines that run in a worker: another process, interpreter or machine, same protocol."""

from annotator.engine.process.engine import (
    Opening,
    ProcessEngine,
    RemoteEncoding,
    open_in_worker,
)
from annotator.engine.process.local import LocalPlace
from annotator.engine.process.worker import Patience, WorkerEnded

__all__ = [
    "LocalPlace",
    "Opening",
    "Patience",
    "ProcessEngine",
    "RemoteEncoding",
    "WorkerEnded",
    "open_in_worker",
]
