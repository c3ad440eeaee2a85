"""From a point cloud to the network's voxels, and the choice of their size."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, PointCloud
from models.agile3d import quantize, roomy_size

from .upright import upright_turn

TRAINED_SIZE = 0.05
"""Voxel edge in metres that the network was trained with, on rooms."""
SMALLEST_SIZE = 0.002
VOXELS_ACROSS = 50
"""Voxels along the longest side of a scan smaller than a room."""
POINTS_PER_VOXEL = 1.2
"""With fewer the voxels of one surface no longer touch."""
OUTDOORS = 14.0
"""Scans longer than this many metres are made by laser out of doors, mostly."""
POINTS_OUTDOORS = 2.5
"""Points a voxel of such scans: far from the scanner they lie much wider apart."""
MAX_VOXELS = 400_000
"""A finer grid than this would not fit common memory."""
GROWTH = 1.25


@dataclass(frozen=True)
class Voxels:
    """A cloud as the network sees it.

    Attributes:
        size: Edge in metres.
        coords: [V, 3] int32, from zero.
        xyz: [V, 3] float32 metres from `low`, of the representing points.
        low: [3] float32, minimum of the cloud's local coordinates.
        rows: [V] int64, the point that represents each voxel.
        inverse: [N] int64, the voxel of each point.
        turn: [3, 3] float32 rotation that makes the scan upright for the network, in
            further views with a mirror; the voxels are those of the turned scan.
    """

    size: float
    coords: npt.NDArray[np.int32]
    xyz: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    inverse: npt.NDArray[np.int64]
    turn: npt.NDArray[np.float32]

    @property
    def scaled_xyz(self) -> npt.NDArray[np.float32]:
        """Positions [V, 3] magnified as much as the voxels are smaller than in training.

        A table top in 2 cm voxels is thus a room for the network, also where it reckons
        with metres. With voxels of 5 cm they are the positions themselves, turned upright.
        """
        return turned(self.xyz, self.turn) * np.float32(TRAINED_SIZE / self.size)


def voxelise(
    cloud: PointCloud, size: float = 0.0, *, upright: bool = False, sparse: bool = False
) -> Voxels:
    """Quantise a cloud the way the published evaluation does: minimum subtracted, float32.

    Args:
        cloud: At least one point.
        size: Voxel edge in metres; 0 chooses by `automatic_size`.
        upright: Turn table tops in a camera's frame so that they are level.
        sparse: Let the chosen edge grow on sparse scans that are larger than rooms.

    Raises:
        AnnotatorError: If the cloud is empty or far too large for the voxel size.
    """
    if not len(cloud):
        raise AnnotatorError(f"{cloud.name or 'The scan'} has no points.", "Open another scan.")
    low = cloud.xyz.min(axis=0)
    shifted = cloud.xyz - low
    size = size or automatic_size(shifted, sparse=sparse)
    try:
        coords, rows, inverse = quantize(shifted, size)
        turn = upright_turn(coords, shifted[rows]) if upright else np.eye(3, dtype=np.float32)
        if not np.array_equal(turn, np.eye(3)):
            coords, rows, inverse = quantize(turned(shifted, turn), size)
    except ValueError as error:
        raise AnnotatorError(
            f"{cloud.name or 'The scan'} cannot be divided into voxels: {error}.",
            "Set a larger voxel size.",
        ) from error
    return Voxels(size, coords, shifted[rows], low, rows, inverse, turn)


def turned(xyz: npt.NDArray[np.float32], turn: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rotate or mirror points [N, 3]; without a turn they stay as they are to the last bit."""
    return xyz if np.array_equal(turn, np.eye(3)) else xyz @ turn.T


def automatic_size(xyz: npt.NDArray[np.float32], *, sparse: bool = False) -> float:
    """Choose the voxel edge for points [N, 3] in metres.

    The network was trained on rooms with 5 cm. A scan whose longest side (between the
    1st and 99th percentile, so that strays do not count) is below 2.5 m gets a fiftieth
    of it, which makes a table top look nearly as large as a room: about 2 cm. (1 cm is no
    better at the first click, and worse from the second on.) The edge then grows until
    voxels hold 1.2 points on average (up to 5 cm) and until there are at most 400,000
    of them. With `sparse` it grows in scans longer than 14 m until voxels hold 2.5 points,
    which makes a street thinned to 10 cm as near a room as a table top.
    """
    sample = xyz[:: max(1, len(xyz) // 100_000)]
    low, high = np.percentile(sample, [1, 99], axis=0)
    longest = float((high - low).max())
    size = float(np.clip(longest / VOXELS_ACROSS, SMALLEST_SIZE, TRAINED_SIZE))
    if sparse and longest > OUTDOORS:
        size = roomy_size(xyz, POINTS_OUTDOORS, size)
    while True:
        count = len(quantize(xyz, size)[1])
        apart = size < TRAINED_SIZE and count * POINTS_PER_VOXEL > len(xyz)
        if not (apart or count > MAX_VOXELS):
            return size
        grown = size * GROWTH
        size = min(grown, TRAINED_SIZE) if size < TRAINED_SIZE else grown
