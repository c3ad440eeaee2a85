"""Clicks, boxes, choices and sizes on a photo, with real mouse and key events."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.ui.annotate.batch_key import KEY
from tests.ui.image.conftest import BLUE, GROUND, LEFT, RED, RIGHT

CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


def test_a_left_click_gives_the_object_its_mask(person):
    person.click(RED)
    person.answered()
    assert person.labels[60, 60] == 1
    assert (person.labels == 1).sum() == 60 * 60
    assert person.bench.points[1] == 3600
    assert "done" in [run.phase for run in [person.bench.runs.clicks[1]]]


def test_the_mask_is_on_the_screen(person):
    before = person.view.grab_image()
    person.click(RED)
    person.answered()
    person.view.setCursor(Qt.CursorShape.ArrowCursor)
    after = person.view.grab_image()
    at, beside = person.at((45, 75)), person.at(GROUND)
    assert before.pixelColor(at) != after.pixelColor(at)
    assert before.pixelColor(beside) == after.pixelColor(beside)


def test_a_right_click_says_outside_and_shrinks_the_mask(person):
    person.click(GROUND)
    person.answered()
    ground = int((person.labels == 1).sum())
    assert ground == 200 * 120 - 2 * 3600
    person.click((10.0, 110.0), RIGHT)
    person.answered()
    click = person.asset.clicks[-1]
    assert (click.object_id, click.positive) == (1, False)
    assert (person.labels == 1).sum() == 0


def test_alt_with_the_left_button_says_outside_too(person):
    person.click(RED)
    person.click(BLUE, LEFT, ALT)
    assert [click.positive for click in person.asset.clicks] == [True, False]


def test_an_outside_click_concerns_its_object_only(person):
    person.click(RED)
    person.key(Qt.Key.Key_2)
    person.click(BLUE)
    person.click(RED, RIGHT, CONTROL)  # on the marker: removes it
    assert [c.object_id for c in person.asset.clicks] == [2]
    person.key(Qt.Key.Key_1)
    person.click((45.0, 45.0))
    person.click((160.0, 70.0), RIGHT)
    person.answered()
    assert person.labels[60, 150] == 2
    assert person.labels[60, 60] == 1


def test_the_click_lands_where_the_pointer_is(person):
    person.view.camera.show(30, 30, 90, 90)
    place = person.view.camera.to_photo(100, 80)
    QTest.mouseClick(person.view, LEFT, pos=QPoint(100, 80))
    assert person.asset.clicks[0].position == pytest.approx(place)


def test_a_click_beside_the_photo_does_nothing(person):
    QTest.mouseClick(person.view, LEFT, pos=QPoint(1, 1))
    assert not person.asset.clicks


def test_a_marker_can_be_dragged(person):
    person.click(RED)
    person.answered()
    person.drag(RED, BLUE)
    person.answered()
    assert person.asset.clicks[0].position == pytest.approx(BLUE, abs=1.0)
    assert person.labels[60, 150] == 1
    assert person.labels[60, 60] == 0


def test_any_click_can_be_removed_with_the_right_button_or_the_keyboard(person):
    person.click(RED)
    person.click((45.0, 45.0))
    person.click((75.0, 75.0))
    person.click((45.0, 45.0), RIGHT)
    assert len(person.asset.clicks) == 2
    person.key(Qt.Key.Key_PageDown, CONTROL)
    person.key(Qt.Key.Key_Delete)
    assert [c.position[0] > 70 for c in person.asset.clicks] == [True]


def test_undo_and_redo_bring_masks_back_without_a_run(person):
    person.click(RED)
    person.answered()
    person.click(BLUE)
    person.answered()
    both = person.labels.copy()
    person.bench.runs._session.request = lambda *_: pytest.fail("asked the engine")
    person.key(Qt.Key.Key_Z, CONTROL)
    person.answered()
    assert (person.labels == 1).sum() == 3600
    person.key(Qt.Key.Key_Y, CONTROL)
    person.answered()
    assert np.array_equal(person.labels, both)


def test_a_box_selects_by_drag_and_is_undone(person):
    person.key(Qt.Key.Key_X)
    person.drag((25, 25), (95, 95))
    person.answered()
    box = person.asset.boxes[1]
    assert (box.x0, box.y1) == (pytest.approx(25, abs=1), pytest.approx(95, abs=1))
    assert person.labels[60, 60] == 1
    assert person.labels[60, 150] == 0
    person.do("undo")
    person.answered()
    assert not person.asset.boxes
    person.do("redo")
    person.do("remove_box")
    assert not person.asset.boxes


def test_the_box_tool_is_grey_for_an_engine_without_boxes(person):
    assert person.enabled("tool_box")
    person.window.engines.choose("three-sizes")
    person.qtbot.waitUntil(lambda: person.asset.engine_ref == "three-sizes")
    assert not person.enabled("tool_box")


def test_bigger_and_smaller_move_the_threshold_and_are_undone(person):
    person.click(GROUND)
    person.answered()
    small = int((person.labels == 1).sum())
    for _ in range(8):
        person.key(Qt.Key.Key_Plus)
    person.answered()
    assert person.asset.thresholds[1] < 0.05
    assert (person.labels == 1).sum() > small
    person.do("usual_mask")
    person.answered()
    assert (person.labels == 1).sum() == small
    person.key(Qt.Key.Key_Minus)
    assert person.asset.thresholds[1] > 0.5
    person.do("undo")
    assert 1 not in person.asset.thresholds


def test_bigger_without_a_mask_says_what_to_do(person):
    person.do("new_object")
    person.key(Qt.Key.Key_Plus)
    assert any("no mask" in b.headline for b in person.window.messages.banners)


def test_digits_choose_among_the_masks_offered_then_objects_again(person):
    person.window.engines.choose("three-sizes")
    person.qtbot.waitUntil(lambda: person.asset.engine_ref == "three-sizes")
    person.click(RED)
    person.answered()
    person.qtbot.waitUntil(lambda: len(person.bench.candidates) == 3)
    strip = person.window.controller._strip
    assert strip.isVisible()
    assert [b.isChecked() for b in strip.buttons] == [True, False, False]
    medium = int((person.labels == 1).sum())
    person.key(Qt.Key.Key_3)
    person.answered()
    assert (person.labels == 1).sum() > medium
    assert person.asset.candidates == {1: 2}
    assert [b.isChecked() for b in strip.buttons] == [False, False, True]
    strip.buttons[1].click()
    person.answered()
    assert (person.labels == 1).sum() < medium
    person.key(Qt.Key.Key_Escape)
    assert not strip.isVisible()
    person.key(Qt.Key.Key_2)
    assert person.bench.current_object == 2
    person.do("undo")
    assert person.asset.candidates == {1: 2}


def test_the_batch_key_asks_once_for_all_clicks(person):
    requests = []
    session = person.bench.runs._session
    request = session.request
    session.request = lambda *a: requests.append(a) or request(*a)
    QTest.keyPress(person.view, KEY)
    person.click(RED)
    person.click(BLUE)
    assert not requests
    QTest.keyRelease(person.view, KEY)
    person.answered()
    assert len(requests) == 1


def test_the_placement_cursor_clicks_without_a_mouse(person):
    person.key(Qt.Key.Key_Right)
    person.key(Qt.Key.Key_Space)
    assert len(person.asset.clicks) == 1


def test_space_and_the_middle_button_pan(person):
    centre = person.view.camera.centre
    QTest.keyPress(person.view, Qt.Key.Key_Space)
    person.drag(RED, BLUE)
    QTest.keyRelease(person.view, Qt.Key.Key_Space)
    assert person.view.camera.centre[0] < centre[0]
    assert not person.asset.clicks
    moved = person.view.camera.centre
    person.drag(BLUE, RED, Qt.MouseButton.MiddleButton)
    assert person.view.camera.centre[0] > moved[0]


def test_isolating_shows_one_object_and_the_confidence_can_be_seen(person):
    person.click(RED)
    person.key(Qt.Key.Key_2)
    person.click(BLUE)
    person.answered()
    normal = person.view.grab_image()
    person.do("isolate_object")
    alone = person.view.grab_image()
    ground = person.at(GROUND)
    assert alone.pixelColor(ground).lightness() < normal.pixelColor(ground).lightness()
    person.do("isolate_object")
    person.do("colour_confidence")
    assert person.view.grab_image().pixelColor(ground) != normal.pixelColor(ground)


def test_scan_only_actions_are_hidden_and_photo_actions_shown(person):
    actions = person.window.actions_manager.actions
    assert not actions["tool_lasso"].isVisible()
    assert not actions["look_top"].isVisible()
    assert actions["tool_polygon"].isVisible()
    person.window.close_workspace()
    assert actions["tool_lasso"].isVisible()
    assert not actions["tool_polygon"].isVisible()
