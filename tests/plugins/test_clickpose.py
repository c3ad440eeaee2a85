import numpy as np
import pytest

from annotator.domain import (
    COCO_17,
    LSP_14,
    AnnotatorError,
    Cancelled,
    CancelToken,
    PersonPrompt,
    Prompt,
)
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import sample_image
from tests.plugins.weights import (
    compact_pose_state,
    install_pose_weights,
    tiny_pose_network,
)

BOX = (12.0, 6.0, 52.0, 50.0)
SMALL = {"short_side": 64, "long_side": 64}


def opened(variant="compact", keypoints=17, **parameters):
    if variant == "compact":
        install_pose_weights("compact", compact_pose_state())
    else:
        install_pose_weights("r50", tiny_pose_network(keypoints).state_dict())
    registry = PluginRegistry.discover(disk=False)
    return registry.open(f"clickpose:{variant}", device="cpu", parameters=SMALL | parameters)


def told(skeleton, *fixed, visibility=None, places=None):
    count = len(skeleton)
    laid = (
        np.asarray(BOX[:2]) + np.asarray(skeleton.layout) * [40, 44] if places is None else places
    )
    points = tuple((float(x), float(y)) for x, y in laid)
    marks = tuple(joint in fixed for joint in range(count))
    return PersonPrompt(1, BOX, points, visibility or (2,) * count, marks)


def answer(engine, *people):
    return engine.predict(engine.encode(sample_image()), Prompt(people=people))


@pytest.mark.parametrize(("variant", "skeleton"), [("compact", LSP_14), ("r50", COCO_17)])
def test_each_variant_states_its_skeleton(variant, skeleton):
    engine = opened(variant)
    assert engine.skeleton == skeleton
    assert engine.has_scores


def test_a_checkpoint_with_other_joints_gets_numbered_ones():
    engine = opened("r50", keypoints=5)
    assert engine.skeleton.joints == tuple(f"joint {n}" for n in range(1, 6))
    assert answer(engine, PersonPrompt(1, BOX)).keypoints.shape == (1, 5, 2)


@pytest.mark.parametrize("variant", ["compact", "r50"])
def test_what_is_said_of_visibility_stays(variant):
    engine = opened(variant)
    count = len(engine.skeleton)
    seen = (0, 1) + (2,) * (count - 2)
    pose = answer(engine, told(engine.skeleton, 3, visibility=seen))
    assert pose.visibility[0].tolist() == list(seen)


@pytest.mark.parametrize("variant", ["compact", "r50"])
def test_the_place_of_an_absent_joint_says_nothing(variant):
    engine = opened(variant)
    count = len(engine.skeleton)
    absent = (0,) + (2,) * (count - 1)
    laid = np.asarray(BOX[:2]) + np.asarray(engine.skeleton.layout) * [40, 44]
    moved = laid.copy()
    moved[0] = 0.0
    first, second = (
        answer(engine, told(engine.skeleton, 2, visibility=absent, places=p)) for p in (laid, moved)
    )
    np.testing.assert_array_equal(first.keypoints, second.keypoints)


def test_the_published_drift_is_a_choice():
    held, drifting = opened("r50"), opened("r50", drift=True)
    person = told(COCO_17, 4)
    given = np.asarray(person.keypoints, np.float32)[4]
    assert (answer(held, person).keypoints[0, 4] == given).all()
    assert (answer(drifting, person).keypoints[0, 4] != given).any()


def test_nobody_is_proposed_below_the_least_score():
    engine = opened("compact", least_score=0.99)
    pose = answer(engine)
    assert pose.keypoints.shape == (0, 14, 2)
    assert pose.scores.shape == (0,)


def test_a_person_of_another_skeleton_is_refused_in_words():
    with pytest.raises(AnnotatorError, match="has 17 joints; this engine works with 14"):
        answer(opened("compact"), told(COCO_17))


@pytest.mark.parametrize("variant", ["compact", "r50"])
def test_a_stop_is_heeded(variant):
    engine, token = opened(variant), CancelToken()
    encoding = engine.encode(sample_image())
    token.cancel()
    with pytest.raises(Cancelled):
        engine.predict(encoding, Prompt(people=(PersonPrompt(1, BOX),)), cancel=token)
    with pytest.raises(Cancelled):
        opened(variant).encode(sample_image(), cancel=token)
