"""Attacks on corrective clicks: off by what people are off, in the joints' own sigmas."""

import numpy as np
import pytest

from annotator.domain import COCO_17, Click, Image, PersonPrompt, Prompt
from annotator.engine.registry import PluginRegistry
from annotator.robustness.attacks.attacking import attack
from annotator.robustness.datasets import People
from annotator.robustness.settings import Mode, Permitted, Settings
from annotator.robustness.targets import pose_answers
from annotator.robustness.targets.making import truth_of
from annotator.robustness.targets.pose import PoseTarget
from tests.plugins.fixtures.stick_figure.adapter import fitted
from tests.ui.conftest import FIXTURE_PLUGINS

BOXES = ((20.0, 10.0, 80.0, 150.0), (110.0, 20.0, 180.0, 160.0))
ANKLE, WRIST = 15, 9
PHOTO = Image(np.zeros((180, 200, 3), np.uint8), "figures")


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))
    registry = PluginRegistry.discover([FIXTURE_PLUGINS / "stick_figure"], disk=False)
    one = registry.open("stick-figure", device="cpu")
    yield one
    one.close()


def people():
    """Two figures like the engine's, but with one limb of each elsewhere."""
    keypoints = np.stack([fitted(box) for box in BOXES]).astype(np.float32)
    keypoints[0, ANKLE] += (25, -10)
    keypoints[1, WRIST] += (-12, 6)
    areas = np.array([(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in BOXES], np.float32)
    visibility = np.full((2, 17), 2, np.uint8)
    return People(keypoints, visibility, np.array(BOXES, np.float32), areas, COCO_17.joints)


@pytest.fixture
def target(engine):
    truth = truth_of(people(), engine.skeleton, 200, 180)
    return PoseTarget(engine, engine.encode(PHOTO), truth, "stick-figure", "figures")


def test_the_simulated_user_corrects_the_joint_that_is_farthest_off_exactly(target):
    round_ = target.round((), Permitted.CENTRE)
    click = round_.click(round_.region.baseline)
    assert (click.object_id, click.index) == (1, ANKLE)
    assert click.position == pytest.approx(tuple(people().keypoints[0, ANKLE]))


def test_clicks_stay_within_one_sigma_of_the_truth(target):
    region = target.round((), Permitted.CENTRE).region
    sigma = COCO_17.sigmas[ANKLE] * np.sqrt(people().areas[0])
    away = np.linalg.norm(region.positions - people().keypoints[0, ANKLE], axis=1)
    assert away.max() == pytest.approx(sigma, rel=1e-6)
    assert len(region) > 100
    assert away[region.baseline] == pytest.approx(0, abs=1e-9)
    assert region.weight.argmax() == region.baseline


def test_scores_at_once_are_those_of_clicks_one_by_one(target):
    round_ = target.round((), Permitted.CENTRE)
    rows = np.arange(0, len(round_.region), 9)
    scores = round_.score(rows)
    for number, row in enumerate(rows):
        judged = target.judge((round_.click(row),))
        assert judged.quality == pytest.approx(scores.quality[number], abs=1e-6)
        assert judged.extras["drift"] == pytest.approx(scores.extras["drift"][number], abs=1e-6)


def test_a_placed_joint_is_where_it_was_placed_and_others_drift(target):
    round_ = target.round((), Permitted.CENTRE)
    click = round_.click(0)
    joints = target.answers.joints((click,))
    assert tuple(joints[0][ANKLE]) == click.position
    judged = target.judge((click,))
    assert judged.extras["drift"] > 0
    assert 0 < judged.second <= 1


def test_the_engine_is_asked_like_the_window_asks_it(target, engine):
    round_ = target.round((), Permitted.CENTRE)
    click = round_.click(round_.region.baseline)
    told = target.answers.told(0, (click,))
    assert told.fixed[ANKLE]
    assert sum(told.fixed) == 1
    x0, y0, x1, y1 = told.box
    assert x0 <= click.position[0] <= x1
    assert y0 <= click.position[1] <= y1
    answer = engine.predict(engine.encode(PHOTO), Prompt(people=(told,)))
    assert answer.keypoints[0] == pytest.approx(target.answers.joints((click,))[0], abs=1e-3)


def test_trajectories_are_ordered_and_correct_one_joint_after_the_other(target):
    exact = attack(target, Mode.EXHAUSTIVE, Settings(clicks=3))
    ours = attack(target, Mode.OURS, Settings(clicks=3))
    assert exact.ordered
    assert ours.ordered
    first = exact.fields[0]
    assert first.exact
    assert exact.paths["min"][0].quality == pytest.approx(first.quality.min())
    assert ours.paths["min"][0].quality == pytest.approx(first.quality.min(), abs=0.01)
    placed = [(c.object_id, c.index) for c in exact.paths["base"][-1].clicks]
    assert placed[0] == (1, ANKLE)
    assert len(set(placed)) == 3
    low, high = (exact.paths[p][0].quality for p in ("min", "max"))
    assert low < high
    assert all("drift" in step.extras for step in exact.paths["min"])


def test_joints_that_the_engine_does_not_know_are_left_out(engine):
    few = people()
    names = (*reversed(COCO_17.joints[:3]), "tail")
    part = People(
        few.keypoints[:, [2, 1, 0, 5]], few.visibility[:, :4], few.boxes, few.areas, names
    )
    truth = truth_of(part, engine.skeleton, 200, 180)
    assert truth.people[0].labelled.tolist() == [True] * 3 + [False] * 14
    assert truth.people[0].joints[0] == pytest.approx(few.keypoints[0, 0])


def test_with_every_joint_placed_there_is_nothing_left(target, engine):
    clicks = ()
    for _ in range(34):
        round_ = target.round(clicks, Permitted.CENTRE)
        clicks = (*clicks, round_.click(round_.region.baseline))
    assert target.round(clicks, Permitted.CENTRE) is None
    assert target.judge(clicks).quality == pytest.approx(1.0)
    assert PersonPrompt(1, BOXES[0]).fixed == ()


def test_a_person_whose_answer_was_forgotten_is_asked_for_again(target, monkeypatch):
    monkeypatch.setattr(pose_answers, "_REMEMBERED", 1)  # two answers, as there are two people
    placed = Click((50.0, 60.0), 1, 0, index=ANKLE)
    first = target.answers.joints((placed,))[0]
    for x in range(5):
        other = Click((120.0 + x, 60.0), 2, 1, index=WRIST)
        joints = target.answers.joints((placed, other))
        np.testing.assert_array_equal(joints[0], first)
        assert tuple(joints[1][WRIST]) == other.position
