"""How near the joints of a photo's people are to the truth: OKS, PCK, and what a click moved."""

from collections.abc import Sequence

import numpy as np

from annotator.benchmark.poses.metrics import Float, errors, oks, torso
from annotator.benchmark.poses.simulator import Truth, worst_joint
from annotator.robustness.contract import History

REACH = 0.2
"""Joints within so many torsos of the truth are right: PCK@0.2."""


class PoseScores:
    """Scores of joints against the people of one photo; people are numbered from 0.

    Args:
        truth: The people, in the engine's joints.

    Attributes:
        people: Those of them that count.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self.people = tuple(truth.people[row] for row in truth.counting)
        self._torso = [
            max(torso(truth.skeleton, p.joints, p.labelled, p.box), 1e-9) for p in self.people
        ]

    def quality(self, joints: Sequence[Float]) -> float:
        """Return the mean OKS of the people."""
        found = [self.similarity(number, joint) for number, joint in enumerate(joints)]
        return float(np.mean(found)) if found else 1.0

    def similarity(self, person: int, joints: Float) -> float:
        """Return the OKS of joints [K, 2] with a person."""
        true = self.people[person]
        found = oks(joints[None], true.joints, true.labelled, true.area, self._truth.sigmas)
        return float(found[0])

    def pck(self, joints: Sequence[Float]) -> float:
        """Return the share of all labelled joints that are right."""
        right, count = 0, 0
        for person, found, length in zip(self.people, joints, self._torso, strict=True):
            near = errors(found, person.joints) <= REACH * length
            right += int((near & person.labelled).sum())
            count += int(person.labelled.sum())
        return right / count if count else 1.0

    def figures(
        self, person: int, before: Float, after: Float, clicks: History
    ) -> dict[str, float]:
        """Return what a click did to the joints of its person that nobody has placed."""
        true, length = self.people[person], self._torso[person]
        left = true.labelled.copy()
        left[[c.index for c in clicks if c.object_id == person + 1 and c.index is not None]] = False
        if not left.any():
            return {"drift": 0.0, "unplaced error": 0.0}
        return {
            "drift": float(errors(after, before)[left].mean()) / length,
            "unplaced error": float(errors(after, true.joints)[left].mean()) / length,
        }

    def worst(self, joints: Sequence[Float], clicks: History) -> tuple[int, int] | None:
        """Return person and joint that are farthest off, in fractions of the photo."""
        scale = np.array([self._truth.width, self._truth.height])
        found: list[tuple[float, int, int]] = []
        for number, row in enumerate(self._truth.counting):
            placed = [c.index for c in clicks if c.object_id == number + 1 and c.index is not None]
            joint = worst_joint(self._truth, row, joints[number], placed)
            if joint is not None:
                away = joints[number][joint] - self.people[number].joints[joint]
                found.append((-float((np.abs(away) / scale).sum()), number, joint))
        return min(found)[1:] if found else None
