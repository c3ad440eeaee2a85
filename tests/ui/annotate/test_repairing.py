"""Brush, eraser and lasso: undoable strokes that respect locks and what can be seen."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.domain import PointCloud

FIRST, SECOND, THIRD = 465, 1365, 2265
ALT = Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def around(bench, row, pixels):
    """Corners of a square around a point, for a lasso."""
    centre = bench.at(row)
    offsets = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [centre + QPoint(x * pixels, y * pixels) for x, y in offsets]


def lasso(bench, corners, modifiers=Qt.KeyboardModifier.NoModifier):
    from tests.ui.annotate.conftest import _move

    QTest.mousePress(bench.view, Qt.MouseButton.LeftButton, modifiers, corners[0])
    for corner in corners[1:]:
        _move(bench.view, corner, Qt.MouseButton.LeftButton, modifiers)
    QTest.mouseRelease(bench.view, Qt.MouseButton.LeftButton, modifiers, corners[-1])


@pytest.fixture
def answered(bench):
    bench.click(FIRST)
    bench.wait_answer()
    return bench


def test_a_brush_stroke_is_one_undoable_step_without_a_run(answered):
    bench = answered
    bench.do("select_object", 2)
    bench.do("select_tool", "brush")
    assert "tool_brush" in bench.controller.conditions()
    events = len(list(bench.project.log()))
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(20, 0))
    painted = np.flatnonzero(bench.labels == 2)
    assert SECOND in painted
    assert 10 < len(painted) < 900
    assert np.array_equal(np.flatnonzero(bench.shown == 2), painted)
    assert len(list(bench.project.log())) == events + 1
    bench.do("undo")
    assert (bench.labels == 1).all()
    assert (bench.shown == 1).all()
    bench.do("redo")
    assert np.array_equal(np.flatnonzero(bench.shown == 2), painted)
    assert len(bench.requests) == 1


def test_a_stroke_is_seen_while_it_is_drawn_and_gone_when_given_up(answered):
    bench = answered
    bench.do("select_object", 2)
    bench.do("select_tool", "brush")
    QTest.mousePress(bench.view, Qt.MouseButton.LeftButton, pos=bench.at(SECOND))
    assert bench.shown[SECOND] == 2
    assert bench.labels[SECOND] == 1
    bench.do("cancel_run")
    assert bench.shown[SECOND] == 1
    QTest.mouseRelease(bench.view, Qt.MouseButton.LeftButton, pos=bench.at(SECOND))
    assert not bench.asset.edits


def test_the_eraser_gives_points_back_to_the_background(answered):
    bench = answered
    bench.do("select_tool", "eraser")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    assert bench.labels[SECOND] == 0
    assert bench.labels[FIRST] == 1
    assert bench.asset.edits[-1].object_id == 0


def test_painting_before_any_click_works(bench):
    bench.do("select_tool", "brush")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    assert bench.labels[SECOND] == 1
    assert bench.labels[FIRST] == 0
    assert not bench.requests
    bench.do("undo")
    assert not bench.shown.any()


def test_edits_survive_the_answer_to_a_later_click(answered):
    bench = answered
    bench.do("select_object", 2)
    bench.do("select_tool", "brush")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    bench.do("select_tool", "click")
    bench.do("select_object", 3)
    bench.click(THIRD)
    bench.wait_answer()
    assert bench.labels[SECOND] == 2
    assert bench.labels[THIRD] == 3


def test_a_lasso_gives_what_it_encircles_to_the_current_object(answered):
    bench = answered
    bench.do("select_object", 2)
    bench.do("select_tool", "lasso")
    lasso(bench, around(bench, SECOND, 15))
    inside = np.flatnonzero(bench.labels == 2)
    assert SECOND in inside
    assert np.abs(bench.cloud.xyz[inside] - bench.cloud.xyz[SECOND]).max() < 0.4
    assert bench.view.overlay.polygon is None
    bench.do("undo")
    assert (bench.labels == 1).all()


def test_a_lasso_takes_hidden_points_only_with_alt(make_bench):
    top = np.stack(np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60)), -1).reshape(-1, 2)
    layers = [np.c_[top, np.full(len(top), z)] for z in (0.0, 1.0)]
    cloud = PointCloud(np.concatenate(layers).astype(np.float32))
    bench = make_bench(cloud=cloud)
    bench.view.set_point_size(12)
    below, above = np.arange(len(cloud)) < len(top), np.arange(len(cloud)) >= len(top)
    middle = len(top) + 30 * 60 + 30
    bench.do("select_tool", "lasso")
    lasso(bench, around(bench, middle, 40))
    assert bench.labels[above].any()
    assert not bench.labels[below].any()
    bench.do("undo")
    lasso(bench, around(bench, middle, 40), ALT)
    assert bench.labels[above].any()
    assert bench.labels[below].any()


def test_control_erases_with_brush_and_lasso(answered):
    bench = answered
    for tool in ("brush", "lasso"):
        bench.do("select_tool", tool)
        lasso(bench, around(bench, SECOND, 15), CONTROL)
        assert bench.asset.edits[-1].object_id == 0
        bench.do("undo")


def test_a_stroke_that_changes_nothing_is_no_step(answered):
    bench = answered
    bench.do("select_tool", "brush")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    assert not bench.asset.edits


def test_brushes_and_answers_leave_a_locked_object_alone(answered):
    bench = answered
    bench.do("lock_object")
    bench.do("select_object", 2)
    bench.click(THIRD)
    bench.wait_answer()
    assert (bench.labels == 1).all()
    bench.do("select_tool", "brush")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    assert (bench.labels == 1).all()
    assert (bench.shown == 1).all()


def test_painting_for_a_locked_object_is_refused_in_words(answered):
    bench = answered
    bench.do("select_tool", "eraser")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    bench.do("lock_object")
    bench.do("select_tool", "brush")
    bench.drag(bench.at(SECOND), bench.at(SECOND) + QPoint(6, 0))
    assert bench.labels[SECOND] == 0
    assert bench.shown[SECOND] == 0
    assert "locked" in bench.messages[-1][0]


def test_the_brush_shows_its_disc_and_changes_size(bench):
    from tests.ui.annotate.conftest import _move

    bench.do("select_tool", "brush")
    _move(bench.view, bench.at(FIRST), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)
    small = bench.view.overlay.circle[2]
    bench.do("brush_larger")
    assert bench.view.overlay.circle[2] > small
    bench.do("brush_smaller")
    assert bench.view.overlay.circle[2] == small
    bench.do("select_tool", "click")
    assert bench.view.overlay.circle is None


def test_labels_after_many_strokes_are_those_of_the_document(answered):
    bench = answered
    for object_id, tool, row in ((2, "brush", SECOND), (3, "brush", THIRD), (2, "eraser", SECOND)):
        bench.do("select_object", object_id)
        bench.do("select_tool", tool)
        bench.drag(bench.at(row), bench.at(row) + QPoint(15, 4))
        tally = np.bincount(bench.labels)
        assert np.array_equal(bench.labels, bench.project.labels_of(bench.asset_id))
        assert np.array_equal(bench.shown, bench.labels)
        assert np.array_equal(bench.controller.bench.tally.points[: len(tally)], tally)


def test_a_stroke_on_an_unclicked_scan_counts_its_points(bench):
    bench.do("select_tool", "brush")
    bench.drag(bench.at(FIRST), bench.at(FIRST) + QPoint(15, 4))
    painted = np.count_nonzero(bench.labels == 1)
    assert painted > 10
    assert bench.controller.bench.tally.points.tolist() == [2700 - painted, painted]
    assert np.array_equal(bench.labels, bench.project.labels_of(bench.asset_id))
