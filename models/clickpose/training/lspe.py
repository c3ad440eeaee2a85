"""Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011): 10,000 people, 14 joints."""

from pathlib import Path

import numpy as np
import scipy.io

from models.clickpose.training.labelled import Labelled

HELD_BACK = 1000
"""The last images, for evaluation only."""


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
