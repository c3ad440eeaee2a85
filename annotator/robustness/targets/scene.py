"""Scans as targets: a scene engine, a scan, its true objects.

A scan is encoded once; every candidate costs the decoder only. The simulated user is that of
AGILE3D's protocol: the middle of the deepest error region, which is a pair of true and
predicted object. A click may go to any voxel of that region.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import cKDTree

from annotator.benchmark.metrics import mean_iou
from annotator.benchmark.protocol import simulation_rows
from annotator.benchmark.simulator import error_regions
from annotator.domain import CancelToken, Click, Mask, PointCloud, Prompt
from annotator.domain.cloud import Int32, Int64
from annotator.engine.api import HasRepresentatives
from annotator.engine.opened import OpenEngine
from annotator.robustness.contract import About, Floats, History, Judged, Region, Rows, Scores
from annotator.robustness.settings import Permitted

IGNORE = -1
"""True label of points that do not count."""

TOUCHING = 1.8
"""Voxels within so many voxel edges touch, at corners too: the root of 3, and some slack."""

_REMEMBERED_MASKS = 64


class SceneTarget:
    """The objects of one scan as a scene engine segments them.

    Args:
        engine: The engine.
        encoding: Of the scan.
        cloud: The scan.
        truth: [N] true objects 1..M, 0 = background, `IGNORE` what does not count.
        engine_name: As the run names it.
        sample: Name of the sample.
    """

    def __init__(
        self,
        engine: OpenEngine,
        encoding: Any,  # noqa: ANN401 - opaque
        cloud: PointCloud,
        truth: npt.NDArray[np.integer],
        engine_name: str,
        sample: str,
    ) -> None:
        self.engine, self.encoding, self.cloud = engine, encoding, cloud
        self.truth: Int32 = np.asarray(truth, np.int32)
        self._counted = self.truth != IGNORE
        self.objects = tuple(int(i) for i in np.unique(self.truth) if i > 0)
        named = engine.engine
        rows = named.representatives(encoding) if isinstance(named, HasRepresentatives) else None
        rows = simulation_rows(cloud, rows)
        self.rows: Int64 = rows[self._counted[rows]]
        self.edge = _typical_gap(cloud.xyz[self.rows])
        quality = "IoU" if len(self.objects) == 1 else "mean IoU"
        self.about = About("scene", engine_name, sample, quality, "", "m", self.edge, NOTES)
        self._masks: OrderedDict[History, Int32] = OrderedDict()

    def round(
        self, history: History, permitted: Permitted, cancel: CancelToken | None = None
    ) -> "SceneRound | None":
        """Return the round after a history; None if nothing is wrong at any voxel.

        Voxels that were clicked before are not clicked again: the engine labels them as told.
        """
        xyz, truth = self.cloud.xyz[self.rows], self.truth[self.rows]
        found = self.labels(history, cancel)[self.rows]
        clicked = {click.index for click in history}
        free = np.array([int(row) not in clicked for row in self.rows], np.bool_)
        regions = error_regions(xyz, np.where(free, truth, 0), np.where(free, found, 0))
        if not regions:
            return None
        worst = regions[0]
        wrong = free & (truth == worst.truth) & (found == worst.prediction)
        region = _region(xyz, self.rows, wrong, worst.point, self.edge, permitted)
        return SceneRound(self, history, region, worst.truth)

    def judge(self, clicks: History, cancel: CancelToken | None = None) -> Judged:
        """Return the mean IoU of the objects over all points after clicks."""
        return Judged(self.quality(self.labels(clicks, cancel)))

    def quality(self, labels: Int32) -> float:
        """Return the mean IoU of labels [N] over the objects; a lost object has 0."""
        counted = self._counted
        return mean_iou(self.truth[counted], labels[counted])

    def labels(self, clicks: History, cancel: CancelToken | None = None) -> Int32:
        """Return the labels [N] after clicks; all background without any on an object."""
        if not any(click.object_id for click in clicks):
            return np.zeros(len(self.cloud), np.int32)
        if clicks not in self._masks:
            self._masks[clicks] = self.many([clicks], cancel)[0]
            if len(self._masks) > _REMEMBERED_MASKS:
                self._masks.popitem(last=False)
        return self._masks[clicks]

    def many(self, runs: Sequence[History], cancel: CancelToken | None = None) -> list[Int32]:
        """Return the labels [N] after several runs of clicks, together if the engine can."""
        prompts = [Prompt(clicks, self.objects) for clicks in runs]
        answers = self.engine.predict_many(self.encoding, prompts, cancel)
        return [answer.labels for answer in answers if isinstance(answer, Mask)]


NOTES = (
    "Clicks go to the points that stand for the engine's voxels; the IoU counts all points.",
    "Rule disk-inside permits voxels that the region surrounds on all sides.",
)


class SceneRound:
    """One click that is to be placed on a scan.

    Args:
        target: The scan.
        history: Clicks before.
        region: The voxels of the error region.
        object_id: The true object there, which the click is for; 0 = background.
    """

    def __init__(
        self, target: SceneTarget, history: History, region: Region, object_id: int
    ) -> None:
        self._target, self._history = target, history
        self.region, self._object_id = region, object_id

    def click(self, row: int) -> Click:
        """Return the candidate as a click."""
        x, y, z = (float(value) for value in self.region.positions[row])
        assert self.region.indices is not None  # as _region made it
        index = int(self.region.indices[row])
        return Click((x, y, z), self._object_id, len(self._history), index=index)

    def score(self, rows: Rows, cancel: CancelToken | None = None) -> Scores:
        """Score candidates by whole inference, that is the decoder."""
        runs = [(*self._history, self.click(int(row))) for row in rows]
        labels = self._target.many(runs, cancel)
        return Scores(np.array([self._target.quality(found) for found in labels]))


def _typical_gap(xyz: npt.NDArray[np.float32]) -> float:
    """Return the median distance of points [V, 3] to their nearest neighbour, metres."""
    if len(xyz) < 2:
        return 1.0
    away = cKDTree(xyz).query(xyz, k=2)[0][:, 1]
    return max(float(np.median(away)), 1e-6)


def _region(
    xyz: npt.NDArray[np.float32],
    rows: Int64,
    wrong: npt.NDArray[np.bool_],
    baseline: int,
    edge: float,
    permitted: Permitted,
) -> Region:
    """Return the permitted voxels of an error region as candidates.

    Args:
        xyz: [V, 3] points of all voxels, metres.
        rows: [V] their rows in the scan.
        wrong: [V] which voxels the region has.
        baseline: Number of the voxel that the simulated user clicks.
        edge: About the edge of a voxel, metres.
        permitted: Which rule holds.
    """
    inside = np.flatnonzero(wrong)
    depth = _depth(xyz, wrong, inside)
    component = _components(xyz[inside], edge)
    first = int(np.flatnonzero(inside == baseline)[0])
    allowed = np.ones(len(inside), np.bool_)
    if permitted is Permitted.DISK:
        allowed = depth > TOUCHING * edge
    elif permitted is Permitted.COMPONENT:
        allowed = component == component[first]
    allowed[first] = True
    chosen = inside[allowed]
    positions: Floats = xyz[chosen].astype(np.float64)
    weight = np.maximum(depth[allowed], edge)
    cells = np.floor(positions / edge).astype(np.int64)
    return Region(
        positions=positions,
        lattice=cells - cells.min(axis=0),  # cells of any size must get to be one
        baseline=int(np.flatnonzero(chosen == baseline)[0]),
        weight=weight / weight.sum(),
        component=component[allowed],
        depth=depth[allowed],
        indices=rows[chosen],
    )


def _depth(xyz: npt.NDArray[np.float32], wrong: npt.NDArray[np.bool_], inside: Int64) -> Floats:
    """Return the distance [C] of a region's points to the nearest outside it, metres."""
    if wrong.all():
        return np.full(len(inside), float(np.linalg.norm(np.ptp(xyz, axis=0))))
    return np.asarray(cKDTree(xyz[~wrong]).query(xyz[inside])[0], np.float64)


def _components(xyz: npt.NDArray[np.float32], edge: float) -> Rows:
    """Return which connected part [C] each point is in; voxels that touch are connected."""
    pairs = cKDTree(xyz).query_pairs(TOUCHING * edge, output_type="ndarray")
    ones = np.ones(len(pairs), np.int8)
    touching = sparse.coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), (len(xyz), len(xyz)))
    return np.asarray(sparse.csgraph.connected_components(touching, directed=False)[1], np.int64)
