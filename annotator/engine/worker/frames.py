"""Framed messages between application and worker: a JSON header and the arrays it speaks of.

    magic 4 bytes | JSON length uint32 | length of inline arrays uint64 | JSON | arrays

Big-endian lengths; array bytes in the order that their descriptors in the header say.
"""

import io
import json
import math
import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Message = dict[str, Any]

MAGIC = b"AnW1"
MAX_HEADER_BYTES = 32 << 20
MAX_ARRAY_BYTES = 16 << 30
_HEAD = struct.Struct("!4sIQ")
_KINDS = frozenset("biufc")
_CHUNK = 1 << 20


class ProtocolError(Exception):
    """The other side sent something that is no message."""


class HungUp(Exception):  # noqa: N818 - the end of a conversation, not an error by itself
    """The other side closed the connection or ended."""


class Sharing(Protocol):
    """How arrays travel beside the stream; see `segments.Shared`."""

    def place(self, array: Array) -> "dict[str, Any] | None":
        """Put an array where the other side can see it; None if it has to go inline."""

    def view(self, place: Mapping[str, Any], dtype: "np.dtype[Any]", shape: Sequence[int]) -> Array:
        """Return the array that the other side put there."""

    def take_released(self) -> "list[str]":
        """Return the places that are no longer looked at since the last call."""

    def reuse(self, names: Iterable[str]) -> None:
        """Take back places that the other side has released."""


class Stream:
    """Sends and receives messages over two binary files; sending is thread-safe."""

    def __init__(
        self,
        reader: io.BufferedIOBase,
        writer: io.BufferedIOBase,
        sharing: "Sharing | None" = None,
        on_close: "Callable[[], object] | None" = None,
    ) -> None:
        self._reader, self._writer = reader, writer
        self.sharing = sharing
        self._on_close = on_close
        self._lock = threading.Lock()

    def send(self, message: Message, arrays: "Sequence[Array]" = ()) -> None:
        """Send a message and its arrays.

        Raises:
            HungUp: If the other side is gone.
        """
        try:
            with self._lock:
                self._send(message, arrays)
        except OSError as error:
            raise HungUp(str(error)) from error
        except ValueError as error:
            if self._writer.closed:
                raise HungUp(str(error)) from error
            raise

    def _send(self, message: Message, arrays: "Sequence[Array]") -> None:
        described, inline = [], []
        for array in arrays:
            place = self.sharing.place(array) if self.sharing else None
            described.append({"dtype": array.dtype.str, "shape": array.shape, "place": place})
            if place is None:
                inline.append(np.ascontiguousarray(array))
        header = {**message, "arrays": described}
        if self.sharing:
            header["released"] = self.sharing.take_released()
        text = json.dumps(header, separators=(",", ":")).encode()
        total = sum(array.nbytes for array in inline)
        self._writer.write(_HEAD.pack(MAGIC, len(text), total) + text)
        for array in inline:
            if array.nbytes:
                self._writer.write(array.reshape(-1).view(np.uint8).data)
        self._writer.flush()

    def receive(self) -> "tuple[Message, list[Array]]":
        """Wait for the next message.

        Raises:
            HungUp: If the other side is gone.
            ProtocolError: If what came is no message.
        """
        try:
            magic, length, inline = _HEAD.unpack(self._read(_HEAD.size))
            if magic != MAGIC or length > MAX_HEADER_BYTES or inline > MAX_ARRAY_BYTES:
                raise ProtocolError("these bytes are no message")
            header = json.loads(self._read(length))
        except (OSError, struct.error) as error:
            raise HungUp(str(error)) from error
        except ValueError as error:
            raise ProtocolError(f"a message has no JSON: {error}") from error
        if not isinstance(header, dict):
            raise ProtocolError("a message is no JSON object")
        arrays = [self._array(item, inline) for item in header.pop("arrays", [])]
        if self.sharing:
            self.sharing.reuse(header.pop("released", []))
        return header, arrays

    def _array(self, item: Mapping[str, Any], inline: int) -> Array:
        dtype, shape = _checked(item)
        if item["place"] is not None:
            if self.sharing is None:
                raise ProtocolError("an array lies in memory that is not shared")
            return self.sharing.view(item["place"], dtype, shape)
        if math.prod(shape) * dtype.itemsize > inline:
            raise ProtocolError("an array is longer than its message")
        array = np.empty(shape, dtype)
        if array.nbytes:
            self._fill(memoryview(array.reshape(-1).view(np.uint8)))  # type: ignore[arg-type]
        return array

    def _read(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) != count:
            raise HungUp("the connection ended")
        return data

    def _fill(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            count = self._reader.readinto(view[done : done + _CHUNK])
            if not count:
                raise HungUp("the connection ended within an array")
            done += count

    def close(self) -> None:
        """Close both directions; a waiting `receive` ends."""
        if self._on_close:
            self._on_close()
        for file in (self._writer, self._reader):
            try:
                file.close()
            except (OSError, ValueError):
                continue


def _checked(item: Mapping[str, Any]) -> "tuple[np.dtype[Any], tuple[int, ...]]":
    """Read a descriptor: plain numbers of a sane size, never objects."""
    try:
        dtype = np.dtype(item["dtype"])
        shape = tuple(int(length) for length in item["shape"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"an array is badly described: {error}") from error
    if dtype.kind not in _KINDS or dtype.fields is not None or dtype.subdtype is not None:
        raise ProtocolError(f"arrays of {dtype} are not passed on")
    if len(shape) > 32 or any(length < 0 for length in shape):
        raise ProtocolError(f"no array has the shape {shape}")
    if math.prod(shape) * dtype.itemsize > MAX_ARRAY_BYTES:
        raise ProtocolError(f"an array of shape {shape} is too large")
    return dtype, shape
