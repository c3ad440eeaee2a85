"""One photo, corrected click by click until its people are right.

A round is one click on every person that was found, at the truth. AP of the photo's twenty
surest predictions is taken before each; the photo ends at the highest quality asked for, or
after 17 rounds. Without feedback a correction moves the joint clicked and nothing else.
Unlike the released code, corrections stay: a joint once clicked is right in every round.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from annotator.benchmark.poses.metrics import Float, average_precision, errors, torso
from annotator.benchmark.poses.simulator import Truth, matched, worst_joint
from annotator.domain import PersonPrompt, Pose, Prompt
from annotator.domain.people import enclosing, union
from annotator.domain.poses import VISIBLE

ROUNDS = 17
CANDIDATES = 20
QUALITIES = (0.85, 0.90, 0.95)
PCK_REACH = 0.2

Predict = Callable[[Prompt], Pose]


@dataclass(frozen=True)
class Protocol:
    """How a photo is worked on.

    Attributes:
        feedback: Whether the engine hears of corrections; else they are made by hand.
        from_boxes: Whether people are given by their true boxes instead of being found.
        rounds: Most clicks on each person.
    """

    feedback: bool = True
    from_boxes: bool = False
    rounds: int = ROUNDS


@dataclass
class Run:
    """What came of one photo.

    Attributes:
        photo: Its name.
        people: How many were to be found.
        missed: How many of them were never found; no click helps them.
        precision: AP after 0, 1, 2, … rounds.
        clicks: Clicks made in each round.
        hits: Joints within `PCK_REACH` torsos before any click, of people found.
        joints: Labelled joints of all people.
        unclicked: For each click, in torsos: mean error of the joints not yet clicked
            (this click's left out) before the click and after it.
        seconds: Of each round's prediction.
        oks: Mean OKS of the people before any click, 0 for missed ones.
    """

    photo: str
    people: int
    missed: int = 0
    precision: list[float] = field(default_factory=list)
    clicks: list[int] = field(default_factory=list)
    hits: int = 0
    joints: int = 0
    unclicked: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    oks: float = 0.0

    def rounds_to(self, quality: float, most: int = ROUNDS) -> int:
        """Return after how many rounds AP reached a quality; `most` if it never did."""
        reached = (k for k, found in enumerate(self.precision) if found >= quality - 1e-9)
        return next(reached, most)


@dataclass
class _Found:
    """A person that was found, and what was done to it.

    Attributes:
        prompt: What an engine would be told.
        joints: [K, 2] as they stand.
        clicked: Joints corrected so far.
    """

    prompt: PersonPrompt
    joints: Float
    clicked: list[int] = field(default_factory=list)


def run_photo(name: str, truth: Truth, predict: Predict, protocol: Protocol) -> Run:
    """Find the people of a photo and correct them until they are right.

    Args:
        name: Of the photo.
        truth: Its people.
        predict: The engine on this photo.
        protocol: How.
    """
    run = Run(name, len(truth.counting))
    first = _start(truth, predict, protocol, run)
    joints, scores = first.keypoints.astype(np.float64), first.scores.astype(np.float64)
    pairs = (
        dict(zip(truth.counting, range(len(joints)), strict=True))
        if protocol.from_boxes
        else matched(truth, joints, scores)
    )
    found = {
        row: _Found(_prompt(truth, row, first, prediction), joints[prediction])
        for row, prediction in pairs.items()
    }
    _measure_start(run, truth, joints, pairs)
    for turn in range(protocol.rounds + 1):
        run.precision.append(_precision(truth, joints, scores))
        if turn == protocol.rounds or run.precision[-1] >= QUALITIES[-1] - 1e-9:
            break
        if not _correct(truth, found, predict, protocol, run):
            break
        for row, prediction in pairs.items():
            joints[prediction] = found[row].joints
    return run


def _start(truth: Truth, predict: Predict, protocol: Protocol, run: Run) -> Pose:
    boxes = [
        PersonPrompt(number, truth.people[row].box) for number, row in enumerate(truth.counting, 1)
    ]
    started = time.perf_counter()
    pose = predict(Prompt(people=tuple(boxes)) if protocol.from_boxes else Prompt())
    run.seconds.append(time.perf_counter() - started)
    if protocol.from_boxes:
        return pose
    best = np.argsort(-pose.scores, kind="mergesort")[:CANDIDATES]
    return Pose(pose.keypoints[best], pose.visibility[best], pose.boxes[best], pose.scores[best])


def _prompt(truth: Truth, row: int, pose: Pose, prediction: int) -> PersonPrompt:
    x0, y0, x1, y1 = (float(v) for v in pose.boxes[prediction])
    points = tuple((float(x), float(y)) for x, y in pose.keypoints[prediction].tolist())
    count = len(points)
    return PersonPrompt(row + 1, (x0, y0, x1, y1), points, (VISIBLE,) * count, (False,) * count)


def _precision(truth: Truth, joints: Float, scores: Float) -> float:
    ignored = np.array([not person.counts for person in truth.people], bool)
    return average_precision(scores, truth.similarity(joints), ignored)


def _measure_start(run: Run, truth: Truth, joints: Float, pairs: dict[int, int]) -> None:
    run.missed = run.people - len(pairs)
    similarity = truth.similarity(joints)
    run.oks = sum(similarity[p, row] for row, p in pairs.items()) / max(run.people, 1)
    for row in truth.counting:
        person = truth.people[row]
        run.joints += int(person.labelled.sum())
        if row in pairs:
            reach = PCK_REACH * torso(truth.skeleton, person.joints, person.labelled, person.box)
            near = errors(joints[pairs[row]], person.joints) <= reach
            run.hits += int((near & person.labelled).sum())


def _correct(
    truth: Truth, found: dict[int, _Found], predict: Predict, protocol: Protocol, run: Run
) -> bool:
    """Click once on every person; say whether there was anything left to click."""
    clicked = {}
    for row, person in found.items():
        joint = worst_joint(truth, row, person.joints, person.clicked)
        if joint is not None:
            clicked[row] = joint
            person.clicked.append(joint)
    run.clicks.append(len(clicked))
    if not clicked:
        return False
    before = {row: found[row].joints.copy() for row in clicked}
    for row, joint in clicked.items():
        found[row].joints[joint] = truth.people[row].joints[joint]
    if protocol.feedback:
        _follow(truth, found, list(clicked), predict, run)
    for row in clicked:
        _note_unclicked(truth, row, found[row], before[row], run)
    return True


def _follow(
    truth: Truth, found: dict[int, _Found], rows: Sequence[int], predict: Predict, run: Run
) -> None:
    """Let the engine move the joints that were not clicked."""
    told = tuple(_told(truth, row, found[row]) for row in rows)
    started = time.perf_counter()
    answer = predict(Prompt(people=told)).keypoints.astype(np.float64)
    run.seconds.append(time.perf_counter() - started)
    for place, row in enumerate(rows):
        person = found[row]
        person.joints[:] = answer[place]
        person.joints[person.clicked] = truth.people[row].joints[person.clicked]


def _told(truth: Truth, row: int, person: _Found) -> PersonPrompt:
    """Return the first guess with every correction so far."""
    points, fixed = list(person.prompt.keypoints), list(person.prompt.fixed)
    for joint in person.clicked:
        x, y = truth.people[row].joints[joint].tolist()
        points[joint], fixed[joint] = (x, y), True
    box = union(person.prompt.box, enclosing(points[joint] for joint in person.clicked))
    seen = person.prompt.visibility
    return PersonPrompt(person.prompt.object_id, box, tuple(points), seen, tuple(fixed))


def _note_unclicked(truth: Truth, row: int, person: _Found, before: Float, run: Run) -> None:
    true = truth.people[row]
    left = true.labelled.copy()
    left[person.clicked] = False
    if left.any():
        scale = max(torso(truth.skeleton, true.joints, true.labelled, true.box), 1e-9)
        was = float(errors(before, true.joints)[left].mean()) / scale
        now = float(errors(person.joints, true.joints)[left].mean()) / scale
        run.unclicked.append((len(person.clicked), was, now))
