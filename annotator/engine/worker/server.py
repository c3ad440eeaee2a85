"""Answers an application's calls with an engine: the same loop in a local and a remote worker.

One thread reads, so that a cancellation is heard while the engine computes; the thread that
calls `run` computes, as networks want a thread that stays; a third beats.
"""

import logging
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.engine import threads
from annotator.engine.api import (
    DifferentiableClicks,
    HasRepresentatives,
    HasSkeleton,
    HasThreshold,
    PredictsMany,
    PredictsWithProgress,
    StorableEncodings,
)
from annotator.engine.worker.codec import Encoder, decode
from annotator.engine.worker.frames import HungUp, Message, ProtocolError, Stream

BEAT_SECONDS = 1.0
PROGRESS_SECONDS = 0.03
"""Reports closer than this to the one before are left out, save the last."""

FEATURES: Mapping[str, Any] = {
    "storable": StorableEncodings,
    "representatives": HasRepresentatives,
    "threshold": HasThreshold,
    "skeleton": HasSkeleton,
    "many": PredictsMany,
    "watched": PredictsWithProgress,
    "differentiable": DifferentiableClicks,
}

Open = Callable[[Mapping[str, Any]], "tuple[Any, Mapping[str, Any]]"]
"""Makes the engine that a request for opening describes; returns it and what to tell of it."""


class Server:
    """One conversation: opens one engine and answers until the other side hangs up."""

    def __init__(self, stream: Stream, open_engine: Open) -> None:
        self._stream = stream
        self._open = open_engine
        self._engine: Any = None
        self._encodings: dict[int, Any] = {}
        self._next_handle = 1
        self._requests: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._tokens: dict[int, CancelToken] = {}
        self._stopped = threading.Event()

    def run(self, on_hang_up: Callable[[], object] = lambda: None) -> None:
        """Answer requests until the other side hangs up or closes the engine.

        Args:
            on_hang_up: Called from the reading thread when the other side is gone, though
                the engine may be in the middle of something.
        """
        helpers = [
            threading.Thread(target=self._read, args=(on_hang_up,), name="worker-read"),
            threading.Thread(target=self._beat, name="worker-beat"),
        ]
        for thread in helpers:
            thread.daemon = True
            thread.start()
        try:
            while (request := self._requests.get()) is not None:
                self._answer(request)
        except HungUp:
            pass
        finally:
            self._stopped.set()
            if self._engine is not None:
                self._engine.close()

    def _read(self, on_hang_up: Callable[[], object]) -> None:
        try:
            while True:
                message, arrays = self._stream.receive()
                self._take(message, arrays)
        except (HungUp, ProtocolError) as error:
            if isinstance(error, ProtocolError):
                logging.getLogger(__name__).error("the application sent nonsense: %s", error)
            for token in list(self._tokens.values()):
                token.cancel()
            self._requests.put(None)
            on_hang_up()

    def _take(self, message: Message, arrays: list[Any]) -> None:
        if "cancel" in message:
            token = self._tokens.get(message["cancel"])
            if token:
                token.cancel()
        elif "call" in message:
            self._tokens[message["call"]] = CancelToken()
            message["given"] = decode(message.get("given"), arrays)
            self._requests.put(message)
        elif "free" in message:
            self._requests.put(message)

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                self._stream.send({"beat": resident_bytes()})
            except HungUp:
                return

    def _answer(self, request: Message) -> None:
        if "free" in request:
            for handle in request["free"]:
                self._encodings.pop(handle, None)
            return
        number = request["call"]
        encoder = Encoder()
        # A worker that ends without this has not touched the request: it can be asked again.
        self._stream.send({"begun": number})
        threads.prefer(int(request.get("threads", 0)))
        threads.apply()
        try:
            # Popped, or the asset would stay in memory until the next request.
            value = encoder.encode(self._do(number, request["do"], request.pop("given")))
            answer: Message = {"answer": number, "value": value}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - all that a plugin may raise
            encoder = Encoder()
            answer = {"answer": number, "error": describe(error)}
            _release_memory(error)
        finally:
            self._tokens.pop(number, None)
        self._stream.send(answer, encoder.arrays)

    def _do(self, number: int, do: str, given: Any) -> Any:  # noqa: ANN401 - any plain value
        token = self._tokens[number]
        token.check()
        action = getattr(self, f"_do_{do}", None)
        if action is None:
            raise AnnotatorError(f"The worker cannot {do!r}.", "Update it.")
        return action(number, given or {}, token)

    def _do_open(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        self._engine, told = self._open(given)
        features = [name for name, kind in FEATURES.items() if isinstance(self._engine, kind)]
        threshold = float(self._engine.threshold) if "threshold" in features else None
        told = {**told, "threshold": threshold, "process": os.getpid()}
        if "skeleton" in features:
            scores = bool(self._engine.has_scores)
            told = {**told, "skeleton": self._engine.skeleton, "has_scores": scores}
        return {**told, "features": features}

    def _do_encode(self, number: int, given: Any, token: CancelToken) -> int:  # noqa: ANN401
        encoding = self._engine.encode(
            given["asset"], progress=_Reporter(self._stream, number), cancel=token
        )
        return self._keep(encoding)

    def _do_predict(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        return self._engine.predict(self._of(given), given["prompt"], cancel=token)

    def _do_predict_many(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        return self._engine.predict_many(self._of(given), given["prompts"], cancel=token)

    def _do_predict_with_progress(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        return self._engine.predict_with_progress(
            self._of(given),
            given["prompt"],
            progress=_Reporter(self._stream, number),
            cancel=token,
        )

    def _do_soft_probability(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        """Return the map at a position, or with a cotangent the gradient to the position."""
        import torch  # there, as the plugin gives a tensor

        position = torch.tensor(given["position"], requires_grad=True)
        with torch.enable_grad():
            soft = self._engine.soft_probability(self._of(given), given["prompt"], position)
        if given["cotangent"] is None:
            return soft.detach().float().cpu().numpy()
        cotangent = torch.tensor(given["cotangent"]).to(soft)
        (gradient,) = torch.autograd.grad(soft, position, cotangent, allow_unused=True)
        return (torch.zeros_like(position) if gradient is None else gradient).cpu().numpy()

    def _do_representatives(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        return self._engine.representatives(self._of(given))

    def _do_to_arrays(self, number: int, given: Any, token: CancelToken) -> Any:  # noqa: ANN401
        return self._engine.encoding_to_arrays(self._of(given))

    def _do_from_arrays(self, number: int, given: Any, token: CancelToken) -> int:  # noqa: ANN401
        return self._keep(self._engine.encoding_from_arrays(given["arrays"]))

    def _do_close(self, number: int, given: Any, token: CancelToken) -> None:  # noqa: ANN401
        engine, self._engine = self._engine, None
        self._encodings.clear()
        self._requests.put(None)
        if engine is not None:
            engine.close()

    def _keep(self, encoding: Any) -> int:  # noqa: ANN401 - opaque
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        self._encodings[handle] = encoding
        return handle

    def _of(self, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - opaque
        return self._encodings[given["encoding"]]


class _Reporter:
    """Sends progress to the application, but not more often than anyone can look."""

    def __init__(self, stream: Stream, number: int) -> None:
        self._stream, self._number = stream, number
        self._next = 0.0

    def __call__(self, fraction: float, message: str = "") -> None:
        now = time.monotonic()
        if now < self._next and fraction < 1.0:
            return
        self._next = now + PROGRESS_SECONDS
        report = {"fraction": float(fraction), "message": str(message)}
        self._stream.send({"progress": self._number, **report})


def describe(error: BaseException) -> Message:
    """Return an exception as plain words, enough to raise a like one elsewhere."""
    if isinstance(error, AnnotatorError):
        return {"kind": "words", "message": error.message, "remedy": error.remedy}
    if isinstance(error, Cancelled):
        return {"kind": "cancelled"}
    return {
        "kind": "exception",
        "names": [cls.__name__ for cls in type(error).__mro__],
        "message": str(error.args[0] if isinstance(error, KeyError) and error.args else error),
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def _release_memory(error: BaseException) -> None:
    if "memory" in str(error).lower() or isinstance(error, MemoryError):
        from annotator.engine.devices import release_cached

        release_cached("cuda")


def resident_bytes() -> int:
    """Return the memory that this process occupies; 0 where the system does not say.

    Pages of files are left out: the system takes those of libraries back at any time.
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - every second
            resident, of_files = file.read().split()[1:3]
        return (int(resident) - int(of_files)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0
