"""How long work reports and stops: a progress callback and a cancel token."""

import threading
from typing import Protocol

from annotator.domain.errors import Cancelled


class Progress(Protocol):
    """Receives the state of long work; must return quickly and may be called from any thread."""

    def __call__(self, fraction: float, message: str = "") -> None:
        """Report `fraction` in [0, 1] done and, optionally, what is being done."""


def no_progress(fraction: float, message: str = "") -> None:
    """Ignore progress: the default where nobody watches."""


class CancelToken:
    """A flag that one thread sets and long work in another polls."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next check."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Stop here if asked to.

        Raises:
            Cancelled: If the token was set.
        """
        if self._event.is_set():
            raise Cancelled
