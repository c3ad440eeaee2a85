"""What photos add to the log: outside clicks, boxes, thresholds, candidates, reshaped masks."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Box, Click, Mask
from annotator.project import Project
from annotator.project.codec import CodecError, from_json, to_json
from annotator.project.events import ClicksAdded, MaskReshaped
from annotator.project.results import prompt_digest

SHAPE = (20, 30)


@pytest.fixture
def project(path):
    with Project.create(path) as opened:
        opened.add_asset(path.parent / "photo.png", "image", "pixels", SHAPE[0] * SHAPE[1])
        opened.set_engine(1, "clickseg", {})
        yield opened


def asset(project):
    return project.document.assets[1]


def reopened(project):
    path = project.path
    project.close()
    return Project.open(path)


def test_an_outside_click_stays_one_after_reopening(project):
    project.add_click(1, (3.5, 4.5), 2)
    project.add_click(1, (9.0, 4.5), 2, positive=False)
    with reopened(project) as again:
        assert [c.positive for c in asset(again).clicks] == [True, False]
        assert again.document.assets[1].prompt().of_object(2).clicks[1].object_id == 0


def test_clicks_of_files_from_before_there_were_outside_clicks_are_read():
    text = to_json(ClicksAdded(1, (Click((1.0, 2.0), 3, click_id=1),)))
    assert '"positive":true' in text
    old = from_json(ClicksAdded, text.replace('"positive":true,', ""))
    assert old.clicks == (Click((1.0, 2.0), 3, click_id=1),)
    with pytest.raises(CodecError):
        from_json(ClicksAdded, text.replace('"time_ns":0', '"when":0'))


def test_a_box_replaces_the_one_before_and_can_be_undone(project):
    project.set_box(1, Box(4, 1, 2, 10, 12))
    project.set_box(1, Box(4, 0, 2, 10, 12))
    assert asset(project).prompt().boxes == (Box(4, 0, 2, 10, 12),)
    assert list(asset(project).objects) == [4]
    project.undo()
    assert asset(project).boxes[4].x0 == 1
    project.remove_box(1, 4)
    assert not asset(project).boxes
    with reopened(project) as again:
        assert not asset(again).boxes
        again.undo()
        assert asset(again).boxes[4] == Box(4, 1, 2, 10, 12)


@pytest.mark.parametrize("box", [Box(1, 5, 5, 5, 9), Box(1, 5, 9, 8, 9), Box(0, 1, 1, 2, 2)])
def test_a_box_without_area_or_object_is_refused(project, box):
    with pytest.raises(AnnotatorError):
        project.set_box(1, box)
    assert not asset(project).boxes


def test_threshold_and_candidate_are_steps_of_the_history(project):
    project.add_click(1, (3.0, 3.0), 1)
    project.set_threshold(1, 1, 0.3)
    project.choose_candidate(1, 1, 2)
    assert asset(project).prompt().thresholds == ((1, 0.3),)
    assert asset(project).prompt().candidates == ((1, 2),)
    project.undo()
    project.undo()
    assert asset(project).prompt().thresholds == ()
    project.redo()
    project.set_threshold(1, 1, None)
    assert asset(project).prompt().thresholds == ()
    for bad in (0.0, 1.0, -3):
        with pytest.raises(AnnotatorError):
            project.set_threshold(1, 1, bad)


def test_removing_an_object_forgets_what_was_chosen_for_it(project):
    project.set_box(1, Box(2, 1, 1, 5, 5))
    project.set_threshold(1, 2, 0.7)
    project.choose_candidate(1, 2, 1)
    project.remove_object(1, 2)
    prompt = asset(project).prompt()
    assert (prompt.boxes, prompt.thresholds, prompt.candidates) == ((), (), ())


def test_a_stored_mask_belongs_to_the_whole_prompt(project):
    project.add_click(1, (3.0, 3.0), 1)
    mask = Mask(np.ones(SHAPE, np.int32))
    project.store_result(1, asset(project).prompt(), mask)
    assert project.stored_result(1) is not None
    project.set_threshold(1, 1, 0.2)
    assert project.stored_result(1) is None
    project.undo()
    assert project.stored_result(1) is not None
    project.add_click(1, (9.0, 9.0), 1, positive=False)
    inside = asset(project).prompt()
    outside = prompt_digest(asset(project), inside)
    project.undo()
    project.add_click(1, (9.0, 9.0), 1)
    assert prompt_digest(asset(project), asset(project).prompt()) != outside


def test_reshaping_gives_and_takes_points_in_one_step(project):
    project.add_click(1, (3.0, 3.0), 1)
    before = np.zeros(SHAPE, np.int32)
    before[5:10, 5:10] = 1
    project.store_result(1, asset(project).prompt(), Mask(before))
    project.reshape(1, 1, got=[0, 1, 2], lost=[5 * 30 + 5, 5 * 30 + 6])
    labels = project.labels_of(1)
    assert labels[0, :3].tolist() == [1, 1, 1]
    assert labels[5, 5:8].tolist() == [0, 0, 1]
    project.undo()
    assert (project.labels_of(1) == before).all()
    project.redo()
    with reopened(project) as again:
        assert (again.labels_of(1) == labels).all()


def test_reshaping_leaves_locked_objects_alone(project):
    project.paint(1, [0, 1, 2], 1)
    project.update_object(1, 1, locked=True)
    project.reshape(1, 2, got=[2, 3], lost=[0])
    assert project.labels_of(1).ravel()[:4].tolist() == [1, 1, 1, 2]
    assert project.reshape(1, 2, got=[0], lost=[1]) is None
    with pytest.raises(AnnotatorError):
        project.reshape(1, 1, got=[9], lost=[])


def test_a_reshaped_mask_carries_its_points_outside_the_text(project):
    project.reshape(1, 1, got=[4], lost=[7])
    event = MaskReshaped(1, 1, asset(project).edits[1].points)
    assert "points" not in to_json(event)
