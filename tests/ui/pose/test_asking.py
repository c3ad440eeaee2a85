"""What the engine is asked about people, in its own pixels and joints."""

import numpy as np
import pytest

from annotator.domain import COCO_17, LSP_14, Pose, Skeleton
from annotator.domain.people import drawn
from annotator.ui.pose import asking

BOX = (100.0, 200.0, 300.0, 600.0)


def person():
    drawn_ = drawn(COCO_17, 5, BOX)
    placed = ((120.5, 240.25), *drawn_.placed[1:])
    return type(drawn_)(5, "coco-17", BOX, drawn_.start, drawn_.visibility, placed).prompt()


def pose_of(prompt):
    joints = np.array([p.keypoints for p in prompt.people], np.float32)
    boxes = np.array([p.box for p in prompt.people], np.float32)
    return Pose(
        joints, np.ones(joints.shape[:2], np.uint8), boxes, np.ones(len(joints), np.float32)
    )


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_large_photos_are_asked_for_in_the_pixels_of_their_copy(factor):
    question = asking.refine([(person(), COCO_17)], [BOX], COCO_17, factor)
    first, second = question.prompt.people
    assert (first.object_id, second.object_id) == (1, 2)
    np.testing.assert_allclose(np.array(first.keypoints) * factor, person().keypoints)
    np.testing.assert_allclose(np.array(second.box) * factor, BOX)
    assert second.keypoints == ()
    pose = pose_of(type(question.prompt)(people=(first,)))
    found = asking.answer_for(pose, 0, person(), COCO_17, COCO_17, factor)
    np.testing.assert_allclose(found, person().keypoints, atol=1e-3)


def test_an_engine_with_other_joints_refines_those_that_both_have():
    (told,) = asking.refine([(person(), COCO_17)], [], LSP_14, 1.0).prompt.people
    assert len(told.keypoints) == 14
    neck, wrist = LSP_14.joints.index("neck"), LSP_14.joints.index("left_wrist")
    assert told.visibility[neck] == 0
    assert told.keypoints[wrist] == person().keypoints[9]
    answer = np.array([told.keypoints], np.float32) + 7
    pose = Pose(
        answer, np.ones((1, 14), np.uint8), np.zeros((1, 4), np.float32), np.ones(1, np.float32)
    )
    found = asking.answer_for(pose, 0, person(), COCO_17, LSP_14, 1.0)
    np.testing.assert_allclose(found[9], np.add(person().keypoints[9], 7), atol=1e-3)
    assert found[0] == person().keypoints[0]  # no nose in the other skeleton


def test_an_engine_without_common_joints_is_of_no_use():
    assert asking.helps(LSP_14, COCO_17)
    assert not asking.helps(LSP_14, Skeleton("fish", ("fin", "tail", "eye")))
    assert not asking.helps(None, COCO_17)


def test_a_guess_is_taken_over_into_the_skeleton_that_was_chosen():
    found = drawn(LSP_14, 0, BOX)
    person = asking.in_joints_of(found, LSP_14, COCO_17)
    assert len(person.start) == 17
    assert person.skeleton == "coco-17"
    wrist = COCO_17.joints.index("left_wrist")
    assert person.start[wrist] == found.start[LSP_14.joints.index("left_wrist")]
    assert person.start[0] == drawn(COCO_17, 0, BOX).start[0]
