"""The simulated annotator: who is whom, and which joint is corrected next.

Follows the published protocol of Click-Pose: predictions are assigned to people once, at
least total cost (class 2, L1 of the joints 10, OKS 4, coordinates in fractions of the
photo); each round corrects the worst joint of every person that was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from annotator.benchmark.poses.metrics import Bool, Float, oks
from annotator.domain import Skeleton
from annotator.domain.people import PosedImage, PosedPerson, shared_joints


@dataclass(frozen=True)
class TruePerson:
    """One person of the ground truth, in the joints that are evaluated.

    Attributes:
        joints: [K, 2] pixels.
        labelled: [K] joints that are annotated, hidden ones too.
        box: (x0, y0, x1, y1) pixels.
        area: Square pixels.
        crowd: Whether it stands for a group, and does not count.
    """

    joints: Float
    labelled: Bool
    box: tuple[float, float, float, float]
    area: float
    crowd: bool

    @property
    def counts(self) -> bool:
        """Whether the evaluation asks for it."""
        return not self.crowd and bool(self.labelled.any())


@dataclass(frozen=True)
class Truth:
    """The people of one photo, in the engine's joints.

    Attributes:
        width: Pixels of a row.
        height: Rows.
        people: Everybody, crowds too.
        skeleton: The engine's; joints that the file does not have are never labelled.
        sigmas: [K].
    """

    width: int
    height: int
    people: tuple[TruePerson, ...]
    skeleton: Skeleton

    @classmethod
    def of(cls, image: PosedImage, skeleton: Skeleton) -> "Truth":
        """Return an annotated photo's people in the joints of an engine's skeleton."""
        people = tuple(_true_person(person, skeleton) for person in image.people)
        return cls(image.width, image.height, people, skeleton)

    @property
    def sigmas(self) -> Float:
        """Spread of each joint, [K]."""
        return np.array(self.skeleton.sigmas)

    @property
    def counting(self) -> list[int]:
        """Rows of the people that the evaluation asks for."""
        return [row for row, person in enumerate(self.people) if person.counts]

    def similarity(self, joints: Float) -> Float:
        """Return the OKS of predictions [P, K, 2] with everybody, [P, G]."""
        if not len(joints) or not self.people:
            return np.zeros((len(joints), len(self.people)))
        columns = [oks(joints, p.joints, p.labelled, p.area, self.sigmas) for p in self.people]
        return np.stack(columns, axis=1)


def _true_person(person: PosedPerson, skeleton: Skeleton) -> TruePerson:
    joints, labelled = np.zeros((len(skeleton), 2)), np.zeros(len(skeleton), bool)
    for theirs, ours in shared_joints(person.skeleton, skeleton):
        joints[ours] = person.keypoints[theirs]
        labelled[ours] = person.visibility[theirs] > 0
    x0, y0, x1, y1 = person.box
    area = (x1 - x0) * (y1 - y0) if person.area is None else person.area
    return TruePerson(joints, labelled, person.box, area, person.crowd)


def matched(truth: Truth, joints: Float, scores: Float) -> dict[int, int]:
    """Return which prediction is taken for which person: rows of predictions by rows of people.

    Args:
        truth: The people.
        joints: [P, K, 2] pixels.
        scores: [P] in 0..1.
    """
    rows = truth.counting
    if not rows or not len(joints):
        return {}
    cost = np.stack([_cost(truth, row, joints, scores) for row in rows], axis=1)
    predictions, people = linear_sum_assignment(cost)
    return {rows[p]: int(found) for found, p in zip(predictions, people, strict=True)}


def _cost(truth: Truth, row: int, joints: Float, scores: Float) -> Float:
    """Return the cost [P] of taking each prediction for one person."""
    person = truth.people[row]
    hit = 0.25 * (1 - scores) ** 2 * -np.log(scores + 1e-8)
    miss = 0.75 * scores**2 * -np.log(1 - scores + 1e-8)
    scale = np.array([truth.width, truth.height])
    distance = np.abs((joints - person.joints) / scale)[:, person.labelled].sum((1, 2))
    like = oks(joints, person.joints, person.labelled, person.area, truth.sigmas)
    cost: Float = 2 * (hit - miss) + 10 * distance + 4 * (1 - like)
    return cost


def worst_joint(
    truth: Truth, row: int, joints: Float, clicked: Sequence[int] | npt.NDArray[np.int64]
) -> int | None:
    """Return the labelled joint with the largest |dx| + |dy| in fractions of the photo.

    Args:
        truth: The people.
        row: The person.
        joints: [K, 2] as found.
        clicked: Joints that were corrected before: they are right already.

    Returns:
        None if all were corrected.
    """
    person = truth.people[row]
    scale = np.array([truth.width, truth.height])
    distance = (np.abs(joints - person.joints) / scale).sum(1)
    open_ = person.labelled.copy()
    open_[list(clicked)] = False
    return int(np.where(open_, distance, -1.0).argmax()) if open_.any() else None
