"""People with labelled joints, whatever dataset they come from."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """A person in a photo.

    Attributes:
        path: The photo.
        joints: (x, y), pixels from the corner of the first one, in the order of Leeds Sports
            Pose, [14, 2].
        known: Whether a joint is labelled, [14].
        body: Box of the whole person (left, top, right, bottom), pixels, [4]; None where the
            joints show it.
    """

    path: Path
    joints: Floats
    known: NDArray[np.bool_]
    body: Floats | None = None

    def photo(self) -> NDArray[np.uint8]:
        """Return the photo, RGB [H, W, 3]."""
        return read_photo(self.path)


def read_photo(path: Path) -> NDArray[np.uint8]:
    """Return a photo, RGB [H, W, 3].

    Raises:
        OSError: If it cannot be read.
    """
    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise OSError(f"{path}: not a readable picture")
    return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)
