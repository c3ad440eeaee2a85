"""Reaches a worker on another machine: one connection, arrays inline.

The plugin, its weights and the user's agreement to run it are those of the other machine;
no code travels.
"""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError
from annotator.engine.process.handshake import NotAdmitted, greet, read_token
from annotator.engine.worker.frames import Stream

CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class RemotePlace:
    """An `annotator worker` that listens somewhere.

    Attributes:
        plugin_id: Plugin that it shall open.
        address: "host:port".
        token_file: File with its token.
    """

    plugin_id: str
    address: str
    token_file: Path

    @property
    def title(self) -> str:
        """In words."""
        return f"the worker at {self.address}"

    def start(self) -> "RemoteLink":
        """Connect.

        Raises:
            AnnotatorError: If nobody answers, or not with the right token.
        """
        token = read_token(self.token_file)
        host, _, port = self.address.rpartition(":")
        try:
            connection = socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
        except (OSError, OverflowError) as error:
            raise AnnotatorError(
                f"No worker answers at {self.address}: {error}.",
                f"Start `annotator worker --listen {self.address} --token-file …` there.",
            ) from error
        try:
            greet(connection, token)
        except (NotAdmitted, OSError) as error:
            connection.close()
            raise AnnotatorError(
                f"The worker at {self.address} was not reached: {error}.",
                f"Copy its token to {self.token_file}.",
            ) from error
        return RemoteLink(connection)

    def opening(self) -> Mapping[str, Any]:
        """Name the plugin; all else is known there."""
        return {"id": self.plugin_id, "weights": {}}


class RemoteLink:
    """A connection to a worker on another machine."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.stream = socket_stream(connection)

    def kill(self) -> None:
        """Hang up: the other side ends what it does for us."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def how_it_ended(self) -> str:
        """Say that the connection ended."""
        return "the connection ended"

    def tail(self) -> str:
        """Return nothing: its log stays there."""
        return ""


def socket_stream(connection: socket.socket) -> Stream:
    """Return the stream of messages over a connected socket."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Stream(connection.makefile("rb"), connection.makefile("wb"))
