"""The simulated annotator clicks the worst joint of everyone, and counts what it takes."""

from dataclasses import replace

import numpy as np
import pytest

from annotator.benchmark.poses.protocol import Protocol, run_photo
from annotator.benchmark.poses.report import summarise
from annotator.benchmark.poses.simulator import Truth, matched, worst_joint
from annotator.domain import COCO_17, LSP_14, Pose
from annotator.domain.people import PosedImage, PosedPerson, drawn

BOXES = ((20.0, 20.0, 120.0, 220.0), (150.0, 30.0, 280.0, 230.0))


def posed(box, **changes):
    joints = drawn(COCO_17, 0, box).start
    person = PosedPerson(COCO_17, joints, (2,) * 17, box)
    return replace(person, **changes)


def truth_of(*people):
    return Truth.of(PosedImage("a.jpg", 300, 250, people), COCO_17)


class Shifting:
    """Finds everyone a little beside; one click tells it by how much."""

    def __init__(self, truth, offset, listens=True):
        self.truth, self.offset, self.listens = truth, np.array(offset), listens
        self.prompts = []

    def __call__(self, prompt):
        self.prompts.append(prompt)
        truth = np.array([p.joints for p in self.truth.people])
        if not prompt.people:
            return self._pose(truth + self.offset)
        return self._pose(np.stack([self._refined(p) for p in prompt.people]))

    def _refined(self, person):
        joints, fixed = np.array(person.keypoints), np.array(person.fixed)
        if self.listens:
            joints[~fixed] -= self.offset
        return joints

    def _pose(self, joints):
        count = len(joints)
        boxes = np.concatenate([joints.min(1), joints.max(1)], axis=1)
        scores = np.linspace(0.9, 0.8, count)
        return Pose(
            joints.astype(np.float32), np.full((count, 17), 2, np.uint8),
            boxes.astype(np.float32), scores.astype(np.float32),
        )  # fmt: skip


def test_feedback_needs_one_click_where_correction_by_hand_needs_many():
    truth = truth_of(*map(posed, BOXES))
    engine = Shifting(truth, (25.0, 10.0))
    heard = run_photo("a", truth, engine, Protocol(feedback=True))
    alone = run_photo("a", truth, engine, Protocol(feedback=False))
    assert heard.precision[0] < 0.5
    assert [heard.rounds_to(q) for q in (0.85, 0.9, 0.95)] == [1, 1, 1]
    assert alone.rounds_to(0.95) > 10
    assert alone.clicks[0] == 2
    assert len(heard.unclicked) == 2
    assert all(now < 1e-3 < was for _, was, now in heard.unclicked)
    assert all(now == was for _, was, now in alone.unclicked)


def test_corrections_are_told_together_and_stay():
    truth = truth_of(posed(BOXES[0]))
    engine = Shifting(truth, (25.0, 10.0), listens=False)
    run_photo("a", truth, engine, Protocol())
    told = [prompt.people[0] for prompt in engine.prompts[1:]]
    assert [sum(person.fixed) for person in told] == list(range(1, len(told) + 1))
    for person in told:
        for place, fixed, true in zip(
            person.keypoints, person.fixed, truth.people[0].joints.tolist(), strict=True
        ):
            assert not fixed or place == tuple(true)


def test_a_right_answer_needs_no_click_and_a_missed_person_all():
    truth = truth_of(*map(posed, BOXES))
    fine = run_photo("a", truth, Shifting(truth, (0.0, 0.0)), Protocol())
    assert (fine.rounds_to(0.95), fine.clicks, fine.missed) == (0, [], 0)
    half = truth_of(posed(BOXES[0]))
    missing = run_photo("a", truth, Shifting(half, (0.0, 0.0)), Protocol())
    assert (missing.rounds_to(0.85), missing.missed) == (17, 1)


def test_people_can_be_given_by_their_boxes():
    truth = truth_of(*map(posed, BOXES))
    engine = Shifting(truth, (0.0, 0.0))
    asked = []

    def predict(prompt):
        asked.append([person.box for person in prompt.people])
        return engine(replace(prompt, people=()))

    run = run_photo("a", truth, predict, Protocol(from_boxes=True))
    assert asked == [list(BOXES)]
    assert run.precision == [1.0]


def test_crowds_and_joints_without_a_label_are_never_clicked():
    half = posed(BOXES[0], visibility=(2,) * 5 + (0,) * 12)
    truth = truth_of(half, posed(BOXES[1], crowd=True))
    assert truth.counting == [0]
    far = np.zeros((17, 2))
    clicked = []
    while (joint := worst_joint(truth, 0, far, clicked)) is not None:
        clicked.append(joint)
    assert sorted(clicked) == [0, 1, 2, 3, 4]


def test_the_nearest_prediction_is_taken_for_each_person():
    truth = truth_of(*map(posed, BOXES))
    joints = np.stack([truth.people[1].joints + 3, truth.people[0].joints + 3, np.zeros((17, 2))])
    assert matched(truth, joints, np.array([0.5, 0.5, 0.5])) == {0: 1, 1: 0}


def test_joints_that_the_engine_does_not_know_are_left_out():
    truth = Truth.of(PosedImage("a.jpg", 300, 250, (posed(BOXES[0]),)), LSP_14)
    assert truth.people[0].labelled.sum() == 12


def test_the_summary_counts_per_photo():
    truth = truth_of(posed(BOXES[0]))
    runs = [
        run_photo("a", truth, Shifting(truth, offset), Protocol())
        for offset in ((0.0, 0.0), (25.0, 10.0))
    ]
    found = summarise(runs)
    assert found["NoC@85"] == found["NoC@95"] == 0.5
    assert found["PCK@0.2"] == pytest.approx(0.5)
    assert found["unclicked 1"] < 0.01
