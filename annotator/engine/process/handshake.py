"""Proves to both ends of a connection that the other knows the token, without sending it.

    worker -> application   name of the protocol, 32 random bytes
    application -> worker   32 random bytes, HMAC-SHA256(token, "application" + both)
    worker -> application   HMAC-SHA256(token, "worker" + both)

What follows is neither encrypted nor signed: beyond the loopback, use an SSH tunnel.
"""

import hashlib
import hmac
import os
import secrets
import socket
from pathlib import Path

from annotator.domain import AnnotatorError

NAME = b"annotator-worker-1\n"
SECONDS = 10.0
_RANDOM = 32
_PROOF = 32
_LEAST_TOKEN = 16


class NotAdmitted(Exception):  # noqa: N818 - an answer, not a fault
    """The other end does not know the token, or is something else altogether."""


def welcome(connection: socket.socket, token: bytes) -> None:
    """Admit an application, as the worker.

    Raises:
        NotAdmitted: If it does not know the token.
        OSError: If the connection breaks.
    """
    connection.settimeout(SECONDS)
    own = os.urandom(_RANDOM)
    connection.sendall(NAME + own)
    answer = _receive(connection, _RANDOM + _PROOF)
    both = own + answer[:_RANDOM]
    if not hmac.compare_digest(answer[_RANDOM:], _proof(token, b"application", both)):
        raise NotAdmitted("wrong token")
    connection.sendall(_proof(token, b"worker", both))
    connection.settimeout(None)


def greet(connection: socket.socket, token: bytes) -> None:
    """Introduce oneself to a worker, as the application.

    Raises:
        NotAdmitted: If it refuses the token or does not know it.
        OSError: If the connection breaks.
    """
    connection.settimeout(SECONDS)
    start = _receive(connection, len(NAME) + _RANDOM)
    if not start.startswith(NAME):
        raise NotAdmitted("this is no annotator worker of this version")
    own = os.urandom(_RANDOM)
    both = start[len(NAME) :] + own
    connection.sendall(own + _proof(token, b"application", both))
    if not hmac.compare_digest(_receive(connection, _PROOF), _proof(token, b"worker", both)):
        raise NotAdmitted("the worker does not know the token")
    connection.settimeout(None)


def _proof(token: bytes, who: bytes, both: bytes) -> bytes:
    return hmac.new(token, who + both, hashlib.sha256).digest()


def _receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise NotAdmitted("the other end hung up; is the token right?")
        data += part
    return data


def read_token(path: Path, *, create: bool = False) -> bytes:
    """Read the token from a file that only its owner may read.

    Args:
        path: The file.
        create: Whether to write a new token if there is no such file.

    Raises:
        AnnotatorError: If it is missing, readable by others, or too short.
    """
    try:
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise AnnotatorError(
                f"Others may read the token in {path}.", f"Run `chmod 600 {path}`."
            )
        token = path.read_bytes().strip()
    except OSError as error:
        raise AnnotatorError(
            f"The token file {path} cannot be used: {error.strerror or error}.",
            "`annotator worker --token-file FILE` writes one; copy it to the other machine.",
        ) from error
    if len(token) < _LEAST_TOKEN:
        raise AnnotatorError(f"The token in {path} is shorter than {_LEAST_TOKEN} characters.")
    return token
