"""One long-lived inference thread: the newest request of each asset wins.

The thread owns the engine and its device. Requests only leave a note and return;
events tell what becomes of them. A second, light thread delivers the events in order,
so that "queued" is heard while the first one computes.
"""

import logging
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from annotator.domain import (
    AnnotatorError,
    Cancelled,
    CancelToken,
    Mask,
    PointCloud,
    Prompt,
    Result,
    Signal,
)
from annotator.engine.asides import Aside
from annotator.engine.events import EngineEvent, EventKind
from annotator.engine.opened import Asset, OpenEngine
from annotator.engine.queueing import Job, Request, Slot, Use
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import warm_up

__all__ = ["EngineEvent", "EngineSession", "EventKind"]

_log = logging.getLogger(__name__)

_OPENING = threading.Lock()
"""Held while an engine is opened: two threads that import torch for the first time at once
break it."""


class EngineSession:
    """Runs one engine at a time over any number of open assets, aside from the caller.

    All methods return at once and may be called from any thread. `events` is emitted
    from a thread of the session: slots hand over to their own thread.
    """

    def __init__(
        self, registry: PluginRegistry, *, device: str = "auto", dtype: str = "float32"
    ) -> None:
        self.events: Signal[[EngineEvent]] = Signal()
        self._registry = registry
        self._device = device
        self._dtype = dtype
        self._engine: OpenEngine | None = None
        self._condition = threading.Condition()
        self._use: Use | None = None
        self._last_use: Use | None = None
        self._slots: dict[int, Slot] = {}
        self._job: Job | None = None
        self._generation = 0
        self._newest: dict[int, int] = {}
        self._closing = False
        self._loading = CancelToken()
        self._prepared: tuple[Use, str, OpenEngine] | None = None
        self._outbox: queue.SimpleQueue[EngineEvent | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name="inference", daemon=True),
            threading.Thread(target=self._deliver, name="inference-events", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # What callers ask for ----------------------------------------------------------------

    @property
    def engine(self) -> OpenEngine | None:
        """The engine in use, for reading its ref, device and parameters; None before the first."""
        return self._engine

    def use(self, ref: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Load another engine; the old one stays in use until the new one is warm.

        Open assets are then encoded anew. Emits loading, then ready or failed.
        """
        with self._condition:
            self._use = self._last_use = Use(ref, dict(parameters or {}))
            self._condition.notify()

    def prepare(
        self,
        ref: str,
        parameters: Mapping[str, Any] | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """Load and warm an engine in the calling thread while the one in use answers on.

        The next `use` of the same engine takes it at once; preparing another one, or
        closing the session, lets it go.

        Raises:
            AnnotatorError: If it cannot be loaded; nothing changes then.
            Cancelled: If `cancel` was set or the session closes.
        """
        use, device = Use(ref, dict(parameters or {})), self._device
        engine = self._load(use, cancel or self._loading)
        with self._condition:
            stale = self._closing or (cancel is not None and cancel.cancelled)
            if not stale:
                earlier, self._prepared = self._prepared, (use, device, engine)
        if stale:
            self._close_engine(engine)
            raise Cancelled
        if earlier is not None:
            self._close_engine(earlier[2])

    def _take_prepared(self, use: Use) -> OpenEngine | None:
        with self._condition:
            if self._prepared is None or self._prepared[:2] != (use, self._device):
                return None
            engine, self._prepared = self._prepared[2], None
            return engine

    def set_device(self, device: str) -> None:
        """Compute on another device: the engine in use is loaded there, then the old one let go."""
        with self._condition:
            if device == self._device:
                return
            self._device = device
            if self._last_use is not None:
                self._use = self._last_use
                self._condition.notify()

    def open_asset(self, asset_id: int, asset: Asset, *, ahead: bool = False) -> None:
        """Make an asset known and encode it as soon as the thread is free.

        Args:
            asset_id: Its id, under which it is known from now on.
            asset: The asset.
            ahead: Whether it will only be needed later: anything else goes before it and
                interrupts its encoding. Opening the same content as another id takes over
                what was done so far.
        """
        with self._condition:
            self._forget(asset_id)
            slot = None if ahead else self._take_ahead(asset_id, asset)
            self._slots[asset_id] = slot or Slot(asset_id, asset, ahead=ahead)
            if not ahead:
                self._interrupt_ahead()
            self._condition.notify()

    def close_asset(self, asset_id: int) -> None:
        """Forget an asset; its running work is cancelled."""
        with self._condition:
            self._forget(asset_id)

    def request(self, asset_id: int, prompt: Prompt) -> int:
        """Ask for a prediction; an earlier request of the asset is dropped.

        Returns:
            The request's generation, ever larger, which its events carry.

        Raises:
            KeyError: If the asset is not open.
        """
        with self._condition:
            slot = self._slots[asset_id]
            self._generation += 1
            self._drop(slot)
            request = Request(self._generation, prompt, time.perf_counter())
            slot.pending = request
            self._newest[asset_id] = request.generation
            if self._job and self._job.slot is slot and self._job.request:
                self._job.cancel.cancel()
            self._interrupt_ahead()
            self._post("queued", slot, request)
            self._condition.notify()
        return request.generation

    def do_aside(self, asset_id: int, aside: Aside | None) -> None:
        """Do something with an asset in pieces whenever nothing else is to be done.

        It takes the place of what was done aside for the asset before; None only ends that.

        Raises:
            KeyError: If the asset is not open.
        """
        with self._condition:
            slot = self._slots[asset_id]
            if self._job and self._job.slot is slot and self._job.aside:
                self._job.cancel.cancel()
            slot.aside = aside
            self._condition.notify()

    def cancel(self, asset_id: int | None = None) -> None:
        """Cancel waiting and running work of an asset, or of all.

        A cancelled encoding starts again with the asset's next request.
        """
        with self._condition:
            for slot in self._slots.values():
                if asset_id in (None, slot.asset_id):
                    self._cancel_slot(slot)

    def is_current(self, event: EngineEvent) -> bool:
        """Whether no newer request was made: what a receiver asks before it shows a result."""
        if event.asset_id is None or not event.generation:
            return True
        return self._newest.get(event.asset_id) == event.generation

    def close(self, timeout: float = 10.0) -> None:
        """Cancel everything, free the engine and end the threads.

        Args:
            timeout: Seconds to wait for work that does not heed its cancel token;
                the threads are daemons, so even then the process can end.
        """
        self.stop()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Begin to close, without waiting for it."""
        with self._condition:
            self._closing = True
            self._use = None
            self._loading.cancel()
            for slot in self._slots.values():
                self._cancel_slot(slot)
            self._condition.notify()

    # The worker ---------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._condition:
                while not (self._closing or self._use or self._take_job()):
                    self._condition.wait()
                if self._closing:
                    break
                use, self._use = self._use, None
            if use:
                self._change_engine(use)
            elif self._job:
                self._run(self._job)
        for engine in (self._engine, self._prepared[2] if self._prepared else None):
            if engine:
                self._close_engine(engine)
        self._outbox.put(None)

    def _take_job(self) -> bool:
        self._job = self._next_job()
        return self._job is not None

    def _next_job(self) -> Job | None:
        """Choose the newest request of an encoded asset, else what has to be encoded first."""
        waiting = [slot for slot in self._slots.values() if slot.pending]
        waiting.sort(key=lambda slot: (slot.encoding is None, slot.pending.generation))  # type: ignore[union-attr]
        for slot in waiting:
            if slot.encoding is None and self._engine:
                return Job(slot)
            request, slot.pending = slot.pending, None
            return Job(slot, request)
        if self._engine is None:
            return None
        unencoded = sorted(
            (slot for slot in self._slots.values() if slot.wants_encoding),
            key=lambda slot: slot.ahead,
        )
        if unencoded:
            return Job(unencoded[0])
        spare = (slot for slot in self._slots.values() if slot.aside and slot.encoding is not None)
        return next((Job(slot, aside=slot.aside) for slot in spare), None)

    def _run(self, job: Job) -> None:
        try:
            if self._engine is None:
                raise AnnotatorError("No engine is chosen.", "Choose one in the engine list.")
            if job.aside:
                self._do_piece(self._engine, job, job.aside)
            elif job.request is None:
                self._encode(self._engine, job)
            else:
                self._predict(self._engine, job, job.request)
        except Cancelled:
            self._after_cancel(job)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the thread outlives any plugin
            self._after_failure(job, _in_words(error))
        finally:
            with self._condition:
                self._job = None

    def _encode(self, engine: OpenEngine, job: Job) -> None:
        slot = job.slot
        slot.wants_encoding = False
        started = time.perf_counter()

        def progress(fraction: float, message: str = "") -> None:
            self._post("encoding", slot, fraction=fraction, message=message)

        progress(0.0, f"encoding with {engine.manifest.title}")
        encoding = engine.encode(slot.asset, progress, job.cancel)
        job.cancel.check()
        slot.encoding = encoding
        self._post("encoded", slot, fraction=1.0, milliseconds=_since(started))

    def _predict(self, engine: OpenEngine, job: Job, request: Request) -> None:
        slot = job.slot
        started = time.perf_counter()
        waited = (started - request.queued_at) * 1000
        self._post("running", slot, request, queue_milliseconds=waited)

        def progress(fraction: float, message: str = "") -> None:
            self._post("running", slot, request, fraction=fraction, message=message)

        result = engine.predict(slot.encoding, request.prompt, job.cancel, progress)
        job.cancel.check()  # the second chance to drop what has become stale
        _check_length(slot.asset, result, engine)
        self._post(
            "done",
            slot,
            request,
            milliseconds=_since(started),
            queue_milliseconds=waited,
            result=result,
            fraction=1.0,
        )

    def _do_piece(self, engine: OpenEngine, job: Job, aside: Aside) -> None:
        if not aside.piece(engine, job.slot.encoding, job.cancel):
            self._end_aside(job.slot, aside)

    def _end_aside(self, slot: Slot, aside: Aside) -> None:
        with self._condition:
            if slot.aside is aside:
                slot.aside = None

    def _after_cancel(self, job: Job) -> None:
        if job.aside:
            return
        with self._condition:
            interrupted, job.slot.interrupted = job.slot.interrupted, False
            job.slot.wants_encoding |= interrupted
        if interrupted:
            return
        stale = job.request and self._newest.get(job.slot.asset_id) != job.request.generation
        self._post("dropped" if stale else "cancelled", job.slot, job.request)

    def _after_failure(self, job: Job, error: AnnotatorError) -> None:
        if job.aside:
            self._end_aside(job.slot, job.aside)
            job.aside.failed(error)
            return
        with self._condition:
            request = job.request
            if request is None:  # the encoding failed, and with it the request that waits for it
                request, job.slot.pending = job.slot.pending, None
        self._post("failed", job.slot, request, error=error, message=error.message)

    def _change_engine(self, use: Use) -> None:
        started = time.perf_counter()
        self._emit(EngineEvent("loading", message=f"loading {use.ref}", ref=use.ref))
        try:
            engine = self._take_prepared(use) or self._load(use, self._loading)
        except Cancelled:
            return  # the session closes
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - the old engine stays in use
            error = _in_words(problem)
            self._emit(EngineEvent("failed", error=error, message=error.message, ref=use.ref))
            return
        with self._condition:
            old, self._engine = self._engine, engine
            for slot in self._slots.values():
                slot.encoding, slot.wants_encoding = None, True
        if old:
            self._close_engine(old)
        note = engine.choice.note or f"{engine.manifest.title} on {engine.device}"
        ready = EngineEvent("ready", message=note, milliseconds=_since(started), ref=engine.ref)
        self._emit(ready)

    def _load(self, use: Use, cancel: CancelToken) -> OpenEngine:
        with _OPENING:
            engine = self._registry.open(
                use.ref, device=self._device, dtype=self._dtype, parameters=use.parameters
            )
        try:
            warm_up(engine, cancel)
        except BaseException:
            self._close_engine(engine)
            raise
        return engine

    @staticmethod
    def _close_engine(engine: OpenEngine) -> None:
        try:
            engine.close()
        except AnnotatorError as error:
            _log.warning("%s", error)

    # Notes between the threads; all callers hold the condition ------------------------------

    def _forget(self, asset_id: int) -> None:
        slot = self._slots.pop(asset_id, None)
        if slot:
            self._cancel_slot(slot)
        self._newest.pop(asset_id, None)

    def _take_ahead(self, asset_id: int, asset: Asset) -> Slot | None:
        """Let what was encoded ahead of the same content go on as another asset."""
        ahead = [slot for slot in self._slots.values() if slot.ahead]
        for slot in ahead:
            if slot.asset.content_hash == asset.content_hash:
                del self._slots[slot.asset_id]
                slot.asset_id, slot.ahead = asset_id, False
                return slot
        return None

    def _interrupt_ahead(self) -> None:
        """Stop what nobody waits for, encodings ahead and asides; it starts again later."""
        job = self._job
        if job and job.request is None and (job.slot.ahead or job.aside):
            job.slot.interrupted = not job.aside
            job.cancel.cancel()

    def _cancel_slot(self, slot: Slot) -> None:
        if self._job and self._job.slot is slot:
            self._job.cancel.cancel()
        slot.wants_encoding, slot.aside = False, None
        if slot.pending:
            self._post("cancelled", slot, slot.pending)
            slot.pending = None

    def _drop(self, slot: Slot) -> None:
        if slot.pending:
            self._post("dropped", slot, slot.pending)
            slot.pending = None

    # Events ---------------------------------------------------------------------------------

    def _post(
        self,
        kind: EventKind,
        slot: Slot,
        request: Request | None = None,
        **details: Any,  # noqa: ANN401 - fields of EngineEvent
    ) -> None:
        ref = self._engine.ref if self._engine else ""
        event = EngineEvent(kind, slot.asset_id, ref=ref)
        if request:
            event = replace(event, generation=request.generation, prompt=request.prompt)
        self._emit(replace(event, **details))

    def _emit(self, event: EngineEvent) -> None:
        self._outbox.put(event)

    def _deliver(self) -> None:
        while (event := self._outbox.get()) is not None:
            try:
                self.events.emit(event)
            except Exception:  # noqa: BLE001 - one faulty listener must not silence later events
                _log.exception("a listener of engine events failed")


def _in_words(problem: BaseException) -> AnnotatorError:
    if isinstance(problem, AnnotatorError):
        return problem
    _log.error("inference failed", exc_info=problem)
    return AnnotatorError(f"Inference failed: {problem!r}.", "The log has the full traceback.")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _check_length(asset: Asset, result: Result, engine: OpenEngine) -> None:
    """Refuse a mask that does not fit the asset before anyone indexes with it."""
    if not isinstance(result, Mask):
        return
    if isinstance(asset, PointCloud):
        expected, what = (len(asset),), f"{len(asset)} points"
    else:
        expected = asset.rgb.shape[:2]
        what = "{} rows of {} pixels".format(*expected)
    if result.labels.shape != expected:
        raise AnnotatorError(
            f"Plugin {engine.manifest.id!r} returned {result.labels.shape} labels for {what}.",
            f"Run `annotator plugins check` on {engine.manifest.id}.",
        )
