"""Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011): 10,000 people, 14 joints."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scipy.io
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HELD_BACK = 1000
"""The last images, for evaluation only."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """A person in a photo.

    Attributes:
        path: The photo.
        joints: (x, y), pixels from the corner of the first one, [14, 2].
        known: Whether a joint is labelled, [14].
    """

    path: Path
    joints: Floats
    known: NDArray[np.bool_]

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


def read_lspe(folder: Path, held_back: bool) -> list[Labelled]:
    """Return the people for training, or those held back for evaluation.

    Args:
        folder: With `joints.mat` and `images`.
        held_back: Whether the last 1,000 are wanted; otherwise the first 9,000.
    """
    table = scipy.io.loadmat(str(folder / "joints.mat"))["joints"].transpose(2, 0, 1)
    numbers = (
        range(len(table) - HELD_BACK, len(table)) if held_back else range(len(table) - HELD_BACK)
    )
    people = []
    for number in numbers:
        path = folder / "images" / f"im{number + 1:05d}.jpg"
        # Matlab counts pixel centres from one
        joints = table[number, :, :2].astype(np.float64) - 0.5
        people.append(Labelled(path, joints, table[number, :, 2] > 0))
    return people
