"""LZF, the compression of binary_compressed PCD files."""

from collections.abc import Callable

MAX_RATIO = 88
"""A back reference of 3 bytes yields at most 264: no LZF stream grows by more."""

_MAX_OFFSET = 1 << 13
_MAX_COPY = 264
_LOOK_EVERY = 1 << 16


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
    """Return `data` as an LZF stream: greedy, one candidate per three bytes."""
    out = bytearray()
    seen: dict[bytes, int] = {}
    position, literal_start, end = 0, 0, len(data)
    while position < end - 2:
        key = data[position : position + 3]
        candidate = seen.get(key, -_MAX_OFFSET - 1)
        seen[key] = position
        if position - candidate > _MAX_OFFSET:
            position += 1
            continue
        length = _match_length(data, candidate, position)
        _literals(out, data[literal_start:position])
        _reference(out, position - candidate - 1, length)
        position += length
        literal_start = position
    _literals(out, data[literal_start:])
    return bytes(out)


def _match_length(data: bytes, candidate: int, position: int) -> int:
    """Return how many bytes at `position` repeat those at `candidate`, 3 to 264."""
    limit = min(_MAX_COPY, len(data) - position)
    length = 3
    while length < limit and data[candidate + length] == data[position + length]:
        length += 1
    return length


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
