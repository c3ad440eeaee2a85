"""One conversation with one worker: calls, their progress, cancellation, heartbeat, death."""

import builtins
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Progress, no_progress
from annotator.engine import threads
from annotator.engine.process.links import Link
from annotator.engine.worker.codec import Encoder, decode
from annotator.engine.worker.frames import Array, HungUp, Message, ProtocolError

POLL_SECONDS = 0.02
"""How long a cancellation may go unnoticed; an answer never waits for it."""


@dataclass(frozen=True)
class Patience:
    """How long a worker is waited for.

    Attributes:
        cancel_seconds: After a cancellation, before the worker is ended.
        silence_seconds: Without a heartbeat, before it is taken for dead.
    """

    cancel_seconds: float = 5.0
    silence_seconds: float = 60.0


class WorkerEnded(AnnotatorError):  # noqa: N818 - what happened, not only that it is an error
    """The worker crashed, was killed or fell silent in the middle of a call.

    Attributes:
        log: The last lines that it wrote.
        begun: Whether it had begun with what it was asked.
    """

    def __init__(self, message: str, remedy: str, log: str = "", begun: bool = True) -> None:
        super().__init__(message, remedy)
        self.log, self.begun = log, begun


@dataclass(frozen=True)
class _Note:
    """What the reading thread tells the thread that waits for a call."""

    kind: Literal["answer", "progress", "ended"]
    message: Message
    arrays: Sequence[Array] = ()


class Worker:
    """A live worker. Calls may come from any thread, but only one at a time is answered."""

    def __init__(self, link: Link, plugin_id: str, patience: Patience) -> None:
        self._link, self._id, self._patience = link, plugin_id, patience
        self._calls: dict[int, queue.SimpleQueue[_Note]] = {}
        self._begun = 0
        self._lock = threading.Lock()
        self._number = 0
        self._dead = False
        self.end_in_words = ""
        self.resident_bytes = 0
        self._heard = time.monotonic()
        self._logger = logging.getLogger(f"annotator.plugins.{plugin_id}")
        self._reader = threading.Thread(
            target=self._read, name=f"worker-read-{plugin_id}", daemon=True
        )
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return not self._dead

    def call(
        self,
        do: str,
        given: Mapping[str, Any] | None = None,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Any:  # noqa: ANN401 - any plain value
        """Have the worker do something and wait for its answer.

        Raises:
            Cancelled: If `cancel` was set; a worker that does not stop is ended.
            WorkerEnded: If it ends or falls silent meanwhile.
            AnnotatorError: What the plugin raised in words.
            Exception: What else the plugin raised, under the same name.
        """
        number, notes = self._begin()
        try:
            self._send(number, do, given)
            note = self._wait(number, notes, do, progress, cancel)
        finally:
            with self._lock:
                self._calls.pop(number, None)
        if note.kind == "ended":
            raise self._ended(do, self._begun == number)
        if "error" in note.message:
            _raise(note.message["error"])
        return decode(note.message.get("value"), note.arrays)

    def _begin(self) -> tuple[int, "queue.SimpleQueue[_Note]"]:
        notes: queue.SimpleQueue[_Note] = queue.SimpleQueue()
        with self._lock:
            self._number += 1
            self._calls[self._number] = notes
            if self._dead:
                notes.put(_Note("ended", {}))
            return self._number, notes

    def _send(self, number: int, do: str, given: Mapping[str, Any] | None) -> None:
        encoder = Encoder()
        message = {
            "call": number,
            "do": do,
            "given": encoder.encode(dict(given or {})),
            "threads": threads.wanted(),
        }
        try:
            self._link.stream.send(message, encoder.arrays)
        except HungUp:
            self._die()

    def _wait(
        self,
        number: int,
        notes: "queue.SimpleQueue[_Note]",
        do: str,
        progress: Progress,
        cancel: CancelToken | None,
    ) -> _Note:
        give_up = float("inf")
        while True:
            try:
                note = notes.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if cancel is not None and cancel.cancelled and give_up == float("inf"):
                    give_up = time.monotonic() + self._patience.cancel_seconds
                    self.tell({"cancel": number})
                self._check_time(do, give_up)
                continue
            if note.kind != "progress":
                return note
            progress(float(note.message["fraction"]), str(note.message["message"]))

    def _check_time(self, do: str, give_up: float) -> None:
        now = time.monotonic()
        if now > give_up:
            self._logger.warning("%s does not stop: its worker is ended", do)
            self.kill()
            raise Cancelled
        if now - self._heard > self._patience.silence_seconds:
            self.end_in_words = f"no sign of life for {self._patience.silence_seconds:g} s"
            self.kill()

    def _ended(self, do: str, begun: bool) -> WorkerEnded:
        tail = self._link.tail()
        doing = {"open": "loading", "encode": "encoding", "predict": "predicting"}.get(do, do)
        last = f" Its last lines:\n{tail}" if tail else ""
        self._logger.error("the worker ended (%s) while %s\n%s", self.end_in_words, doing, tail)
        return WorkerEnded(
            f"The worker of plugin {self._id!r} ended ({self.end_in_words}) while {doing}.",
            f"It is started again when it is next needed.{last}",
            tail,
            begun,
        )

    def tell(self, message: Message) -> None:
        """Send something that has no answer."""
        try:
            self._link.stream.send(message)
        except HungUp:
            self._die()

    def kill(self) -> None:
        """End the worker at once; calls under way end with it."""
        self._link.kill()
        self._die()

    def close(self, timeout: float) -> None:
        """Let the worker close its engine, then end it."""
        timer = threading.Timer(timeout, self._link.kill)
        timer.daemon = True
        timer.start()
        try:
            if self.alive:
                self.call("close")
        except WorkerEnded:
            pass
        finally:
            timer.cancel()
            self.kill()
            self._reader.join(timeout)

    def _read(self) -> None:
        try:
            while True:
                self._take(*self._link.stream.receive())
        except HungUp:
            pass
        except Exception as error:  # noqa: BLE001 - a worker may send anything
            self._logger.error("the worker sent nonsense: %s", error)
            self.end_in_words = self.end_in_words or f"it sent nonsense: {error}"
            self._link.kill()
        self._die()
        self._link.stream.close()

    def _take(self, message: Message, arrays: list[Array]) -> None:
        self._heard = time.monotonic()
        if "answer" in message:
            self._note(message["answer"], _Note("answer", message, arrays))
        elif "progress" in message:
            self._note(message["progress"], _Note("progress", message))
        elif "begun" in message:
            self._begun = int(message["begun"])
        elif "log" in message:
            self._logger.log(int(message["log"]), "%s", message.get("message", ""))
        elif "beat" in message:
            self.resident_bytes = int(message["beat"])
        else:
            raise ProtocolError(f"a message with {sorted(message)}")

    def _note(self, number: int, note: _Note) -> None:
        with self._lock:
            notes = self._calls.get(number)
        if notes is not None:
            notes.put(note)

    def _die(self) -> None:
        """Mark the worker as gone and wake everybody who waits for it."""
        with self._lock:
            if self._dead:
                return
        self.end_in_words = self.end_in_words or self._link.how_it_ended()
        with self._lock:
            self._dead = True
            for notes in self._calls.values():
                notes.put(_Note("ended", {}))


def _raise(error: Mapping[str, Any]) -> None:
    """Raise what the worker described: an exception of the same name and words."""
    kind = error.get("kind")
    if kind == "words":
        raise AnnotatorError(str(error["message"]), str(error["remedy"]))
    if kind == "cancelled":
        raise Cancelled
    names = [str(name) for name in error.get("names", ())]
    problem = _class_named(names)(str(error.get("message", "")))
    problem.add_note(f"In the worker:\n{error.get('traceback', '')}")
    raise problem


def _class_named(names: Sequence[str]) -> Callable[[str], Exception]:
    """Return a class of the first name, under the first ancestor that Python itself has."""
    for name in names:
        base = getattr(builtins, name, None)
        if isinstance(base, type) and issubclass(base, Exception):
            base = _STAND_INS.get(base, base)
            same = base.__name__ == names[0]
            return base if same else type(names[0], (base,), {})
    return RuntimeError


_STAND_INS: dict[type[Exception], type[Exception]] = {
    UnicodeDecodeError: ValueError,
    UnicodeEncodeError: ValueError,
    UnicodeTranslateError: ValueError,
    ExceptionGroup: Exception,
}
"""Exceptions that cannot be made from a message alone, and what stands in for them."""
