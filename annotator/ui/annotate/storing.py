"""Writes answers into the project aside, once they are on the screen."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from annotator.domain import AnnotatorError

AFTER_MS = 20
"""Time for an answer to get onto the screen before it is packed and stored."""


class AnswerStore(QObject):
    """Runs the writers that `Project.hold_result` gives, one after the other, in one thread.

    Signals:
        failed: The AnnotatorError of an answer that could not be written.
    """

    failed = Signal(object)
    _refused = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="results")
        self._waiting: Callable[[], None] | None = None
        self._timer = QTimer(self, interval=AFTER_MS, singleShot=True)
        self._timer.timeout.connect(self._start)
        self._refused.connect(self.failed, Qt.ConnectionType.QueuedConnection)

    def put(self, write: Callable[[], None]) -> None:
        """Let an answer be written soon."""
        self._start()
        self._waiting = write
        self._timer.start()

    def _start(self) -> None:
        self._timer.stop()
        write, self._waiting = self._waiting, None
        if write is not None:
            self._thread.submit(write).add_done_callback(self._written)

    def _written(self, done: "Future[None]") -> None:
        error = done.exception()
        if isinstance(error, AnnotatorError):
            self._refused.emit(error)

    def close(self) -> None:
        """Write what is left, and wait for it: afterwards the project may be closed."""
        self._start()
        self._thread.shutdown(wait=True)
