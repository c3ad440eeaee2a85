"""Engines for poses: skeletons through worker processes, and rules that catch broken promises."""

from pathlib import Path

import numpy as np
import pytest

from annotator.domain import COCO_17, AnnotatorError, Image, PersonPrompt, Prompt
from annotator.engine import contract_kinds as rules
from annotator.engine.contract_base import BrokenPromiseError
from annotator.engine.registry import PluginRegistry
from tests.engine.helpers import line_cloud, nearest_click_registry
from tests.engine.workers import opened

FIXTURES = Path(__file__).parents[1] / "plugins" / "fixtures" / "stick_figure"
BOX = (10.0, 10.0, 50.0, 90.0)


def photo():
    rgb = np.zeros((100, 120, 3), np.uint8)
    rgb[10:90, 10:50] = (255, 0, 0)
    return Image(rgb)


@pytest.fixture
def engine():
    engine = PluginRegistry.discover([FIXTURES], disk=False).open("stick-figure")
    yield engine
    engine.close()


def test_a_worker_tells_the_skeleton_and_answers_for_people(engine):
    boxed = PersonPrompt(7, BOX)
    here = engine.predict(engine.encode(photo()), Prompt(people=(boxed,)))
    with opened("stick-figure", [FIXTURES]) as far:
        assert far.skeleton == engine.skeleton == COCO_17
        assert far.has_scores is engine.has_scores is True
        there = far.predict(far.encode(photo()), Prompt(people=(boxed,)))
    assert (here.keypoints == there.keypoints).all()


def test_other_engines_have_no_skeleton_and_refuse_people():
    engine = nearest_click_registry().open("nearest-click")
    assert engine.skeleton is None
    assert not engine.has_scores
    with pytest.raises(AnnotatorError, match="understands no people"):
        engine.predict(engine.encode(line_cloud()), Prompt(people=(PersonPrompt(1, BOX),)))
    engine.close()


def breaking(engine, monkeypatch, change):
    """Let the plugin answer wrongly."""
    right = engine.engine.predict

    def predict(encoding, prompt, *, cancel=None):
        pose = right(encoding, prompt, cancel=cancel)
        change(pose, prompt)
        return pose

    monkeypatch.setattr(engine.engine, "predict", predict)


def shift_by_a_thousandth(pose, prompt):
    pose.keypoints[:] += 0.001


def follow_the_crowd(pose, prompt):
    pose.keypoints[:] += len(prompt.people)


def turn_around(pose, prompt):
    pose.scores[:] = np.arange(len(pose.scores)) / 9


@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        (rules.holds_fixed_joints, shift_by_a_thousandth, "a fixed joint moves by"),
        (rules.answers_for_each_person, follow_the_crowd, "if another is there"),
    ],
)
def test_broken_promises_are_found(engine, monkeypatch, rule, change, words):
    rule(engine)
    breaking(engine, monkeypatch, change)
    with pytest.raises(BrokenPromiseError, match=words):
        rule(engine)


def test_rising_scores_are_found(engine, monkeypatch):
    breaking(engine, monkeypatch, turn_around)
    monkeypatch.setattr(rules, "sample_image", two_patches)
    with pytest.raises(BrokenPromiseError, match="scores rise"):
        rules.proposes_by_falling_score(engine)


def two_patches():
    rgb = photo().rgb.copy()
    rgb[10:90, 60:100] = (255, 0, 0)
    return Image(rgb)


def test_a_missing_skeleton_is_found(engine, monkeypatch):
    rules.states_its_skeleton(engine)
    monkeypatch.delattr(type(engine.engine), "skeleton")
    with pytest.raises(BrokenPromiseError, match="states no `skeleton`"):
        rules.states_its_skeleton(engine)
