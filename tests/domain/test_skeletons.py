"""Skeletons say which joint is on which side, and refuse what makes no sense."""

import pytest

from annotator.domain import COCO_17, LSP_14, PersonPrompt, Skeleton


@pytest.mark.parametrize(("skeleton", "joints"), [(COCO_17, 17), (LSP_14, 14)])
def test_shipped_skeletons_are_symmetric(skeleton, joints):
    assert len(skeleton) == len(skeleton.sigmas) == joints
    for a, b in skeleton.edges:
        other = {skeleton.mirror[a], skeleton.mirror[b]}
        assert any({c, d} == other for c, d in skeleton.edges)
    for left, right in skeleton.pairs:
        assert skeleton.joints[left] == skeleton.joints[right].replace("right", "left")
        assert skeleton.sigmas[left] == skeleton.sigmas[right]
        assert (skeleton.side_of(left), skeleton.side_of(right)) == (-1, 1)


@pytest.mark.parametrize("names", [("paw_R", "paw_L"), ("r ear", "l ear"), ("Right", "other")])
def test_names_tell_left_from_right(names):
    skeleton = Skeleton("pet", (*names, "nose"), mirror=(1, 0, 2))
    assert [skeleton.side_of(i) for i in range(3)] == [1, -1, 0]
    assert skeleton.pairs == ((1, 0),)


def test_without_telling_names_the_first_of_a_pair_is_left():
    assert Skeleton("x", ("a", "b"), mirror=(1, 0)).side_of(0) == -1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"joints": ()}, "no joints"),
        ({"joints": ("a", "a")}, "a name of its own"),
        ({"edges": ((0, 2),)}, "joins no two"),
        ({"edges": ((1, 1),)}, "joins no two"),
        ({"mirror": (1, 1)}, "mirrors another"),
        ({"mirror": (0,)}, "2 mirrored"),
        ({"mirror": (0, 5)}, "2 mirrored"),
        ({"sigmas": (0.1, 0.0)}, "2 sigmas"),
    ],
)
def test_impossible_skeletons_are_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        Skeleton("odd", **({"joints": ("a", "b")} | wrong))


def test_a_person_with_marks_for_other_joints_is_refused():
    with pytest.raises(ValueError, match="as many"):
        PersonPrompt(1, (0, 0, 1, 1), ((0.0, 0.0),), (2,), ())
