"""LZF, the compression of binary_compressed PCD files."""

from collections.abc import Callable

import numpy as np

MAX_RATIO = 88
"""A back reference of 3 bytes yields at most 264: no LZF stream grows by more."""

_MAX_OFFSET = 1 << 13
_MAX_COPY = 264
_LOOK_EVERY = 1 << 16
_BLOCK = 1 << 22


def decompress(data: bytes, size: int, look: Callable[[float], None] | None = None) -> bytes:
    """Return the `size` bytes that `data` stands for.

    Args:
        data: A raw LZF stream.
        size: Exact number of bytes that come out.
        look: Called now and then with the fraction done; may raise to stop.

    Raises:
        ValueError: If the stream is damaged or yields another size.
    """
    if size > len(data) * MAX_RATIO:
        raise ValueError("the stream is too short for its size")
    out = bytearray()
    position, end, next_look = 0, len(data), _LOOK_EVERY
    try:
        while position < end:
            control = data[position]
            position += 1
            if control < 32:  # a run of literal bytes
                out += data[position : position + control + 1]
                position += control + 1
            else:  # a copy of earlier output
                length = (control >> 5) + 2
                if length == 9:
                    length += data[position]
                    position += 1
                start = len(out) - ((control & 31) << 8) - data[position] - 1
                position += 1
                if start < 0:
                    raise ValueError("a back reference points before the start")
                _copy(out, start, length)
            if position > next_look:
                next_look = position + _LOOK_EVERY
                _check(out, size, position / end, look)
    except IndexError:
        raise ValueError("the stream ends inside an instruction") from None
    if position > end or len(out) != size:
        raise ValueError(f"the stream yields {len(out)} bytes, not {size}")
    return bytes(out)


def _copy(out: bytearray, start: int, length: int) -> None:
    """Append `length` bytes of `out` from `start`; the source may run into the copy."""
    piece = out[start : start + length]
    if len(piece) < length:
        piece = (piece * (length // len(piece) + 1))[:length]
    out += piece


def _check(
    out: bytearray, size: int, fraction: float, look: Callable[[float], None] | None
) -> None:
    if len(out) > size:
        raise ValueError(f"the stream yields more than {size} bytes")
    if look is not None:
        look(fraction)


def compress(data: bytes) -> bytes:
    """Return `data` as an LZF stream, each place compared with the last one that begins alike."""
    return b"".join(_compress_block(data[at : at + _BLOCK]) for at in range(0, len(data), _BLOCK))


def _compress_block(data: bytes) -> bytes:
    out = bytearray()
    position = 0
    places, candidates = _matches(data)
    for place, candidate in zip(places, candidates, strict=True):
        if place < position:
            continue
        _literals(out, data[position:place])
        length = _match_length(data, candidate, place)
        _reference(out, place - candidate - 1, length)
        position = place + length
    _literals(out, data[position:])
    return bytes(out)


def _matches(data: bytes) -> tuple[list[int], list[int]]:
    """Return the places whose three bytes occurred before within reach, and where last."""
    values = np.frombuffer(data, np.uint8).astype(np.uint32)
    keys = values[:-2] << 16 | values[1:-1] << 8 | values[2:]
    order = np.argsort(keys, kind="stable")
    again = keys[order[1:]] == keys[order[:-1]]
    places, before = order[1:][again], order[:-1][again]
    near = places - before <= _MAX_OFFSET
    ascending = np.argsort(places[near])
    return places[near][ascending].tolist(), before[near][ascending].tolist()


def _match_length(data: bytes, candidate: int, place: int) -> int:
    """Return how many bytes at `place` repeat those at `candidate`, 3 to 264."""
    low, high = 3, min(_MAX_COPY, len(data) - place)
    while low < high:
        middle = (low + high + 1) // 2
        if data[candidate : candidate + middle] == data[place : place + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _literals(out: bytearray, run: bytes) -> None:
    for start in range(0, len(run), 32):
        piece = run[start : start + 32]
        out.append(len(piece) - 1)
        out += piece


def _reference(out: bytearray, offset: int, length: int) -> None:
    """Append the instruction "copy `length` bytes from `offset` + 1 before here"."""
    code = length - 2
    if code < 7:
        out.append(code << 5 | offset >> 8)
    else:
        out.append(7 << 5 | offset >> 8)
        out.append(code - 7)
    out.append(offset & 0xFF)
