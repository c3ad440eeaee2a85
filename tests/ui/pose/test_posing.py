"""People in the real window: found, corrected, moved as a whole, undone, logged, exported."""

import json

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain import COCO_17
from annotator.domain.people import PosedImage, PosedPerson
from annotator.formats.people import read_people, write_people
from annotator.project import Project
from annotator.project.replay import replay
from annotator.ui.pose.sharing import take_people
from tests.ui.conftest import headlines, wait_open
from tests.ui.pose.conftest import ELBOW, FIRST, SECOND, WRIST, patches, save

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
RIGHT = Qt.MouseButton.RightButton


def test_people_are_found_and_become_people_of_the_photo(posing):
    posing.find()
    assert [p.box for p in posing.people.values()] == [FIRST, SECOND]
    assert [i.name for i in posing.asset.objects.values()] == ["Person 1", "Person 2"]
    assert posing.bench.current_object == 1
    assert "90%" in posing.figures[1].title
    posing.find()
    assert len(posing.people) == 2  # nobody twice
    assert "Everybody found is there already." in headlines(posing.window)


def test_a_dragged_joint_stays_and_the_others_follow(posing):
    posing.find()
    before = posing.shown
    target = (136.3, 77.7)
    posing.drag(posing.joint(1, WRIST), target)
    posing.answered()
    placed = posing.people[1].placed[WRIST]
    np.testing.assert_allclose(placed, target, atol=1.5)
    after = posing.shown
    assert tuple(after[1][WRIST]) == placed
    assert np.abs(after[1][ELBOW] - before[1][ELBOW]).max() > 1
    np.testing.assert_array_equal(after[2], before[2])
    figure = posing.figures[1]
    assert figure.fixed[WRIST]
    assert not figure.fixed[ELBOW]
    assert figure.box[2] >= placed[0]


def test_numbers_pick_a_joint_and_a_click_places_it(posing):
    posing.find()
    posing.key(Qt.Key.Key_1)
    assert posing.bench.joint == 0
    posing.key(Qt.Key.Key_0)  # quickly after one another: ten
    assert posing.bench.joint == WRIST
    posing.click((20.0, 100.0))
    posing.answered()
    np.testing.assert_allclose(posing.people[1].placed[WRIST], (20, 100), atol=1.5)
    posing.key(Qt.Key.Key_BracketRight)
    assert posing.bench.joint == WRIST + 1
    posing.key(Qt.Key.Key_Escape)
    assert posing.bench.joint is None


def test_names_pick_a_joint(posing):
    posing.find()
    box = posing.controller.ask_joint()
    box.setText("lw")
    box.returnPressed.emit()
    assert posing.bench.joint == WRIST
    assert posing.controller.picker.named("right ank") == 16
    assert posing.controller.picker.named("zzz") is None


def test_visibility_goes_by_key_and_by_menu(posing):
    posing.find()
    posing.click(posing.joint(1, WRIST))
    posing.key(Qt.Key.Key_O)
    assert posing.people[1].visibility[WRIST] == 1
    posing.key(Qt.Key.Key_D)
    assert posing.people[1].visibility[WRIST] == 0
    assert not posing.figures[1].has(WRIST)
    menu = posing.controller.offer((1, WRIST))
    rows = {action.text(): action for action in menu.actions()}
    assert rows["Absent"].isChecked()
    rows["Visible"].trigger()
    menu.close()
    assert posing.people[1].visibility[WRIST] == 2


def test_a_placed_joint_can_be_let_go(posing):
    posing.find()
    before = posing.shown[1]
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    assert posing.enabled("release_joint")
    posing.key(Qt.Key.Key_R)
    posing.answered()
    np.testing.assert_array_equal(posing.shown[1], before)


def test_sides_are_swapped_for_a_pair_and_for_everything(posing):
    posing.find()
    before = posing.shown[1]
    posing.click(posing.joint(1, WRIST))
    posing.key(Qt.Key.Key_S)
    np.testing.assert_allclose(posing.shown[1][WRIST], before[WRIST + 1])
    np.testing.assert_allclose(posing.shown[1][ELBOW], before[ELBOW])
    posing.key(Qt.Key.Key_S, SHIFT)
    np.testing.assert_allclose(posing.shown[1][WRIST], before[WRIST])
    np.testing.assert_allclose(posing.shown[1][ELBOW], before[ELBOW + 1])


def test_a_box_adds_a_person_with_the_engines_guess(posing):
    posing.do("tool_person_box")
    posing.drag((130.0, 20.0), (180.0, 120.0))
    posing.answered()
    (person,) = posing.people.values()
    np.testing.assert_allclose(person.box, (130, 20, 180, 120), atol=1.5)
    assert person.score is None
    assert not any(person.fixed)
    xs, ys = np.array(person.start).T
    assert xs.min() >= 128
    assert ys.max() <= 122


def test_a_person_is_placed_joint_by_joint(posing):
    posing.key(Qt.Key.Key_N)
    assert "Click the nose (1 of 17)" in posing.view.overlay.hint
    places = [(50.0 + 3 * i, 40.0 + 5 * i) for i in range(17)]
    posing.click(places[0])
    posing.click(places[1])
    posing.key(Qt.Key.Key_Backspace)  # no right eye
    for place in places[3:]:
        posing.click(place)
    posing.key(Qt.Key.Key_Return)
    (person,) = posing.people.values()
    assert person.visibility == (2, 2, 0, *(2,) * 14)
    assert not person.follows
    np.testing.assert_allclose(posing.shown[1][3:], places[3:], atol=1.5)
    x0, y0, x1, y1 = posing.figures[1].box
    assert x0 <= 51
    assert x1 >= 97
    assert y1 >= 119
    assert y0 <= 41
    for _ in range(16):
        posing.do("undo")
    assert not posing.people


def test_a_person_is_moved_scaled_and_turned_as_a_whole(posing):
    posing.find()
    before = posing.shown[1]
    posing.key(Qt.Key.Key_T)
    centre = ((FIRST[0] + FIRST[2]) / 2, (FIRST[1] + FIRST[3]) / 2)
    posing.drag(centre, (centre[0] + 20, centre[1] + 5))
    moved = posing.shown[1]
    np.testing.assert_allclose(moved - before, np.tile((20, 5), (17, 1)), atol=1.5)
    _, _, x1, y1 = posing.figures[1].box
    posing.drag((x1, y1), (x1 + 20, y1 + 20))
    scaled = posing.shown[1]
    assert np.ptp(scaled[:, 0]) > 1.1 * np.ptp(moved[:, 0])
    assert posing.window.workspace.project.undo_text == "Scale person"
    for _ in range(2):
        posing.do("undo")
    np.testing.assert_array_equal(posing.shown[1], before)


def test_people_are_duplicated_deleted_hidden_and_locked(posing):
    posing.find()
    posing.do("duplicate_person")
    assert list(posing.people) == [1, 2, 3]
    posing.do("delete_object")
    assert list(posing.people) == [1, 2]
    posing.bench.choose_object(1)
    posing.do("hide_object")
    assert list(posing.figures) == [2]
    posing.do("show_all")
    posing.do("lock_object")
    before = posing.people[1]
    posing.drag(posing.joint(1, WRIST), (150.0, 60.0))
    assert posing.people[1] == before
    assert any("locked" in text for text in headlines(posing.window))


def test_people_come_along_from_the_previous_photo(posing, photo, qtbot):
    posing.find()
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    expected = posing.shown
    second = save(photo.parent / "second.png", patches()[:, ::-1])
    posing.window.assets.add([second])
    wait_open(qtbot, posing.window)
    qtbot.waitUntil(lambda: posing.asset.path == second, timeout=10_000)
    posing.do("copy_previous")
    found = posing.shown
    assert len(found) == 2
    np.testing.assert_allclose(found[1], expected[1], atol=1e-3)
    assert not any(posing.people[1].fixed)
    assert posing.project.undo_text == "Copy people"


def test_everything_is_undone_and_done_again(posing):
    posing.find()
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    after = posing.shown[1]
    posing.do("undo")
    assert not any(posing.people[1].fixed)
    posing.do("redo")
    assert not posing.bench.runs.unanswered  # the answer was kept
    np.testing.assert_array_equal(posing.shown[1], after)


def test_reopening_and_replay_need_no_engine(posing, tmp_path):
    posing.find()
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    shown, path = posing.shown, posing.project.path
    posing.window.close()
    with Project.open(path, read_only=True) as project:
        asset = project.asset(1)
        for object_id, person in asset.people.items():
            np.testing.assert_array_equal(project.shown_joints(asset, person), shown[object_id])
        last = list(replay(project))[-1].document.assets[1]
        assert last.people == asset.people


def test_a_correction_glides_and_blocks_nothing(posing, qtbot):
    posing.find()
    elbow = posing.joint(1, ELBOW)
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    gliding = posing.bench._gliding
    if gliding.duration:  # the style of the test run may ask for less motion
        assert gliding.running
        seen = posing.figures[1].joints[ELBOW]
        final = posing.joint(1, ELBOW)
        assert min(elbow[0], final[0]) - 1e-6 <= seen[0] <= max(elbow[0], final[0]) + 1e-6
    qtbot.waitUntil(lambda: not gliding.running, timeout=5_000)
    assert posing.figures[1].joints[ELBOW] == posing.joint(1, ELBOW)


def test_less_motion_is_respected(posing, monkeypatch):
    posing.find()
    monkeypatch.setattr(type(posing.bench._gliding), "duration", property(lambda _: 0))
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    assert not posing.bench._gliding.running


def test_the_joint_under_the_pointer_is_named(posing):
    posing.find()
    posing.hover(posing.joint(2, ELBOW))
    assert posing.bench.layer.hovered == (2, ELBOW)
    posing.hover((5.0, 5.0))
    assert posing.bench.layer.hovered is None


def test_docks_choose_joints_and_people(posing):
    posing.find()
    dock = posing.controller.joints_dock
    dock.table.selectRow(ELBOW)
    assert posing.bench.joint == ELBOW
    assert dock.table.item(ELBOW, 1).text() == "left_elbow"
    posing.click(posing.joint(2, WRIST))
    assert posing.bench.current_object == 2
    assert dock.table.currentRow() == WRIST
    posing.controller.command("occluded")
    assert dock.table.item(WRIST, 2).text() == "occluded"
    assert posing.people[2].visibility[WRIST] == 1


def test_people_are_exported_and_imported(posing, tmp_path):
    posing.find()
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    dialog = posing.controller.export_people()
    dialog.path_line.setText(str(tmp_path / "people.json"))
    dialog._write()
    (image,) = read_people(tmp_path / "people.json")
    assert (image.width, image.height) == (320, 230)
    np.testing.assert_allclose(image.people[0].keypoints, posing.shown[1], atol=1e-5)
    assert json.loads((tmp_path / "people.json").read_text())["annotations"][0]["score"] > 0.8

    assert take_people(posing.bench, tmp_path / "people.json") == 2
    assert len(posing.people) == 4
    assert all(p.fixed[0] for i, p in posing.people.items() if i > 2)
    assert posing.project.undo_text == "Import people"


def test_people_of_another_photo_are_not_taken(posing, tmp_path):
    person = PosedPerson(COCO_17, ((1.0, 1.0),) * 17, (2,) * 17, (0.0, 0.0, 9.0, 9.0))
    write_people(tmp_path / "p.json", [PosedImage("other.png", 320, 230, (person,))])
    assert take_people(posing.bench, tmp_path / "p.json") == 0
    assert not posing.people


def test_without_an_engine_a_box_holds_the_skeleton(posing, monkeypatch):
    monkeypatch.setattr(type(posing.bench.runs), "unusable", property(lambda _: True))
    posing.do("tool_person_box")
    posing.drag((130.0, 20.0), (180.0, 120.0))
    (person,) = posing.people.values()
    assert person.skeleton == "coco-17"
    posing.do("find_people")
    assert "There is no engine that finds people." in headlines(posing.window)


def test_runs_can_wait_until_they_are_asked_for(posing):
    posing.find()
    posing.do("auto_run")
    before = posing.shown[1]
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    np.testing.assert_array_equal(posing.shown[1][ELBOW], before[ELBOW])
    assert posing.bench.runs.unanswered
    posing.key(Qt.Key.Key_Return)
    posing.answered()
    assert np.abs(posing.shown[1][ELBOW] - before[ELBOW]).max() > 1


def test_tasks_are_changed_back_and_forth(posing):
    posing.find()
    posing.do("task_masks")
    assert posing.view.overlay.layer is None
    assert not posing.window.controller._objects_model.rowCount(), "people have no masks"
    posing.do("task_poses")
    assert len(posing.figures) == 2


@pytest.mark.parametrize("dark", [False, True])
def test_figures_are_painted(posing, dark):
    posing.window.actions_manager.trigger("theme_dark" if dark else "theme_light")
    before = posing.view.grab_image()
    posing.find()
    posing.do("joint_names")
    posing.key(Qt.Key.Key_T)
    assert posing.view.grab_image() != before


def test_every_row_for_people_does_something(posing):
    from annotator.ui.commands.actions import POSE_HANDLERS

    assert set(posing.controller.action_handlers()) >= POSE_HANDLERS
    posing.find()
    for action_id in ("tool_joint", "tool_whole", "place_all", "fit_person_box", "look_at_person"):
        assert posing.enabled(action_id), action_id
        posing.do(action_id)
    assert all(posing.people[1].fixed)


def test_the_film_shows_people_as_they_were(posing):
    posing.find()
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.answered()
    shown = posing.shown[1]
    posing.do("replay")
    player = posing.window.desk.slot.current.player
    counts = []
    for place in range(len(player.film.scenes)):
        player.go(place)
        layer = posing.view.overlay.layer
        counts.append(0 if layer is None else sum(map(sum, (f.fixed for f in layer.figures))))
    assert counts[0] == 0
    assert counts[-1] == 1
    np.testing.assert_array_equal(posing.view.overlay.layer.of(1).joints, shown)


def test_joints_are_gathered_while_a_key_is_held(posing):
    posing.find()
    QTest.keyPress(posing.view, Qt.Key.Key_Q)
    posing.drag(posing.joint(1, WRIST), (140.0, 60.0))
    posing.drag(posing.joint(2, WRIST), (280.0, 90.0))
    assert posing.bench.runs.held
    assert not posing.bench.runs.busy
    QTest.keyRelease(posing.view, Qt.Key.Key_Q)
    posing.answered()
    for person in posing.people.values():
        assert posing.project.followed(posing.asset, person) is not None
    assert len(posing.project.result_records()) == 2


def test_undo_gives_a_joint_its_turn_again(posing):
    posing.key(Qt.Key.Key_N)
    for place in ((50.0, 40.0), (60.0, 40.0), (70.0, 40.0)):
        posing.click(place)
    assert posing.bench.joint == 3
    posing.do("undo")
    assert posing.bench.joint == 2
    posing.click((80.0, 44.0))
    np.testing.assert_allclose(posing.people[1].placed[2], (80, 44), atol=1.5)
