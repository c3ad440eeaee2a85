"""`annotator worker`: lends this machine's plugins and device to applications elsewhere.

Each connection gets a worker process of its own, so that a plugin's crash reaches the one
who asked and nobody else.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from annotator.domain import AnnotatorError
from annotator.engine.process.handshake import NotAdmitted, welcome
from annotator.engine.process.remote import socket_stream
from annotator.engine.registry import PluginRegistry
from annotator.engine.worker.server import Server

REFUSAL_SECONDS = 0.5
"""A wrong token is answered late, so that trying many takes long."""
LISTEN_SECONDS = 0.5
"""How often the listener looks up from waiting."""
_log = logging.getLogger(__name__)


class Listener:
    """Accepts connections until it is closed.

    Attributes:
        address: (host, port) that it listens on.
    """

    def __init__(
        self, registry: PluginRegistry, host: str, port: int, token: bytes, *, most: int = 4
    ) -> None:
        """Listen.

        Raises:
            AnnotatorError: If the address cannot be used.
        """
        self._registry, self._token = registry, token
        self._free = threading.BoundedSemaphore(most)
        self._connections: set[socket.socket] = set()
        try:
            self._socket = socket.create_server((host, port))
        except (OSError, OverflowError) as error:
            raise AnnotatorError(f"Nothing can listen on {host}:{port}: {error}.") from error
        # A signal that comes just before the wait would otherwise be heard only after it.
        self._socket.settimeout(LISTEN_SECONDS)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]

    def serve(self) -> None:
        """Answer until `close` is called from another thread."""
        while True:
            try:
                connection, peer = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            name = f"{peer[0]}:{peer[1]}"
            arguments = (connection, name)
            threading.Thread(target=self._converse, args=arguments, name=name, daemon=True).start()

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        _hang_up(self._socket)
        for connection in list(self._connections):
            _hang_up(connection)

    def _converse(self, connection: socket.socket, peer: str) -> None:
        self._connections.add(connection)
        try:
            welcome(connection, self._token)
        except (NotAdmitted, OSError) as error:
            _log.warning("%s was not admitted: %s", peer, error)
            time.sleep(REFUSAL_SECONDS)
        else:
            _log.info("%s is connected", peer)
            Server(socket_stream(connection), self._open).run()
            _log.info("%s is gone", peer)
        finally:
            self._connections.discard(connection)
            connection.close()

    def _open(self, given: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        if not self._free.acquire(blocking=False):
            raise AnnotatorError("The worker is busy with others.", "Try again later.")
        try:
            ref = f"{given['id']}:{given['variant']}" if given["variant"] else str(given["id"])
            opened = self._registry.open(
                ref,
                device=given["device"],
                dtype=given["dtype"],
                parameters=given["parameters"],
                isolation="process",
            )
        except BaseException:
            self._free.release()
            raise
        told = {
            "device": opened.device,
            "note": opened.choice.note,
            "version": opened.manifest.version,
            "weights": dict(opened.identity.weights),
        }
        return _lend(opened.engine, self._free), told


def _lend(engine: Any, free: threading.BoundedSemaphore) -> Any:  # noqa: ANN401 - an engine
    """Give the place back when the engine is closed."""
    close = engine.close

    def close_and_free() -> None:
        try:
            close()
        finally:
            free.release()

    engine.close = close_and_free
    return engine


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
