"""What connects the application with one worker, wherever it runs."""

from collections.abc import Mapping
from typing import Any, Protocol

from annotator.engine.worker.frames import Stream


class Link(Protocol):
    """A live connection.

    Attributes:
        stream: Carries the messages.
    """

    stream: Stream

    def kill(self) -> None:
        """End the worker, or at least the connection, at once; harmless if it is gone."""

    def how_it_ended(self) -> str:
        """Say in a few words how the worker ended, such as "signal 9"."""

    def tail(self) -> str:
        """Return the last lines that the worker wrote; empty if unknown."""


class Place(Protocol):
    """Where workers of one plugin are started."""

    @property
    def title(self) -> str:
        """In words, such as "a worker process"."""

    def start(self) -> Link:
        """Start or reach a worker.

        Raises:
            AnnotatorError: If that fails.
        """

    def opening(self) -> Mapping[str, Any]:
        """Return what this place's workers are told to open the plugin."""
