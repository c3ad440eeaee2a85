"""Clicks in the real view: added, moved, removed, counted, answered."""

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

FIRST, SECOND, THIRD = 465, 1365, 2265  # rows near the middles of the three squares
RIGHT = Qt.MouseButton.RightButton
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_a_click_adds_one_for_the_current_object_and_its_mask_is_shown(bench):
    bench.click(FIRST)
    (click,) = bench.asset.clicks
    assert click.object_id == 1
    assert np.linalg.norm(bench.cloud.xyz[click.index] - bench.cloud.xyz[FIRST]) < 0.1
    assert click.position == tuple(float(v) for v in bench.cloud.xyz[click.index])
    bench.wait_answer()
    assert (bench.labels == 1).all()
    assert (bench.shown == 1).all()
    assert bench.states() == ["done"]


def test_the_marker_is_shown_before_the_engine_answers(make_bench):
    bench = make_bench(engine=("nearest-click", {"predict_seconds": 0.5}))
    bench.click(FIRST)
    assert [m.click_id for m in bench.view.overlay.markers] == [bench.asset.clicks[0].click_id]
    assert bench.labels is None
    assert bench.states() == ["queued"]
    bench.wait_answer()
    assert bench.labels is not None


def test_digits_choose_objects_that_come_into_being_with_their_first_click(bench):
    bench.do("select_object", 7)
    assert not bench.asset.objects
    assert bench.status("currentObject") == "Object 7 (new)"
    bench.click(FIRST)
    assert set(bench.asset.objects) == {7}
    bench.do("select_object", 2)
    bench.click(SECOND)
    bench.wait_answer()
    assert set(np.unique(bench.labels)) == {2, 7}
    assert bench.labels[FIRST] == 7
    assert bench.labels[SECOND] == 2


def test_object_numbers_above_two_hundred_fifty_five_are_shown(bench):
    bench.do("select_object", 300)
    bench.click(FIRST)
    bench.wait_answer()
    assert (bench.labels == 300).all()
    assert bench.view.overlay.markers[0].text == "300"


def test_control_clicks_the_background_and_keeps_the_current_object(bench):
    bench.click(FIRST)
    bench.click(SECOND, CONTROL)
    assert [c.object_id for c in bench.asset.clicks] == [1, 0]
    assert bench.controller.bench.current_object == 1
    bench.wait_answer()
    assert bench.labels[SECOND] == 0
    assert bench.labels[FIRST] == 1


def test_background_can_be_the_current_object(bench):
    bench.do("select_object", 0)
    assert "object_background" in bench.controller.conditions()
    bench.click(FIRST)
    assert bench.asset.clicks[0].object_id == 0
    assert not bench.asset.objects


def test_new_object_takes_an_unused_one_before_it_makes_another(bench):
    bench.do("new_object")
    bench.do("new_object")
    assert set(bench.asset.objects) == {1}
    bench.click(FIRST)
    bench.do("new_object")
    assert set(bench.asset.objects) == {1, 2}
    assert bench.controller.bench.current_object == 2
    bench.wait_answer()
    assert len(bench.requests) == 1  # an object without clicks asks nothing of the engine


def test_a_drag_turns_the_scan_and_adds_nothing(bench):
    before = bench.view.camera.to_json()
    bench.drag(bench.at(FIRST), bench.at(SECOND))
    assert not bench.asset.clicks
    assert bench.view.camera.to_json() != before


def test_a_click_beside_the_scan_adds_nothing(bench):
    QTest.mouseClick(bench.view, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert not bench.asset.clicks


def test_shift_leaves_the_left_button_to_navigation(bench):
    bench.click(FIRST, SHIFT)
    assert not bench.asset.clicks


def test_a_double_click_counts_once_and_does_not_turn_the_scan(bench):
    before = bench.view.camera.to_json()
    bench.click(SECOND)
    QTest.mouseDClick(bench.view, Qt.MouseButton.LeftButton, pos=bench.at(FIRST))
    assert len(bench.asset.clicks) == 1
    assert bench.view.camera.to_json() == before


def test_dragging_a_marker_moves_the_click_in_one_step(bench):
    bench.click(FIRST)
    bench.wait_answer()
    events = len(list(bench.project.log()))
    camera = bench.view.camera.to_json()
    bench.drag(bench.at(bench.asset.clicks[0].index), bench.at(THIRD))
    (click,) = bench.asset.clicks
    assert np.linalg.norm(bench.cloud.xyz[click.index] - bench.cloud.xyz[THIRD]) < 0.1
    assert len(list(bench.project.log())) == events + 1
    assert bench.view.camera.to_json() == camera
    bench.wait_answer()
    bench.do("undo")
    assert bench.asset.clicks[0].position != click.position


def test_pressing_a_marker_without_dragging_selects_it_only(bench):
    bench.click(FIRST)
    bench.do("next_click")
    bench.controller.bench.select_click(None)
    bench.drag(bench.at(bench.asset.clicks[0].index), bench.at(bench.asset.clicks[0].index))
    assert len(bench.asset.clicks) == 1
    assert bench.controller.bench.selected_click == bench.asset.clicks[0].click_id
    assert bench.view.overlay.markers[0].selected


def test_a_right_click_removes_the_click_under_it_not_the_last(bench):
    bench.click(FIRST)
    bench.do("select_object", 2)
    bench.click(SECOND)
    bench.wait_answer()
    bench.click(bench.asset.clicks[0].index, button=RIGHT)
    assert [c.object_id for c in bench.asset.clicks] == [2]
    bench.wait_answer()
    assert (bench.labels == 2).all()


def test_delete_removes_the_selected_click_and_selects_the_one_after(bench):
    for row in (FIRST, SECOND, THIRD):
        bench.click(row)
    ids = [c.click_id for c in bench.asset.clicks]
    bench.controller.bench.select_click(ids[1])
    assert "click_selected" in bench.controller.conditions()
    bench.do("delete_click")
    assert [c.click_id for c in bench.asset.clicks] == [ids[0], ids[2]]
    assert bench.controller.bench.selected_click == ids[2]


def test_walking_through_clicks_goes_around(bench):
    for row in (FIRST, SECOND):
        bench.click(row)
    ids = [c.click_id for c in bench.asset.clicks]
    seen = []
    for _ in range(3):
        bench.do("next_click")
        seen.append(bench.controller.bench.selected_click)
    assert seen == [ids[0], ids[1], ids[0]]
    bench.do("previous_click")
    assert bench.controller.bench.selected_click == ids[1]


def test_a_row_of_the_clicks_table_selects_its_marker(bench):
    for row in (FIRST, SECOND):
        bench.click(row)
    _, clicks, *_ = bench.controller.docks()
    clicks.table.setCurrentIndex(clicks.table.model().index(1, 0))
    assert [m.selected for m in bench.view.overlay.markers] == [False, True]


def test_the_keyboard_places_a_click(bench):
    bench.view.setFocus()
    QTest.keyClick(bench.view, Qt.Key.Key_Right)
    QTest.keyClick(bench.view, Qt.Key.Key_Space)
    assert len(bench.asset.clicks) == 1
