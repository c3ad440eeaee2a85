"""Sets of point indices, small enough to keep in the log for ever."""

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_WIDTHS = ("u1", "u2", "u4", "u8")
_LARGEST = 2**40
"""More points than any scan has; a longer claim comes from a damaged file."""


@dataclass(frozen=True, slots=True)
class PointSet:
    """Ascending, distinct point indices, delta-coded and compressed.

    Neighbours on a surface are mostly neighbours in the file, so the differences are
    small: a brush stroke over 100,000 points takes a few kilobytes.

    Attributes:
        blob: One byte with the width of a difference, eight bytes with their number
            (both little-endian), then the differences, deflated.
    """

    blob: bytes

    @classmethod
    def from_indices(cls, indices: npt.ArrayLike) -> "PointSet":
        """Encode indices [K] in any order, duplicates allowed.

        Raises:
            ValueError: If an index is negative or not an integer.
        """
        array = np.asarray(indices)
        if array.size == 0:
            array = np.zeros(0, np.int64)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(f"indices must be [K] integers, not {array.shape} {array.dtype}")
        points = distinct(array.astype(np.int64))
        if len(points) and points[0] < 0:
            raise ValueError("indices must not be negative")
        steps = points.copy()
        steps[1:] -= points[:-1]
        return cls(_pack(steps))

    def __len__(self) -> int:
        return min(int.from_bytes(self.blob[1:9], "little"), _LARGEST + 1)

    def indices(self) -> npt.NDArray[np.int64]:
        """Return the indices [K] int64, ascending.

        Raises:
            ValueError: If the blob is damaged.
        """
        width = self.blob[0] if self.blob else 255
        count = len(self)
        if width >= len(_WIDTHS) or len(self.blob) < 9 or count > _LARGEST:
            raise ValueError("damaged point set")
        size = count * (1 << width)
        data = _inflate(self.blob[9:], size)
        if len(data) != size:
            raise ValueError("damaged point set")
        steps = np.frombuffer(data, dtype="<" + _WIDTHS[width])
        return np.cumsum(steps, dtype=np.int64)


def _pack(steps: npt.NDArray[np.int64]) -> bytes:
    largest = int(steps.max(initial=0))
    width = next(w for w in range(4) if w == 3 or largest < 1 << (8 << w))
    data = zlib.compress(steps.astype("<" + _WIDTHS[width]).tobytes(), 1)
    return bytes([width]) + len(steps).to_bytes(8, "little") + data


def _inflate(data: bytes, size: int) -> bytes:
    """Inflate little more than `size` bytes, so that a hostile blob cannot fill the memory."""
    machine = zlib.decompressobj()
    try:
        out = machine.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError("damaged point set") from error
    if not machine.eof:
        raise ValueError("damaged point set")
    return out


def distinct(indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return indices [K] ascending, each once; indices that are so already cost next to nothing.

    Sorting is several times as fast as `np.unique`, which hashes.
    """
    if not len(indices) or bool((indices[1:] > indices[:-1]).all()):
        return indices
    ordered: npt.NDArray[np.int64] = np.sort(indices)
    once: npt.NDArray[np.int64] = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
    return once
