"""Regions of a photo that shall move, for animation engines."""

from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Region:
    """One region and what it shall do.

    Attributes:
        object_id: The object that it is; its words are those of the prompt for that object.
        mask: [H, W] bool in the photo's pixels.
        arrow: (x, y) in pixels, y down: the direction; its length does not count. None for
            what the words say.
        strength: Mean motion in pixels a frame; None for what the words say.
        confined: Whether pixels outside of the mask never change.
        softness: Width of the mask's soft edge in pixels; None for what suits the motion.
    """

    object_id: int
    mask: npt.NDArray[np.bool_]
    arrow: "Optional[tuple[float, float]]" = field(default=None)  # noqa: UP045 - workers: 3.9
    strength: "Optional[float]" = field(default=None)  # noqa: UP045
    confined: bool = False
    softness: "Optional[float]" = field(default=None)  # noqa: UP045

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Region)
            and self._plain == other._plain
            and np.array_equal(self.mask, other.mask)
        )

    def __hash__(self) -> int:
        return hash((self._plain, self.mask.shape, np.packbits(self.mask).tobytes()))

    @property
    def _plain(self) -> "tuple[object, ...]":
        return (self.object_id, self.arrow, self.strength, self.confined, self.softness)
