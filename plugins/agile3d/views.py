"""Views of a scan: the same points, turned and divided into voxels that lie elsewhere.

Voxels of 5 cm blur the borders of small things, and a network of voxels answers a little
differently to a scan that was turned. The average over views whose voxels are displaced
errs less, and borders within a voxel become visible (test-time augmentation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import PointCloud
from models.agile3d import SceneEncoding, neighbour_pairs, quantize

from .voxels import Voxels, turned

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

_QUARTER = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
_PLACES = (
    (np.diag([-1, 1, 1]), (0.5, 0.5, 0.5)),
    (_QUARTER, (0.5, 0.0, 0.25)),
    (_QUARTER.T, (0.0, 0.5, 0.75)),
)
"""How each view after the first is turned about z or mirrored, and how many voxels its grid
is displaced by."""

MOST_VIEWS = 1 + len(_PLACES)

WORK = 22_000_000
"""Voxels times clicks of all views together, if their number is chosen: about a second and a half
a click on two processor cores; a single view may need more. The number of cores does not
count, or else answers would depend on it."""

_WITHOUT_CLICKS = 40
"""As many clicks as the work that does not depend on clicks is worth."""

MANY_CLICKS = 60
"""Clicks that all views of a scan shall be good for."""


@dataclass(frozen=True)
class View:
    """One view of a scan, encoded.

    Attributes:
        scene: The network's features.
        voxels: Where they are.
        colours: [V, 3] float32 in 0..1.
    """

    scene: SceneEncoding
    voxels: Voxels
    colours: Float32

    @cached_property
    def pairs(self) -> Int64:
        """Voxels that touch; only looked for when connectivity is asked for."""
        return neighbour_pairs(self.voxels.coords)


@dataclass(frozen=True)
class Cells:
    """Groups of points that no view tells apart.

    Attributes:
        voxels: For each view, the voxel of each cell, [views, C].
        inverse: [N] the cell of each point.
    """

    voxels: Int64
    inverse: Int64

    @classmethod
    def of(cls, views: Sequence[Voxels]) -> "Cells":
        """Intersect the voxels of all views; one view's cells are its voxels, in order."""
        first, *others = views
        inverse, rows = first.inverse, first.rows
        for view in others:
            keys = inverse * len(view.rows) + view.inverse
            _, rows, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return cls(np.stack([view.inverse[rows] for view in views]), inverse)


def automatic_views(voxels: int, clicks: int = MANY_CLICKS) -> int:
    """Return how many views are worth their time.

    Args:
        voxels: Voxels of the first view.
        clicks: Clicks of the prompt.

    Returns:
        `MOST_VIEWS` in rooms, 1 in huge scans; fewer the more clicks there are.
    """
    return max(1, min(MOST_VIEWS, WORK // (voxels * (_WITHOUT_CLICKS + clicks))))


def another_view(cloud: PointCloud, first: Voxels, number: int) -> Voxels:
    """Divide a cloud into the voxels of a further view, as large as the first view's.

    Args:
        cloud: The cloud that `first` was made of.
        first: Voxels of the first view.
        number: 1 to `MOST_VIEWS` - 1.
    """
    turn, displaced = _PLACES[number - 1]
    turn = turn.astype(np.float32) @ first.turn
    shifted = cloud.xyz - first.low
    grid = turned(shifted, turn) + np.array(displaced, np.float32) * np.float32(first.size)
    coords, rows, inverse = quantize(grid, first.size)
    return Voxels(first.size, coords, shifted[rows], first.low, rows, inverse, turn)


def colours_of(cloud: PointCloud, voxels: Voxels) -> Float32:
    """Return [V, 3] colours in 0..1 of the representing points; black for a colourless scan."""
    if cloud.rgb is None:
        return np.zeros((len(voxels.rows), 3), np.float32)
    return cloud.rgb[voxels.rows].astype(np.float32) / np.float32(255)


def view_to_arrays(view: View, number: int) -> dict[str, npt.NDArray[Any]]:
    """Return features and voxels by name; what voxels and colours decide is computed again."""
    arrays = {
        "features": view.scene.features.float().cpu().numpy(),
        "colours": view.colours,
        **{name: np.asarray(value) for name, value in vars(view.voxels).items()},
    }
    return {f"{name}.{number}": array for name, array in arrays.items()}


def voxels_from_arrays(arrays: Mapping[str, npt.NDArray[Any]], number: int) -> Voxels:
    """Rebuild the voxels of a view from `view_to_arrays`."""
    names = ("coords", "xyz", "low", "rows", "inverse", "turn")
    return Voxels(
        float(arrays[f"size.{number}"]), **{name: arrays[f"{name}.{number}"] for name in names}
    )
