"""What each action does to the document, to the labels shown, and to the history."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Click, LabelClass, LabelSet, Mask
from annotator.project import Project
from annotator.project.history import MARK_EVERY
from tests.project.conftest import POINTS


def asset(project):
    return project.document.assets[1]


def ids(project):
    return [click.click_id for click in asset(project).clicks]


def click(project, object_id=1, x=0.0):
    return project.add_click(1, (x, 1.0, 2.0), object_id, index=7)


def show(project, labels):
    project.store_result(1, asset(project).prompt(), Mask(np.asarray(labels, np.int32)))


def constant(object_id):
    return np.full(POINTS, object_id, np.int32)


def test_a_click_keeps_its_place_object_time_and_order(project):
    first = project.add_click(1, np.float32([1.5, 2.5, -3.5]), 2, index=np.int64(9), time_ns=123)
    second = click(project)
    assert asset(project).clicks == (first, second)
    assert first == Click((1.5, 2.5, -3.5), 2, order=0, time_ns=123, index=9, click_id=1)
    assert (second.order, second.click_id) == (1, 2)
    assert second.time_ns > 1e18  # now, in nanoseconds since the epoch


def test_clicking_with_a_new_number_makes_the_object(project):
    click(project, 3)
    click(project, 0)
    assert list(asset(project).objects) == [3]
    assert asset(project).next_object_id == 4
    assert asset(project).prompt().object_ids == (3,)


def test_several_clicks_at_once_are_one_step(project):
    project.add_clicks(1, [Click((0, 0, 0), 1), Click((1, 0, 0), 2), Click((2, 0, 0), 0)])
    assert [c.order for c in asset(project).clicks] == [0, 1, 2]
    project.undo()
    assert asset(project).clicks == ()
    assert asset(project).objects == {}
    project.redo()
    assert [c.object_id for c in asset(project).clicks] == [1, 2, 0]


def test_any_click_can_be_moved_and_removed(project):
    clicks = [click(project, x=i) for i in range(4)]
    project.move_click(1, clicks[1].click_id, (9, 9, 9), 5)
    moved = asset(project).clicks[1]
    assert (moved.position, moved.index) == ((9.0, 9.0, 9.0), 5)
    assert (moved.order, moved.time_ns) == (1, clicks[1].time_ns)
    project.remove_click(1, clicks[0].click_id)
    assert ids(project) == [2, 3, 4]
    assert [c.order for c in asset(project).clicks] == [0, 1, 2]
    project.undo()
    assert ids(project) == [1, 2, 3, 4]


def test_an_undone_clicks_id_is_not_used_again(project):
    click(project)
    project.undo()
    assert click(project).click_id == 2


def test_a_new_step_ends_what_could_be_redone(project):
    click(project)
    project.undo()
    assert project.can_redo
    click(project)
    assert not project.can_redo
    assert project.redo() is None


def test_undo_and_redo_say_what_they_are_about(project):
    assert (project.can_undo, project.undo_text) == (False, "")
    click(project)
    project.paint(1, [1], 1)
    assert project.undo_text == "Edit mask"
    project.undo()
    assert (project.undo_text, project.redo_text) == ("Add click", "Edit mask")


def test_looking_around_is_no_step_and_keeps_what_can_be_redone(project):
    click(project)
    click(project)
    project.undo()
    project.record_camera(1, {"yaw": 1.0})
    project.update_object(1, 1, visible=False)
    project.add_asset("other.ply", "cloud", "x", 5)
    assert project.camera_of(1) == '{"yaw":1.0}'
    assert (project.undo_text, project.can_redo) == ("Add click", True)
    project.undo()
    assert asset(project).objects == {}  # the hidden object went with its click
    project.redo()
    project.redo()
    assert ids(project) == [1, 2]
    assert len(project.document.assets) == 2


def test_the_first_engine_is_no_step_but_switching_is(project):
    assert not project.can_undo
    assert project.set_engine(1, "agile3d:compact", {"voxel": 0.05}) is None
    project.set_engine(1, "other")
    assert project.undo_text == "Switch engine"
    project.undo()
    assert (asset(project).engine_ref, asset(project).parameters) == (
        "agile3d:compact",
        {"voxel": 0.05},
    )


def test_hundreds_of_steps_are_undone_and_redone_one_by_one(project):
    count = 2 * MARK_EVERY + 5
    documents = [project.document]
    for i in range(count):
        click(project, 1 + i % 3)
        documents.append(project.document)
    for expected in reversed(documents[:-1]):
        project.undo()
        assert project.document == expected
    assert project.undo() is None
    for expected in documents[1:]:
        project.redo()
        assert project.document == expected


def test_every_change_is_announced_with_its_topics(project):
    seen = []
    project.changed.connect(seen.append)
    click(project)
    project.record_camera(1, "{}")
    project.undo()
    show(project, constant(0))
    assert [change.asset_id for change in seen] == [1, 1, 1, 1]
    assert seen[0].topics == {"clicks", "objects", "labels", "history"}
    assert seen[1].topics == {"camera"}
    assert seen[2].topics == seen[0].topics
    assert seen[3].topics == {"result", "labels"}


def test_an_action_that_makes_no_sense_changes_nothing(project):
    click(project)
    before, seq = project.document, project.last_seq
    for action in (
        lambda: project.add_click(9, (0, 0, 0), 1),
        lambda: project.add_click(1, (0, 0, 0), -1),
        lambda: project.move_click(1, 99, (0, 0, 0)),
        lambda: project.remove_click(1, 99),
        lambda: project.update_object(1, 99, name="x"),
        lambda: project.remove_object(1, 99),
        lambda: project.merge_objects(1, 1, 1),
        lambda: project.merge_objects(1, 1, 2),
        lambda: project.paint(1, [POINTS], 1),
        lambda: project.paint(1, [-1], 1),
    ):
        with pytest.raises(AnnotatorError):
            action()
    with pytest.raises(ValueError, match="JSON"):
        project.add_click(1, (0.0, float("nan"), 0.0), 1)
    assert (project.document, project.last_seq) == (before, seq)


def test_objects_are_named_coloured_classed_and_restored(project):
    project.set_label_set(LabelSet((LabelClass(1, "chair"),)))
    info = project.add_object(1, name="Seat", label="chair", colour=(1, 2, 3))
    assert (info.object_id, info.name, info.label, info.colour) == (1, "Seat", "chair", (1, 2, 3))
    project.update_object(1, 1, name="Stool", colour=[4, 5, 6], label="")
    changed = asset(project).objects[1]
    assert (changed.name, changed.label, changed.colour) == ("Stool", "", (4, 5, 6))
    project.undo()
    assert asset(project).objects[1] == info
    assert project.document.label_set.by_name("chair").label_id == 1


def test_ids_of_removed_objects_are_not_given_again(project):
    click(project, 1)
    click(project, 2)
    project.remove_object(1, 2)
    assert [c.object_id for c in asset(project).clicks] == [1]
    assert project.add_object(1).object_id == 3


def test_a_result_belongs_to_its_prompt_and_comes_back_with_undo(project):
    click(project, 1)
    show(project, constant(1))
    click(project, 2)
    assert project.stored_result(1) is None
    show(project, constant(2))
    project.undo()
    assert (project.stored_result(1).labels == 1).all()
    project.redo()
    assert (project.stored_result(1).labels == 2).all()


def test_a_result_belongs_to_its_engine_and_parameters(project):
    click(project)
    show(project, constant(1))
    project.set_engine(1, "agile3d:compact", {"voxel": 0.1})
    assert project.stored_result(1) is None
    project.undo()
    assert project.stored_result(1) is not None
    project.move_click(1, 1, (5, 5, 5))
    assert project.stored_result(1) is None


def test_a_late_result_is_filed_under_the_prompt_it_was_made_from(project):
    click(project)
    early = asset(project).prompt()
    project.set_engine(1, "other")
    click(project, 2)
    project.store_result(
        1, early, Mask(constant(1)), engine_ref="agile3d:compact", parameters={"voxel": 0.05}
    )
    assert project.stored_result(1) is None
    project.undo()
    project.undo()
    assert project.stored_result(1) is not None


def test_a_new_object_without_clicks_keeps_the_mask(project):
    click(project)
    show(project, constant(1))
    project.add_object(1)
    assert project.stored_result(1) is not None


def test_labels_are_nothing_before_the_first_result(project):
    assert project.labels_of(1) is None
    click(project)
    assert project.labels_of(1) is None
    assert (project.labels_of(1, Mask(constant(1))) == 1).all()


def test_edits_show_even_without_a_mask(project):
    project.paint(1, [3, 5], 2)
    assert np.flatnonzero(project.labels_of(1)).tolist() == [3, 5]


def test_later_strokes_cover_earlier_ones_and_undo_uncovers_them(project):
    click(project, 1)
    show(project, constant(1))
    project.paint(1, np.arange(0, 10), 2)
    project.paint(1, np.arange(5, 15), 0)
    labels = project.labels_of(1)
    assert labels[:5].tolist() == [2] * 5
    assert labels[5:15].tolist() == [0] * 10
    assert (labels[15:] == 1).all()
    project.undo()
    assert project.labels_of(1)[:11].tolist() == [2] * 10 + [1]
    project.undo()
    assert (project.labels_of(1) == 1).all()


def test_the_old_mask_stays_until_the_new_one_is_there(project):
    click(project, 1)
    show(project, constant(1))
    click(project, 1)
    assert (project.labels_of(1) == 1).all()
    project.undo()
    project.undo()
    assert project.labels_of(1) is None


def test_a_locked_object_keeps_exactly_its_points(project):
    click(project, 1)
    click(project, 2)
    labels = constant(2)
    labels[:100] = 1
    show(project, labels)
    project.paint(1, np.arange(100, 110), 1)
    project.update_object(1, 1, locked=True)
    click(project, 2)
    show(project, constant(1))  # a prediction that would give it everything
    assert np.flatnonzero(project.labels_of(1) == 1).tolist() == list(range(110))
    assert project.paint(1, np.arange(0, 100), 2) is None
    project.paint(1, np.arange(0, 200), 2)
    assert np.flatnonzero(project.labels_of(1) == 1).tolist() == list(range(110))
    assert np.flatnonzero(project.labels_of(1) == 2).tolist() == list(range(110, 200))


def test_a_locked_object_is_not_painted_removed_or_merged(project):
    click(project, 1)
    click(project, 2)
    show(project, constant(1))
    project.update_object(1, 1, locked=True)
    for action in (
        lambda: project.paint(1, [500], 1),
        lambda: project.remove_object(1, 1),
        lambda: project.merge_objects(1, 2, 1),
        lambda: project.merge_objects(1, 1, 2),
    ):
        with pytest.raises(AnnotatorError, match="locked"):
            action()
    project.update_object(1, 1, locked=False)
    project.merge_objects(1, 2, 1)


def test_merging_moves_clicks_edits_and_the_mask_shown(project):
    click(project, 1)
    click(project, 2)
    click(project, 3)
    labels = constant(3)
    labels[:10] = 1
    labels[10:20] = 2
    show(project, labels)
    project.paint(1, [900], 2)
    project.merge_objects(1, 1, 2)
    assert [c.object_id for c in asset(project).clicks] == [1, 1, 3]
    shown = project.labels_of(1)
    assert np.flatnonzero(shown == 1).tolist() == [*range(20), 900]
    project.merge_objects(1, 3, 1)
    assert (project.labels_of(1) == 3).all()
    project.undo()
    project.undo()
    assert np.flatnonzero(project.labels_of(1) == 2).tolist() == [*range(10, 20), 900]


def test_a_removed_objects_points_become_background(project):
    click(project, 1)
    click(project, 2)
    labels = constant(1)
    labels[:10] = 2
    show(project, labels)
    project.paint(1, [500], 2)
    project.remove_object(1, 2)
    shown = project.labels_of(1)
    assert (shown[:10] == 0).all()
    assert (shown[10:] == 1).all()


def test_a_photo_keeps_the_shape_of_its_mask(project):
    photo = project.add_asset("photo.jpg", "image", "pixels", 12)
    project.set_engine(photo, "clickseg")
    project.add_click(photo, (1.5, 2.5), 1)
    mask = Mask(np.ones((3, 4), np.int32), np.full((3, 4), 0.5, np.float32))
    project.store_result(photo, project.document.assets[photo].prompt(), mask)
    project.paint(photo, [5], 0)
    labels = project.labels_of(photo)
    assert labels.shape == (3, 4)
    assert labels[1, 1] == 0


def test_a_thinned_scan_shows_edits_without_a_mask_if_its_size_is_told(path):
    with Project.create(path) as project:
        a = project.add_asset("a.las", "cloud", "x", 10_000, 0.05)
        b = project.add_asset("b.las", "cloud", "y", 10_000, 0.05, working_count=700)
        for asset_id in (a, b):
            project.paint(asset_id, [3], 1)
        assert project.labels_of(a) is None
        assert project.labels_of(b).shape == (700,)
