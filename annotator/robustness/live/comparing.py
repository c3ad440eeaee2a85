"""Compares many masks with one: with the present one, or with the consensus of all."""

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Float32, Float64, Int64

Bool = npt.NDArray[np.bool_]
UInt8 = npt.NDArray[np.uint8]


def quality(mask: Bool, probability: Float32) -> float:
    """Return the expected IoU of a mask, if pixels belong to the object by their probabilities.

    More exactly the ratio of expected intersection and expected union,
    sum(m p) / sum(m + p - m p); 1 if both are empty.

    Args:
        mask: [S].
        probability: [S].
    """
    common = float(probability[mask].sum(dtype=np.float64))
    union = int(mask.sum()) + float(probability.sum(dtype=np.float64)) - common
    return common / union if union > 0 else 1.0


class Tally:
    """The masks that clicks at some places gave.

    Args:
        present: [S] the mask that there is now.
        voters: So many of the first masks make the consensus that all are compared with;
            with 0 they are compared with the present one.

    Attributes:
        rows: Of the places, in the order they were looked at.
        gains: What each mask gains, see `quality`.
    """

    def __init__(self, present: Bool, voters: int) -> None:
        self.present = present
        self.rows: list[int] = []
        self.gains: list[float] = []
        self._voters = voters
        self._votes = np.zeros(present.shape, np.int32)
        self._masks: list[UInt8] = []
        self._against: UInt8 = np.packbits(present)
        self._known: list[float] = []

    def add(self, row: int, mask: Bool, gain: float) -> None:
        """Note the mask [S] of a click at a place."""
        self.rows.append(row)
        self.gains.append(gain)
        self._masks.append(np.packbits(mask))
        if len(self.rows) <= self._voters:
            self._votes += mask
            self._against = np.packbits(self._votes * 2 > len(self.rows))
            self._known = []

    def agreements(self) -> Float64:
        """Return the IoU of each mask with what they are compared with."""
        new = self._masks[len(self._known) :]
        self._known += [_iou(mask, self._against) for mask in new]
        return np.array(self._known, np.float64)

    def own(self) -> float:
        """Return the IoU of the present mask with what all are compared with."""
        return _iou(np.packbits(self.present), self._against)


def _iou(first: UInt8, second: UInt8) -> float:
    union = int(np.bitwise_count(first | second).sum(dtype=np.int64))
    return int(np.bitwise_count(first & second).sum(dtype=np.int64)) / union if union else 1.0


def weights_of(nearest: Int64, count: int) -> Float64:
    """Return the share of all places for which each of `count` ones stands, by `share_out`."""
    return np.bincount(nearest, minlength=count) / max(len(nearest), 1)
