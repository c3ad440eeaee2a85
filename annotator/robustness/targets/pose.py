"""Poses as targets: the corrective click on a joint, off by what people are off.

A correction is never exact. COCO's sigmas say how far apart people place the same joint, as a
fraction of the person's scale (the root of the area); a click may go anywhere within one
sigma of the true place. The simulated user corrects the joint that is farthest off, over all
people, exactly. Clicks name their joint in `Click.index` and their person, from 1, in
`Click.object_id`.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from annotator.benchmark.poses.metrics import Float, errors, oks, torso
from annotator.benchmark.poses.simulator import TruePerson, Truth, worst_joint
from annotator.domain import CancelToken, Click, PersonPrompt, Pose, Prompt, Skeleton
from annotator.domain.people import enclosing, union
from annotator.domain.poses import VISIBLE
from annotator.engine.opened import OpenEngine
from annotator.robustness.contract import About, Floats, History, Judged, Region, Rows, Scores
from annotator.robustness.datasets import People
from annotator.robustness.settings import Permitted

REACH = 0.2
"""Joints within so many torsos of the truth are right: PCK@0.2."""

RINGS = 6
"""Candidates between the true place and one sigma."""

NOTES = (
    "People are given to the engine by their true boxes; the clicks correct its first guess.",
    "Each click may go anywhere within one COCO sigma of the true place; candidates are a sixth "
    "of that apart, so that strides count sixths of a sigma.",
    "The drift is how far, in torsos, a click moved those joints of its person that nobody has "
    "placed; the unplaced error is how far those are from the truth.",
)

_REMEMBERED = 64


@dataclass(frozen=True, eq=False)
class _Person:
    """What an engine is told of one person before any click.

    Attributes:
        true: The truth.
        start: Their box and the engine's first guess in it.
    """

    true: TruePerson
    start: PersonPrompt

    @property
    def scale(self) -> float:
        """Root of the area, pixels."""
        return float(np.sqrt(max(self.true.area, 1.0)))


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
        self.engine, self.encoding, self.truth = engine, encoding, truth
        self.about = About("pose", engine_name, sample, "OKS", "PCK@0.2", "px", 1.0, NOTES)
        self._answers: OrderedDict[PersonPrompt, Float] = OrderedDict()
        boxed = [
            PersonPrompt(number, truth.people[row].box)
            for number, row in enumerate(truth.counting, 1)
        ]
        guesses = self._ask(boxed, None) if boxed else []
        self.people = tuple(
            _Person(truth.people[row], _started(box, joints))
            for row, box, joints in zip(truth.counting, boxed, guesses, strict=True)
        )
        self._torso = [
            max(torso(truth.skeleton, p.true.joints, p.true.labelled, p.true.box), 1e-9)
            for p in self.people
        ]

    # The contract -----------------------------------------------------------------------------

    def round(
        self, history: History, permitted: Permitted, cancel: CancelToken | None = None
    ) -> "PoseRound | None":
        """Return the round after a history; None if every joint was placed."""
        joints = self.joints(history, cancel)
        worst = self._worst(joints, history)
        if worst is None:
            return None
        person, joint = worst
        true = self.people[person].true
        sigma = float(self.truth.sigmas[joint]) * self.people[person].scale
        region = _region(true.joints[joint], sigma)
        return PoseRound(self, history, region, person, joint, joints)

    def judge(self, clicks: History, cancel: CancelToken | None = None) -> Judged:
        """Return mean OKS, PCK and the further figures after clicks."""
        joints = self.joints(clicks, cancel)
        extras: Mapping[str, float] = {}
        if clicks:
            before = self.joints(clicks[:-1], cancel)
            person = clicks[-1].object_id - 1
            extras = self.figures(person, before[person], joints[person], clicks)
        return Judged(self.quality(joints), self._pck(joints), extras)

    # What an engine says ------------------------------------------------------------------------

    def joints(self, clicks: History, cancel: CancelToken | None = None) -> list[Float]:
        """Return the joints [K, 2] of every person after clicks."""
        told = [self.told(number, clicks) for number in range(len(self.people))]
        new = [prompt for prompt in told if prompt not in self._answers and any(prompt.fixed)]
        for prompt, answer in zip(new, self._ask(new, cancel) if new else [], strict=True):
            self._answers[prompt] = answer
            if len(self._answers) > _REMEMBERED * max(len(self.people), 1):
                self._answers.popitem(last=False)
        return [self._answers[prompt] if any(prompt.fixed) else _array(prompt) for prompt in told]

    def told(self, person: int, clicks: History) -> PersonPrompt:
        """Return what the engine is told of a person after clicks: first guess, placed joints."""
        start = self.people[person].start
        points, fixed = list(start.keypoints), list(start.fixed)
        for click in clicks:
            if click.object_id == person + 1 and click.index is not None:
                points[click.index] = (float(click.position[0]), float(click.position[1]))
                fixed[click.index] = True
        if not any(fixed):
            return start
        placed = [point for point, is_fixed in zip(points, fixed, strict=True) if is_fixed]
        box = union(start.box, enclosing(placed))
        return replace(start, box=box, keypoints=tuple(points), fixed=tuple(fixed))

    def variants(self, prompts: Sequence[PersonPrompt], cancel: CancelToken | None) -> list[Float]:
        """Return the joints [K, 2] of variants of one person, all asked for at once.

        People do not influence one another, so that variants may stand side by side.
        """
        numbered = [replace(prompt, object_id=i) for i, prompt in enumerate(prompts, 1)]
        return self._ask(numbered, cancel)

    def _ask(self, prompts: Sequence[PersonPrompt], cancel: CancelToken | None) -> list[Float]:
        answer = self.engine.predict_as_is(self.encoding, Prompt(people=tuple(prompts)), cancel)
        assert isinstance(answer, Pose)  # as OpenEngine has checked
        return [
            _pinned(prompt, row)
            for prompt, row in zip(prompts, answer.keypoints.astype(np.float64), strict=True)
        ]

    # Scores -------------------------------------------------------------------------------------

    def quality(self, joints: Sequence[Float]) -> float:
        """Return the mean OKS of the people."""
        found = [self.similarity(number, joint) for number, joint in enumerate(joints)]
        return float(np.mean(found)) if found else 1.0

    def similarity(self, person: int, joints: Float) -> float:
        """Return the OKS of joints [K, 2] with a person."""
        true = self.people[person].true
        found = oks(joints[None], true.joints, true.labelled, true.area, self.truth.sigmas)
        return float(found[0])

    def _pck(self, joints: Sequence[Float]) -> float:
        """Return the share of all labelled joints that are right."""
        right, count = 0, 0
        for person, found, length in zip(self.people, joints, self._torso, strict=True):
            near = errors(found, person.true.joints) <= REACH * length
            right += int((near & person.true.labelled).sum())
            count += int(person.true.labelled.sum())
        return right / count if count else 1.0

    def figures(
        self, person: int, before: Float, after: Float, clicks: History
    ) -> dict[str, float]:
        """Return what a click did to the joints of its person that nobody has placed."""
        true, length = self.people[person].true, self._torso[person]
        left = true.labelled.copy()
        left[[c.index for c in clicks if c.object_id == person + 1 and c.index is not None]] = False
        if not left.any():
            return {"drift": 0.0, "unplaced error": 0.0}
        return {
            "drift": float(errors(after, before)[left].mean()) / length,
            "unplaced error": float(errors(after, true.joints)[left].mean()) / length,
        }

    def _worst(self, joints: Sequence[Float], clicks: History) -> tuple[int, int] | None:
        """Return person and joint that are farthest off, in fractions of the photo."""
        scale = np.array([self.truth.width, self.truth.height])
        found: list[tuple[float, int, int]] = []
        for number, row in enumerate(self.truth.counting):
            placed = [c.index for c in clicks if c.object_id == number + 1 and c.index is not None]
            joint = worst_joint(self.truth, row, joints[number], placed)
            if joint is not None:
                away = joints[number][joint] - self.people[number].true.joints[joint]
                found.append((-float((np.abs(away) / scale).sum()), number, joint))
        return min(found)[1:] if found else None


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
        target, person = self._target, self.person
        runs = [(*self._history, self.click(int(row))) for row in rows]
        answers = target.variants([target.told(person, clicks) for clicks in runs], cancel)
        others = [
            target.similarity(number, joints)
            for number, joints in enumerate(self._joints)
            if number != person
        ]
        quality = [
            (target.similarity(person, a) + sum(others)) / (1 + len(others)) for a in answers
        ]
        figures = [
            target.figures(person, self._joints[person], answer, clicks)
            for answer, clicks in zip(answers, runs, strict=True)
        ]
        names = figures[0] if figures else {}
        extras = {name: np.array([figure[name] for figure in figures]) for name in names}
        return Scores(np.array(quality), extras)


def _started(boxed: PersonPrompt, joints: Float) -> PersonPrompt:
    points = tuple((float(x), float(y)) for x, y in joints.tolist())
    count = len(points)
    return replace(boxed, keypoints=points, visibility=(VISIBLE,) * count, fixed=(False,) * count)


def _array(prompt: PersonPrompt) -> Float:
    return np.array(prompt.keypoints, np.float64).reshape(-1, 2)


def _pinned(prompt: PersonPrompt, joints: Float) -> Float:
    """Return joints [K, 2] with the placed ones exactly where they are, not rounded."""
    fixed = np.array(prompt.fixed, np.bool_)
    if fixed.any():
        joints = np.where(fixed[:, None], _array(prompt), joints)
    return joints


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


def truth_of(people: People, skeleton: Skeleton, width: int, height: int) -> Truth:
    """Return the people of a sample in an engine's joints; those it has not are unlabelled.

    Args:
        people: Of the sample.
        skeleton: The engine's.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
    """
    numbers = {name: number for number, name in enumerate(people.joints)}
    theirs = [numbers.get(name, -1) for name in skeleton.joints]
    known = np.array([number >= 0 for number in theirs], np.bool_)
    found = [
        TruePerson(
            joints[theirs].astype(np.float64),
            known & (visibility[theirs] > 0),
            (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            float(area),
            crowd=False,
        )
        for joints, visibility, box, area in zip(
            people.keypoints, people.visibility, people.boxes, people.areas, strict=True
        )
    ]
    return Truth(width, height, tuple(found), skeleton)
