"""Run-length codes of masks as COCO defines them: runs down the columns, outside first.

The text form packs the runs six bits a character, each run from the third on as its
difference to the run two before (`rleToString` of the COCO API). It is decoded here rather
than in pycocotools, whose C code trusts what it reads.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from annotator.domain.masks import Inside

Counts = npt.NDArray[np.int64]

_LARGEST = 2**40


def encode(mask: Inside) -> Counts:
    """Return the lengths of the runs of a mask [H, W]; the first is of pixels outside."""
    flat = mask.T.ravel()  # column by column
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(starts)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    return runs.astype(np.int64)


def decode(counts: Sequence[int] | Counts, height: int, width: int) -> Inside:
    """Return the mask [height, width] of runs.

    Raises:
        ValueError: If the runs do not make up the mask.
    """
    runs = np.asarray(counts, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or (runs > _LARGEST).any():
        raise ValueError("the runs are not lengths")
    if int(runs.sum()) != height * width:
        raise ValueError(f"the runs cover {int(runs.sum())} of {height * width} pixels")
    values = np.arange(len(runs)) % 2 == 1
    mask: Inside = np.repeat(values, runs).reshape(width, height).T
    return mask


def to_text(counts: Sequence[int] | Counts) -> str:
    """Return runs as text."""
    runs = np.asarray(counts, np.int64)
    steps = runs.copy()
    steps[3:] -= runs[1:-2]
    return "".join(_packed(step) for step in steps.tolist())


def _packed(value: int) -> str:
    characters = []
    more = True
    while more:
        bits = value & 0x1F
        value >>= 5
        more = value != -1 if bits & 0x10 else value != 0
        characters.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(characters)


def from_text(text: str | bytes) -> Counts:
    """Return the runs that a text means.

    Raises:
        ValueError: If it is no such text.
    """
    data = text.encode("ascii") if isinstance(text, str) else text
    runs: list[int] = []
    value = shift = 0
    for byte in data:
        bits = byte - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("the text holds no runs")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if not 0 <= value <= _LARGEST:
            raise ValueError("the text holds runs that are not lengths")
        runs.append(value)
        value = shift = 0
    if shift:
        raise ValueError("the text ends within a run")
    return np.array(runs, np.int64)
