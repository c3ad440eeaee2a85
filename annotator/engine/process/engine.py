"""An engine whose plugin runs in a worker, with the same protocol as the plugin itself.

The worker keeps the encodings; here are handles. A worker that ended is started again when
it is next needed, after a pause that grows with every failure in a row, and what was
encoded in the old one is encoded anew: no click is lost with it.
"""

import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, CancelToken, Progress, Prompt, Skeleton, no_progress
from annotator.engine.process.links import Place
from annotator.engine.process.worker import Patience, Worker, WorkerEnded

Arrays = Mapping[str, npt.NDArray[np.generic]]

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 30.0
CLOSE_SECONDS = 5.0
ATTEMPTS = 3
"""Workers that are tried for one question, as long as none of them began with it."""


@dataclass(frozen=True)
class Opening:
    """What a plugin is opened with, apart from where.

    Attributes:
        plugin_id: Id of the plugin.
        variant: Id of the variant.
        device: "auto", "cpu", "cuda", …: chosen by the worker, whose torch it concerns.
        devices: Device types of the manifest.
        dtype: Precision.
        parameters: All values.
        weights: File of each weights entry.
    """

    plugin_id: str
    variant: str = ""
    device: str = "auto"
    devices: tuple[str, ...] = ("cpu",)
    dtype: str = "float32"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)


class RemoteEncoding:
    """A handle of an encoding that a worker keeps, and what to make it from again."""

    def __init__(self, source: Mapping[str, Any], do: str) -> None:
        self.source, self.do = source, do
        self.worker: Worker | None = None
        self.number = 0
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def settle(self, worker: Worker, number: int, discarded: "list[tuple[Worker, int]]") -> None:
        """Note where the encoding now is; it is discarded there when nobody needs the handle."""
        if self._finalizer is not None:
            self._finalizer.detach()
        self.worker, self.number = worker, number
        # Only noted: a finalizer may run anywhere, also in the middle of sending.
        self._finalizer = weakref.finalize(self, discarded.append, (worker, number))
        self._finalizer.atexit = False


class ProcessEngine:
    """The calls that every engine has; `with_features` adds those that the plugin adds."""

    def __init__(self, place: Place, opening: Opening, patience: Patience | None = None) -> None:
        """Start the first worker and open the plugin in it.

        Raises:
            AnnotatorError: If the worker or the plugin cannot be started, in words.
            Exception: What the plugin's code raised on loading.
        """
        self.place, self._opening = place, opening
        self._patience = patience or Patience()
        self._worker: Worker | None = None
        self._failures = 0
        self._not_before = 0.0
        self._closed = False
        self._lock = threading.RLock()
        self._discarded: list[tuple[Worker, int]] = []
        self.told: Mapping[str, Any] = {}
        self._running(None)

    @property
    def worker(self) -> Worker | None:
        """The worker of the moment; None before the first and after the last."""
        return self._worker

    def encode(
        self,
        asset: Any,  # noqa: ANN401 - a cloud or an image
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> RemoteEncoding:
        """Encode in the worker; raises like the plugin's own `encode`, or `WorkerEnded`."""
        encoding = RemoteEncoding({"asset": asset}, "encode")
        for attempt in range(ATTEMPTS):
            try:
                self._make(encoding, progress, cancel)
                break
            except WorkerEnded as end:
                if end.begun or attempt == ATTEMPTS - 1:
                    raise
        return encoding

    def predict(
        self, encoding: RemoteEncoding, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Any:  # noqa: ANN401 - the kind's result
        """Predict in the worker; raises like the plugin's own `predict`, or `WorkerEnded`."""
        return self._ask("predict", encoding, {"prompt": prompt}, cancel)

    def close(self) -> None:
        """Close the plugin's engine and end the worker."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close(CLOSE_SECONDS)

    def _ask(
        self,
        do: str,
        encoding: RemoteEncoding,
        given: Mapping[str, Any],
        cancel: CancelToken | None = None,
        progress: Progress = no_progress,
    ) -> Any:  # noqa: ANN401 - any plain value
        for attempt in range(ATTEMPTS):
            worker = self._running(cancel)
            try:
                if encoding.worker is not worker:
                    self._make(encoding, no_progress, cancel, worker)
                question = {**given, "encoding": encoding.number}
                return self._call(worker, do, question, progress, cancel)
            except WorkerEnded as end:
                # One that ended before it began died of something else: the next may do it.
                if end.begun or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _make(
        self,
        encoding: RemoteEncoding,
        progress: Progress,
        cancel: CancelToken | None,
        worker: Worker | None = None,
    ) -> None:
        worker = worker or self._running(cancel)
        number = self._call(worker, encoding.do, encoding.source, progress, cancel)
        encoding.settle(worker, int(number), self._discarded)

    def _call(
        self,
        worker: Worker,
        do: str,
        given: Mapping[str, Any],
        progress: Progress,
        cancel: CancelToken | None,
    ) -> Any:  # noqa: ANN401 - any plain value
        if cancel is not None:
            cancel.check()
        self._discard(worker)
        try:
            value = worker.call(do, given, progress=progress, cancel=cancel)
        except WorkerEnded:
            self._note_failure()
            raise
        self._failures = 0
        return value

    def _discard(self, worker: Worker) -> None:
        count = len(self._discarded)
        gone, self._discarded[:count] = self._discarded[:count], []
        numbers = [number for where, number in gone if where is worker]
        if numbers:
            worker.tell({"free": numbers})

    def _running(self, cancel: CancelToken | None) -> Worker:
        """Return the live worker, started anew if it ended."""
        with self._lock:
            if self._closed:
                raise AnnotatorError(f"Plugin {self._opening.plugin_id!r} is closed already.")
            if self._worker is not None and self._worker.alive:
                return self._worker
            if self._worker is not None:
                self._worker.kill()
                self._worker = None
            self._pause(cancel)
            self._worker = self._start(cancel)
            return self._worker

    def _start(self, cancel: CancelToken | None) -> Worker:
        opening = {**vars(self._opening), **self.place.opening()}
        opening.pop("plugin_id")
        worker: Worker | None = None
        try:
            worker = Worker(self.place.start(), self._opening.plugin_id, self._patience)
            self.told = worker.call("open", opening, cancel=cancel)
        except BaseException:
            if worker is not None:
                worker.kill()
            self._note_failure()
            raise
        return worker

    def _note_failure(self) -> None:
        """Let the first failure be followed by a new start at once, later ones by pauses."""
        self._failures += 1
        if self._failures > 1:
            pause = FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 2, 12)
            self._not_before = time.monotonic() + min(pause, LONGEST_PAUSE_SECONDS)

    def _pause(self, cancel: CancelToken | None) -> None:
        while (left := self._not_before - time.monotonic()) > 0:
            if cancel is not None:
                cancel.check()
            time.sleep(min(left, 0.05))


class _Storable(ProcessEngine):
    def encoding_to_arrays(self, encoding: RemoteEncoding) -> dict[str, npt.NDArray[Any]]:
        """Return the encoding as the plugin stores it."""
        arrays: dict[str, npt.NDArray[Any]] = self._ask("to_arrays", encoding, {})
        return arrays

    def encoding_from_arrays(self, arrays: Arrays) -> RemoteEncoding:
        """Rebuild an encoding in the worker."""
        encoding = RemoteEncoding({"arrays": dict(arrays)}, "from_arrays")
        self._make(encoding, no_progress, None)
        return encoding


class _Representing(ProcessEngine):
    def representatives(self, encoding: RemoteEncoding) -> npt.NDArray[np.int64]:
        """Return the rows [V] of the points that the engine really labels."""
        rows: npt.NDArray[np.int64] = self._ask("representatives", encoding, {})
        return rows


class _Thresholded(ProcessEngine):
    @property
    def threshold(self) -> float:
        """Probability that the pixels of an object exceed."""
        return float(self.told["threshold"])


class _Skeletal(ProcessEngine):
    @property
    def skeleton(self) -> Skeleton:
        """The joints that the plugin finds."""
        skeleton: Skeleton = self.told["skeleton"]
        return skeleton

    @property
    def has_scores(self) -> bool:
        """Whether the plugin's scores say how sure it is."""
        return bool(self.told["has_scores"])


class _Many(ProcessEngine):
    def predict_many(
        self,
        encoding: RemoteEncoding,
        prompts: Sequence[Prompt],
        *,
        cancel: CancelToken | None = None,
    ) -> Any:  # noqa: ANN401 - a list of the kind's results
        """Answer many prompts on one encoding."""
        return self._ask("predict_many", encoding, {"prompts": list(prompts)}, cancel)


class _Watched(ProcessEngine):
    def predict_with_progress(
        self,
        encoding: RemoteEncoding,
        prompt: Prompt,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Any:  # noqa: ANN401 - the kind's result
        """Predict in the worker and hear how far it is."""
        return self._ask("predict_with_progress", encoding, {"prompt": prompt}, cancel, progress)


class _Differentiable(ProcessEngine):
    def soft_probability(
        self,
        encoding: RemoteEncoding,
        prompt: Prompt,
        position: Any,  # noqa: ANN401 - a torch tensor, which this module need not import
    ) -> Any:  # noqa: ANN401 - a torch tensor
        """Return the probability map on the graph of the newest click's position.

        Raises:
            AnnotatorError: If the application has no torch, whose graph it is.
        """
        try:
            from annotator.engine.process.gradients import soft_probability
        except ImportError as error:
            raise AnnotatorError(
                "Gradients to click positions need torch.", "Install it beside the application."
            ) from error

        def ask(place: npt.NDArray[Any], cotangent: npt.NDArray[Any] | None) -> Any:  # noqa: ANN401
            given = {"prompt": prompt, "position": place, "cotangent": cotangent}
            return self._ask("soft_probability", encoding, given)

        return soft_probability(position, ask)


_MIXINS = {
    "storable": _Storable,
    "representatives": _Representing,
    "threshold": _Thresholded,
    "skeleton": _Skeletal,
    "many": _Many,
    "watched": _Watched,
    "differentiable": _Differentiable,
}


def open_in_worker(
    place: Place, opening: Opening, patience: Patience | None = None
) -> ProcessEngine:
    """Open a plugin in a worker; the engine has exactly the optional methods of the plugin's.

    Raises:
        AnnotatorError: If the worker or the plugin cannot be started, in words.
        Exception: What the plugin's code raised on loading.
    """
    engine = ProcessEngine(place, opening, patience)
    parts = [_MIXINS[name] for name in engine.told["features"] if name in _MIXINS]
    if parts:
        engine.__class__ = type("ProcessEngine", tuple(parts), {})
    return engine
