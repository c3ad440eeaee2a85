"""Poses as targets: the corrective click on a joint, off by what people are off.

A correction is never exact. COCO's sigmas say how far apart people place the same joint, as a
fraction of the person's scale (the root of the area); a click may go anywhere within one
sigma of the true place. The simulated user corrects the joint that is farthest off, over all
people, exactly. Clicks name their joint in `Click.index` and their person, from 1, in
`Click.object_id`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotator.benchmark.poses.metrics import Float
from annotator.benchmark.poses.simulator import Truth
from annotator.domain import CancelToken, Click
from annotator.engine.opened import OpenEngine
from annotator.robustness.contract import About, Floats, History, Judged, Region, Rows, Scores
from annotator.robustness.settings import Permitted
from annotator.robustness.targets.pose_answers import PoseAnswers
from annotator.robustness.targets.pose_scores import PoseScores

RINGS = 6
"""Candidates between the true place and one sigma."""

NOTES = (
    "People are given to the engine by their true boxes; the clicks correct its first guess.",
    "Each click may go anywhere within one COCO sigma of the true place; candidates are a sixth "
    "of that apart, so that strides count sixths of a sigma.",
    "The drift is how far, in torsos, a click moved those joints of its person that nobody has "
    "placed; the unplaced error is how far those are from the truth.",
)


class PoseTarget:
    """The people of one photo as a pose engine finds their joints.

    Args:
        engine: The engine.
        encoding: Of the photo.
        truth: Its people, in the engine's joints.
        engine_name: As the run names it.
        sample: Name of the sample.
    """

    def __init__(
        self,
        engine: OpenEngine,
        encoding: Any,  # noqa: ANN401 - opaque
        truth: Truth,
        engine_name: str,
        sample: str,
    ) -> None:
        self.truth, self.scores = truth, PoseScores(truth)
        self.answers = PoseAnswers(engine, encoding, [p.box for p in self.scores.people])
        self.about = About("pose", engine_name, sample, "OKS", "PCK@0.2", "px", 1.0, NOTES)

    def round(
        self, history: History, permitted: Permitted, cancel: CancelToken | None = None
    ) -> "PoseRound | None":
        """Return the round after a history; None if every joint was placed."""
        joints = self.answers.joints(history, cancel)
        worst = self.scores.worst(joints, history)
        if worst is None:
            return None
        person, joint = worst
        true = self.scores.people[person]
        scale = float(np.sqrt(max(true.area, 1.0)))
        region = _region(true.joints[joint], float(self.truth.sigmas[joint]) * scale)
        return PoseRound(self, history, region, person, joint, joints)

    def judge(self, clicks: History, cancel: CancelToken | None = None) -> Judged:
        """Return mean OKS, PCK and the further figures after clicks."""
        joints = self.answers.joints(clicks, cancel)
        extras: Mapping[str, float] = {}
        if clicks:
            before = self.answers.joints(clicks[:-1], cancel)
            person = clicks[-1].object_id - 1
            extras = self.scores.figures(person, before[person], joints[person], clicks)
        return Judged(self.scores.quality(joints), self.scores.pck(joints), extras)


class PoseRound:
    """One joint that is to be placed.

    Args:
        target: The photo.
        history: Clicks before.
        region: Around the true place.
        person: Number of the person, from 0.
        joint: Number of the joint.
        joints: [K, 2] of every person, as they stand.
    """

    def __init__(
        self,
        target: PoseTarget,
        history: History,
        region: Region,
        person: int,
        joint: int,
        joints: Sequence[Float],
    ) -> None:
        self._target, self._history, self.region = target, history, region
        self.person, self.joint, self._joints = person, joint, joints

    def click(self, row: int) -> Click:
        """Return the candidate as a click."""
        x, y = (float(value) for value in self.region.positions[row])
        return Click((x, y), self.person + 1, len(self._history), index=self.joint)

    def score(self, rows: Rows, cancel: CancelToken | None = None) -> Scores:
        """Score candidates: all of them in one inference, as people who stand side by side."""
        person, asked, scores = self.person, self._target.answers, self._target.scores
        runs = [(*self._history, self.click(int(row))) for row in rows]
        answers = asked.variants([asked.told(person, clicks) for clicks in runs], cancel)
        others = [
            scores.similarity(number, joints)
            for number, joints in enumerate(self._joints)
            if number != person
        ]
        quality = [
            (scores.similarity(person, a) + sum(others)) / (1 + len(others)) for a in answers
        ]
        figures = [
            scores.figures(person, self._joints[person], answer, clicks)
            for answer, clicks in zip(answers, runs, strict=True)
        ]
        names = figures[0] if figures else {}
        extras = {name: np.array([figure[name] for figure in figures]) for name in names}
        return Scores(np.array(quality), extras)


def _region(centre: Floats, sigma: float) -> Region:
    """Return places within one sigma of the true one, a lattice of a sixth of it.

    Args:
        centre: [2] the true place, pixels.
        sigma: Pixels.
    """
    steps = np.arange(-RINGS, RINGS + 1)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    offsets = offsets[(offsets**2).sum(axis=1) <= RINGS**2]
    step = sigma / RINGS
    away = np.linalg.norm(offsets, axis=1) * step
    weight = np.exp(-((away / max(sigma, 1e-9)) ** 2) / 2)
    return Region(
        positions=np.asarray(centre + offsets * step, np.float64),
        lattice=(offsets + RINGS).astype(np.int64),
        baseline=int(np.flatnonzero((offsets == 0).all(axis=1))[0]),
        weight=weight / weight.sum(),
        component=np.zeros(len(offsets), np.int64),
        depth=np.maximum(sigma - away, step),
    )
