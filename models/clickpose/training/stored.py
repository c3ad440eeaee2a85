"""Reading the cached features of views."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clickpose.compact.frame import SIDE


class Stored:
    """Several variants, one row a view.

    Args:
        folders: As `cache.write` leaves them.
        most: How many views to use; all if not said.
    """

    def __init__(self, folders: list[Path], most: int | None = None) -> None:
        self.maps = [
            [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("x4", "x8")]
            for folder in folders
        ]
        self.joints = np.concatenate([np.load(f / "joints.npy") for f in folders])[:most] / SIDE
        self.known = np.concatenate([np.load(f / "known.npy") for f in folders])[:most]
        self.starts = np.cumsum([0, *(len(maps[0]) for maps in self.maps)])

    def __len__(self) -> int:
        return len(self.known)

    def take(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return x4 [n, 24, 48, 48], x8 [n, 40, 24, 24], joints in 0..1 [n, K, 2], known."""
        which = np.searchsorted(self.starts, rows, side="right") - 1
        read = []
        for level in (0, 1):
            parts = [
                self.maps[v][level][row - self.starts[v]]
                for v, row in zip(which, rows, strict=True)
            ]
            stacked = torch.from_numpy(np.stack(parts).astype(np.float32))
            read.append(stacked.contiguous(memory_format=torch.channels_last))
        joints = torch.from_numpy(self.joints[rows].astype(np.float32))
        return read[0], read[1], joints, torch.from_numpy(self.known[rows])
