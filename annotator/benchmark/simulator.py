"""The simulated annotator of the AGILE3D protocol: always click the middle of the worst error."""

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from annotator.domain.cloud import Float32, Int32

Labels = npt.NDArray[np.integer]

NEARBY = 0.4
"""Metres around an error region within which the nearest point outside is sought first."""


@dataclass(frozen=True, slots=True)
class ErrorRegion:
    """All points with one pair of true and predicted object, and the place to click there.

    Regions are pairs, not connected components: that is the published rule.

    Attributes:
        truth: True object of the region: the click is credited to it (0 = background).
        prediction: What the engine says there.
        point: Row of the point farthest from every point outside the region.
        depth: That distance in metres: the region's size.
    """

    truth: int
    prediction: int
    point: int
    depth: float


def error_regions(xyz: Float32, truth: Labels, prediction: Labels) -> list[ErrorRegion]:
    """Find the error regions, deepest first.

    Args:
        xyz: [N, 3] metres.
        truth: [N] true objects, 0 = background.
        prediction: [N] predicted objects.

    Returns:
        One region for each pair of different true and predicted objects that occurs;
        equal depths keep ascending (truth, prediction) order.
    """
    wrong = truth != prediction
    pairs = np.unique(np.stack([truth[wrong], prediction[wrong]], axis=1), axis=0)
    regions = [_region(xyz, truth, prediction, int(t), int(p)) for t, p in pairs]
    return sorted(regions, key=lambda region: -region.depth)


def _region(
    xyz: Float32, truth: Labels, prediction: Labels, true_id: int, predicted_id: int
) -> ErrorRegion:
    inside = (truth == true_id) & (prediction == predicted_id)
    rows = np.flatnonzero(inside)
    if len(rows) == len(xyz):
        return ErrorRegion(true_id, predicted_id, int(rows[0]), np.inf)
    distance = _depths(xyz, inside, rows)
    best = int(np.argmax(distance))
    return ErrorRegion(true_id, predicted_id, int(rows[best]), float(distance[best]))


def _depths(
    xyz: Float32, inside: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the distance of each inside row to the nearest point outside, metres.

    A KD-tree gives the same distances as the full matrix of the published code, without
    its quadratic memory. The points in the region's box, widened by `NEARBY`, are enough
    as long as no distance exceeds that; building trees of whole scans took most of the
    time of a benchmark.
    """
    low, high = xyz[rows].min(axis=0) - NEARBY, xyz[rows].max(axis=0) + NEARBY
    near = ~inside & ((xyz >= low) & (xyz <= high)).all(axis=1)
    if near.any():
        distance: npt.NDArray[np.float64] = cKDTree(xyz[near]).query(xyz[rows], workers=-1)[0]
        if distance.max() <= NEARBY:
            return distance
    whole: npt.NDArray[np.float64] = cKDTree(xyz[~inside]).query(xyz[rows], workers=-1)[0]
    return whole


@dataclass(frozen=True, slots=True)
class SimulatedClick:
    """A click that the simulated annotator makes.

    Attributes:
        object_id: The object it is for; 0 = background.
        point: Row of the clicked point.
    """

    object_id: int
    point: int


def first_clicks(xyz: Float32, truth: Labels, shuffle: random.Random) -> list[SimulatedClick]:
    """Click every object once, in random order: round 0 of the protocol.

    Args:
        xyz: [N, 3] metres.
        truth: [N] true objects, 0 = background.
        shuffle: Generator that decides the order.
    """
    regions = error_regions(xyz, truth, np.zeros_like(truth))
    shuffle.shuffle(regions)
    return [SimulatedClick(region.truth, region.point) for region in regions]


def next_click(xyz: Float32, truth: Labels, prediction: Labels) -> SimulatedClick | None:
    """Click the middle of the deepest error region; None if nothing is wrong."""
    regions = error_regions(xyz, truth, prediction)
    return SimulatedClick(regions[0].truth, regions[0].point) if regions else None


def relabel(instances: Int32, chosen: npt.ArrayLike) -> Int32:
    """Give the chosen instances the ids 1..M in their order; everything else is background."""
    truth = np.zeros(instances.shape, np.int32)
    for new_id, instance in enumerate(np.asarray(chosen).tolist(), start=1):
        truth[instances == instance] = new_id
    return truth
