"""People in a project: every change is in the log, undone, replayed, and counted."""

from dataclasses import replace

import numpy as np
import pytest

from annotator.domain import COCO_17, AnnotatorError, Skeleton
from annotator.domain.people import drawn, moved, scaling, shifting, swapped, turning
from annotator.project import Project
from annotator.project.people_events import JointSetting
from annotator.project.replay import replay
from annotator.project.stats import statistics

BOX = (10.0, 20.0, 110.0, 220.0)


@pytest.fixture
def photo(path):
    with Project.create(path) as opened:
        opened.add_asset(path.parent / "a.jpg", "image", "content", 640 * 480)
        opened.set_engine(1, "stick-figure", {}, "poses")
        yield opened


def people_of(project):
    return project.asset(1).people


def place(project, joint, x, y, how="place", object_id=1, visibility=2):
    project.set_joints(1, object_id, [JointSetting(joint, (x, y), visibility)], how)


def add(project, count=1, how="proposed"):
    return project.add_people(1, [drawn(COCO_17, 0, BOX)] * count, how)


def test_people_become_objects_with_names_and_a_class(photo):
    assert add(photo, 2) == (1, 2)
    infos = photo.asset(1).objects
    assert [infos[i].name for i in (1, 2)] == ["Person 1", "Person 2"]
    assert infos[1].label == "person"
    assert infos[1].colour != infos[2].colour
    assert photo.undo_text == "Find people"


def test_placed_joints_stay_exactly_and_the_others_follow_the_answer(photo):
    add(photo)
    place(photo, 4, 33.1234567890123, 44.9876543210987)
    person = people_of(photo)[1]
    answer = [(x + 5.0, y) for x, y in person.keypoints]
    photo.hold_pose(1, person.prompt(), answer, run_ms=12.0)
    shown = photo.shown_joints(photo.asset(1), person)
    assert shown[4] == (33.1234567890123, 44.9876543210987)
    np.testing.assert_allclose(shown[:4], answer[:4], atol=1e-4)


def test_an_answer_belongs_to_what_was_told_and_comes_back_by_undo_and_reopening(photo, path):
    add(photo)
    place(photo, 4, 30.0, 40.0)
    first = people_of(photo)[1]
    photo.hold_pose(1, first.prompt(), [(1.0, 2.0)] * 17)
    place(photo, 5, 60.0, 70.0)
    assert photo.followed(photo.asset(1), people_of(photo)[1]) is None
    photo.undo()
    assert photo.followed(photo.asset(1), people_of(photo)[1]) == ((1.0, 2.0),) * 17
    photo.set_engine(1, "other", {}, "poses")
    assert photo.followed(photo.asset(1), people_of(photo)[1]) is None
    photo.undo()
    photo.close()
    with Project.open(path) as again:
        assert again.followed(again.asset(1), again.asset(1).people[1]) == ((1.0, 2.0),) * 17


def test_answers_for_people_are_no_masks(photo):
    add(photo)
    place(photo, 4, 30.0, 40.0)
    photo.hold_pose(1, people_of(photo)[1].prompt(), [(1.0, 2.0)] * 17)
    photo.add_click(1, (3.0, 3.0), 1)
    assert photo.mask_of(1) is None
    assert len(photo.result_records()) == 1


def test_releasing_a_joint_gives_back_its_first_guess(photo):
    add(photo)
    before = people_of(photo)[1].keypoints
    place(photo, 3, 1.0, 1.0)
    assert people_of(photo)[1].keypoints[3] == (1.0, 1.0)
    photo.set_joints(1, 1, [JointSetting(3, None, 2)], "release")
    assert people_of(photo)[1].keypoints == before
    assert not people_of(photo)[1].asks


def test_every_change_is_undone_and_done_again(photo):
    add(photo, 2)
    steps = [
        ("Place joint", lambda: place(photo, 0, 5.0, 6.0)),
        ("Change visibility", lambda: place(photo, 0, 5.0, 6.0, "visibility", visibility=1)),
        ("Move person", lambda: photo.set_person(1, shifted(photo), "move")),
        ("Swap left and right", lambda: photo.set_person(1, mirrored(photo), "swap")),
        ("Remove object", lambda: photo.remove_object(1, 2)),
        ("Copy people", lambda: add(photo, 1, "copied")),
    ]
    states = [photo.document]
    for text, step in steps:
        step()
        assert photo.undo_text == text
        states.append(photo.document)
    for state in reversed(states[:-1]):
        photo.undo()
        assert photo.document == state
    for state in states[1:]:
        photo.redo()
        assert photo.document == state


def shifted(project):
    person = people_of(project)[1]
    return moved(person, person.keypoints, shifting(3, -2))


def mirrored(project):
    person = people_of(project)[1]
    return swapped(person, person.keypoints, COCO_17, range(17))


def test_the_replay_shows_people_as_they_were(photo):
    add(photo)
    place(photo, 0, 5.0, 6.0)
    photo.undo()
    people = [step.document.assets[1].people for step in replay(photo) if step.document.assets]
    assert [sum(p[1].fixed) for p in people if 1 in p] == [0, 1, 0]


def test_locked_people_stay_as_they_are(photo):
    add(photo)
    photo.update_object(1, 1, locked=True)
    with pytest.raises(AnnotatorError, match="is locked"):
        place(photo, 0, 5.0, 6.0)
    with pytest.raises(AnnotatorError, match="is locked"):
        photo.set_person(1, shifted(photo), "move")


def test_placed_joints_count_as_clicks(photo):
    add(photo, 2)
    place(photo, 0, 5.0, 6.0)
    place(photo, 1, 5.0, 6.0, object_id=2)
    place(photo, 1, 5.0, 7.0, "move", object_id=2)
    photo.set_person(1, shifted(photo), "move")
    found = statistics(photo)
    assert (found.clicks, found.kept, found.edits) == (3, 2, 1)
    assert {o.object_id: o.clicks for o in found.objects} == {1: 1, 2: 2}


def test_skeletons_keep_their_meaning(photo):
    mine = Skeleton("mine", ("a", "b"), ((0, 1),))
    assert photo.add_skeleton(mine) == "mine"
    assert photo.add_skeleton(mine) == "mine"
    assert photo.add_skeleton(replace(mine, joints=("a", "c"))) == "mine 2"
    photo.add_people(1, [drawn(mine, 0, BOX)], "template")
    assert photo.skeleton_of(people_of(photo)[1]) == mine
    photo.undo()
    assert "mine" in photo.document.skeletons


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"skeleton": "unknown"}, "knows no skeleton"),
        ({"visibility": (2,)}, "needs 17 joints"),
        ({"visibility": (5,) * 17}, "none of 0, 1, 2"),
        ({"box": (3.0, 3.0, 3.0, 9.0)}, "no area"),
        ({"start": ((float("nan"), 0.0),) * 17}, "nowhere"),
    ],
)
def test_impossible_people_are_refused_in_words(photo, change, words):
    before = photo.document
    with pytest.raises(AnnotatorError, match=words):
        photo.add_people(1, [replace(drawn(COCO_17, 0, BOX), **change)], "imported")
    assert photo.document is before


@pytest.mark.parametrize("joint", [-1, 17])
def test_joints_that_are_not_there_are_refused(photo, joint):
    add(photo)
    with pytest.raises(AnnotatorError, match="no joint"):
        place(photo, joint, 1.0, 1.0)
    with pytest.raises(AnnotatorError, match="no person"):
        place(photo, 0, 1.0, 1.0, object_id=9)


def test_files_get_people_as_they_are_shown(photo):
    add(photo)
    place(photo, 9, 300.0, 400.0)
    (posed,) = photo.posed_image(photo.asset(1), 640, 480).people
    assert posed.keypoints[9] == (300.0, 400.0)
    assert posed.box == (10.0, 20.0, 300.0, 400.0)  # enlarged to hold the joint


@pytest.mark.parametrize(
    ("move", "back"),
    [
        (shifting(3, 4), shifting(-3, -4)),
        (scaling((50, 60), 2.0), scaling((50, 60), 0.5)),
        (turning((50, 60), 30), turning((50, 60), -30)),
    ],
)
def test_whole_persons_move_and_come_back(move, back):
    person = replace(drawn(COCO_17, 1, BOX), placed=((7.0, 8.0), *(None,) * 16))
    there = moved(person, person.keypoints, move)
    again = moved(there, there.keypoints, back)
    np.testing.assert_allclose(again.keypoints, person.keypoints, atol=1e-9)
    assert there.fixed == person.fixed
    assert there.placed[0] == move((7.0, 8.0))


def test_swapping_a_pair_leaves_the_others_alone():
    person = replace(drawn(COCO_17, 1, BOX), placed=(None,) * 5 + ((7.0, 8.0),) + (None,) * 11)
    twisted = swapped(person, person.keypoints, COCO_17, [5])
    assert twisted.placed[6] == (7.0, 8.0)
    assert twisted.keypoints[5] == person.keypoints[6]
    assert twisted.keypoints[7:] == person.keypoints[7:]
    assert swapped(twisted, twisted.keypoints, COCO_17, [6]).keypoints == person.keypoints
