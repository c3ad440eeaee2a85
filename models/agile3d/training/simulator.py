"""The simulated annotator of AGILE3D: clicks where the prediction is most wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int64]
Rng = np.random.Generator


@dataclass
class Clicks:
    """Clicks on the voxels of one scene, in order of time.

    Attributes:
        voxels: Clicked rows.
        objects: Object of each click, 0 is the background.
    """

    voxels: list[int] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)

    def add(self, regions: "Sequence[ErrorRegion]") -> None:
        """Append one click a region, in the given order."""
        self.voxels += [region.voxel for region in regions]
        self.objects += [region.truth for region in regions]


@dataclass(frozen=True)
class ErrorRegion:
    """All voxels of one object that are mistaken for the same other object.

    Attributes:
        voxel: The voxel to click, deep inside the region.
        truth: Object the region belongs to.
        depth: Distance from the deepest voxel to the nearest one outside, metres.
    """

    voxel: int
    truth: int
    depth: float


def error_regions(
    xyz: Float, truth: Int, predicted: Int, rng: Rng | None = None
) -> list[ErrorRegion]:
    """Find the regions of error, deepest first.

    Args:
        xyz: Voxel positions in metres, [N, 3].
        truth: True objects [N].
        predicted: Predicted objects [N].
        rng: If given, half of the clicks land anywhere in the inner part of their region,
            as people's do; else all land on the deepest voxel, as in the evaluation.
    """
    wrong = truth != predicted
    pairs = np.unique(np.stack([truth[wrong], predicted[wrong]], axis=1), axis=0)
    regions = [
        _region(xyz, (truth == a) & (predicted == b), int(a), rng) for a, b in pairs.tolist()
    ]
    return sorted(regions, key=lambda region: -region.depth)


def _region(xyz: Float, inside: npt.NDArray[np.bool_], truth: int, rng: Rng | None) -> ErrorRegion:
    rows = np.flatnonzero(inside)
    if len(rows) == len(xyz):
        return ErrorRegion(int(rows[0]), truth, float("inf"))
    distance = _depths(xyz, inside, rows)
    chosen = int(distance.argmax())
    if rng is not None and rng.random() < 0.5:
        inner = np.flatnonzero(distance >= 0.4 * distance.max())
        chosen = int(rng.choice(inner))
    return ErrorRegion(int(rows[chosen]), truth, float(distance.max()))


def _depths(
    xyz: Float, inside: npt.NDArray[np.bool_], rows: Int, margin: float = 0.3
) -> npt.NDArray[np.float64]:
    """Return the distance of each inside row to the nearest voxel outside, metres.

    A tree of the voxels in the region's box, widened by a margin, is enough as long as no
    distance exceeds the margin; trees of whole scenes took most of the time.
    """
    low, high = xyz[rows].min(axis=0) - margin, xyz[rows].max(axis=0) + margin
    near = ~inside & ((xyz >= low) & (xyz <= high)).all(axis=1)
    if near.any():
        distance: npt.NDArray[np.float64] = cKDTree(xyz[near]).query(xyz[rows])[0]
        if distance.max() <= margin:
            return distance
    whole: npt.NDArray[np.float64] = cKDTree(xyz[~inside]).query(xyz[rows])[0]
    return whole
