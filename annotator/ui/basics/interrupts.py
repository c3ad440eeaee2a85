"""Ctrl-C in the terminal and a polite kill close the window, which tidies up."""

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts(QObject):
    """Calls a function in the GUI thread when the process is asked to end.

    Python runs its signal handlers only between Python instructions, of which Qt's
    idle event loop executes none; the wake-up socket makes it execute one.
    """

    def __init__(self, close: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._close = close
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)
        self._earlier_fd = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._earlier = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}

    def _drain(self) -> None:
        try:
            self._read.recv(64)
        except BlockingIOError:
            return

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._close()

    def uninstall(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(self._earlier_fd)
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._read.close()
        self._write.close()
