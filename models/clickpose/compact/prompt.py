"""What is said about the joints of a person."""

from typing import NamedTuple

from torch import Tensor

UNKNOWN, GUESSED, FIXED = 0, 1, 2


class JointPrompt(NamedTuple):
    """P prompts about each of B views.

    Attributes:
        places: (x, y), a view is 0..1, [B, P, K, 2]; ignored where unknown.
        states: UNKNOWN, GUESSED or FIXED, [B, P, K], int64.
    """

    places: Tensor
    states: Tensor
