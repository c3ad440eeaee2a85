"""Puts mask, manual edits and locked objects together, aside: millions of pixels take long."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from annotator.domain import Mask
from annotator.domain.cloud import Int32, Int64
from annotator.domain.masks import Bounds, bounds_of
from annotator.project import AssetState
from annotator.project.composing import EditOverlay, compose

T = TypeVar("T")


@dataclass(frozen=True)
class Composition:
    """The labels of a photo at one moment.

    Attributes:
        labels: [h, w] object ids; None if nothing is annotated.
        box: What differs from the composition before; None if nothing does.
        counts: Pixels of each object, by id.
        whole: Whether all is new, so that `box` does not matter.
    """

    labels: Int32 | None
    box: Bounds | None
    counts: Int64
    whole: bool = False


class Composer(QObject):
    """Composes one after the other in a thread of its own; the newest wish is the one met.

    Signals:
        composed: A `Composition`, in the GUI thread.
    """

    composed = Signal(object)
    _crossing = Signal(int, object)
    _finished = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="labels")
        self._newest = 0
        self._landed = 0
        self._overlay = EditOverlay(0)
        self._last: Int32 | None = None
        self._running: Future[Composition | None] | None = None
        self._crossing.connect(self._land, Qt.ConnectionType.QueuedConnection)
        self._finished.connect(
            lambda done, answer: done(answer), Qt.ConnectionType.QueuedConnection
        )

    def ask(self, asset: AssetState, mask: Mask | None, shape: tuple[int, int]) -> None:
        """Compose what stands for each pixel [h, w] of `shape` now."""
        self._newest += 1
        number = self._newest
        self._running = self._thread.submit(self._compose, number, asset, mask, shape)
        self._running.add_done_callback(lambda done: self._send(number, done))

    def _send(self, number: int, done: "Future[Composition | None]") -> None:
        composition = done.result()
        if composition is not None:
            self._crossing.emit(number, composition)

    def _compose(
        self, number: int, asset: AssetState, mask: Mask | None, shape: tuple[int, int]
    ) -> Composition | None:
        if number != self._newest:
            return None  # a newer wish follows
        fits = mask is not None and mask.labels.shape == shape
        last, self._last = self._last, None
        if fits or asset.edits or asset.pins:
            size = shape[0] * shape[1]
            if len(self._overlay.values) != size:
                self._overlay = EditOverlay(size)
            base = mask.labels if fits and mask is not None else np.zeros(shape, np.int32)
            self._last = compose(asset, base.ravel(), self._overlay).reshape(shape)
        return _difference(last, self._last)

    def _land(self, number: int, composition: Composition) -> None:
        if number > self._landed:
            self._landed = number
            self.composed.emit(composition)

    def settle(self) -> None:
        """Wait for the newest composition, and announce it before returning."""
        if self._running is not None and self._landed < self._newest:
            composition = self._running.result()
            if composition is not None:
                self._land(self._newest, composition)

    def run(self, work: Callable[[], T], done: Callable[[T], object]) -> None:
        """Do `work` after what is being composed, and hand its answer to `done` here."""
        self._thread.submit(lambda: self._finished.emit(done, work()))

    def forget(self) -> None:
        """Start anew, with another photo."""
        self._newest += 1
        self._landed = self._newest
        self._thread.submit(self._forget_last)

    def _forget_last(self) -> None:
        self._last, self._overlay = None, EditOverlay(0)

    def close(self) -> None:
        """End the thread; nothing arrives any more."""
        self._newest += 1
        self._landed = self._newest
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._finished.disconnect()


def _difference(last: Int32 | None, now: Int32 | None) -> Composition:
    if now is None:
        return Composition(None, None, np.zeros(1, np.int64), whole=True)
    counts = np.bincount(now.ravel(), minlength=1)
    if last is None or last.shape != now.shape:
        return Composition(now, None, counts, whole=True)
    return Composition(now, bounds_of(now != last), counts)
