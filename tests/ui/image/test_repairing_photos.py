"""Brush, eraser, polygon, outline, holes and edges on a photo."""

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.ui.commands.actions import (
    ACTIONS,
    ANNOTATION_HANDLERS,
    MOTION_HANDLERS,
    PHOTO_HANDLERS,
    POSE_HANDLERS,
)
from tests.ui.image.conftest import BLUE, LEFT, RED, RIGHT

CONTROL = Qt.KeyboardModifier.ControlModifier


def inside(person, object_id=1):
    person.bench.composer.settle()
    return person.labels == object_id


def test_a_stroke_paints_and_is_one_step(person):
    person.key(Qt.Key.Key_B)
    person.drag((20, 105), (180, 105))
    painted = inside(person)
    assert painted[105, 20:180].all()
    assert not painted[60].any()
    person.do("undo")
    assert person.labels is None or not inside(person).any()
    person.do("redo")
    assert np.array_equal(inside(person), painted)


def test_the_stroke_shows_while_it_is_drawn(person):
    person.key(Qt.Key.Key_B)
    at = person.at((105, 105))
    before = person.view.grab_image().pixelColor(at)
    QTest.mousePress(person.view, LEFT, Qt.KeyboardModifier.NoModifier, at)
    person.view.set_overlay_circle(None)
    assert person.view.grab_image().pixelColor(at) != before
    person.key(Qt.Key.Key_C)  # another tool gives the stroke up
    assert person.view.grab_image().pixelColor(at) == before
    assert not person.asset.edits


def test_the_eraser_and_control_take_away(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_E)
    person.drag((30, 60), (90, 60))
    assert not inside(person)[60, 30:90].any()
    assert inside(person)[35, 40]
    person.key(Qt.Key.Key_B)
    person.drag((30, 35), (90, 35), modifiers=CONTROL)
    assert not inside(person)[35, 30:90].any()


def test_locked_objects_are_left_alone(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_K)
    person.key(Qt.Key.Key_2)
    person.key(Qt.Key.Key_B)
    person.drag((20, 60), (110, 60))
    assert inside(person)[60, 60]
    assert inside(person, 2)[60, 100]
    assert inside(person).sum() == 3600


def test_a_polygon_is_closed_with_enter_or_at_its_first_corner(person):
    person.key(Qt.Key.Key_P)
    for corner in ((10, 10), (100, 10), (100, 25), (10, 25)):
        person.click(corner)
    person.key(Qt.Key.Key_Return)
    assert inside(person)[12:23, 12:98].all()
    assert inside(person).sum() < 100 * 20
    person.key(Qt.Key.Key_2)
    for corner in ((110, 95), (190, 95), (190, 115), (110, 95)):
        person.click(corner)
    assert inside(person, 2)[98, 180]
    person.do("undo")
    assert not inside(person, 2).any()


def test_a_polygon_takes_corners_back_and_is_given_up_with_escape(person):
    person.key(Qt.Key.Key_P)
    for corner in ((10, 10), (100, 10), (150, 110), (10, 25)):
        person.click(corner)
    person.key(Qt.Key.Key_Backspace)
    person.click((150.0, 115.0), RIGHT)
    assert len(person.view.overlay.outlines[0].corners) == 2
    person.key(Qt.Key.Key_Return)
    assert any("three corners" in b.headline for b in person.window.messages.banners)
    person.key(Qt.Key.Key_Escape)
    assert not person.view.overlay.outlines
    assert not person.asset.edits


def test_control_enter_takes_a_polygon_away(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_P)
    for corner in ((20, 20), (100, 20), (100, 60), (20, 60)):
        person.click(corner)
    person.key(Qt.Key.Key_Return, CONTROL)
    assert not inside(person)[:58].any()
    assert inside(person)[75, 60]


def test_corners_of_an_outline_can_be_moved_added_and_removed(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_O)
    assert len(person.view.overlay.outlines[0].corners) == 4
    person.drag((90, 90), (110, 110))
    grown = inside(person)
    assert grown[95, 95]
    assert not grown[110, 60]
    person.drag((30, 60), (10, 60))
    assert inside(person)[60, 15]
    person.click((10.0, 60.0), RIGHT)
    assert not inside(person)[60, 15]
    for _ in range(3):
        person.do("undo")
    assert inside(person).sum() == 3600


def test_holes_are_filled_and_edges_smoothed_as_steps(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_E)
    QTest.mouseClick(person.view, LEFT, pos=person.at((60, 60)))
    assert not inside(person)[60, 60]
    person.key(Qt.Key.Key_G)
    person.qtbot.waitUntil(lambda: bool(inside(person)[60, 60]))
    assert inside(person).sum() == 3600
    person.key(Qt.Key.Key_J)
    person.qtbot.waitUntil(lambda: inside(person).sum() < 3600)
    assert inside(person)[60, 60]
    person.do("undo")
    assert inside(person).sum() == 3600


def test_filling_nothing_says_so(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_G)
    person.qtbot.waitUntil(
        lambda: any("nothing to change" in b.headline for b in person.window.messages.banners)
    )


def test_a_later_click_leaves_hand_made_corrections(person):
    person.key(Qt.Key.Key_B)
    person.drag((20, 105), (60, 105))
    person.key(Qt.Key.Key_C)
    person.click(BLUE)
    person.answered()
    assert inside(person)[105, 40]
    assert inside(person)[60, 150]


def test_the_brush_disc_follows_the_pointer_and_leaves_with_it(person):
    person.key(Qt.Key.Key_B)
    QTest.mouseMove(person.view, QPoint(200, 200))
    assert person.view.overlay.circle is not None
    radius = person.view.overlay.circle[2]
    person.key(Qt.Key.Key_BracketRight)
    assert person.view.overlay.circle[2] > radius


def test_crumbs_beside_the_largest_part_are_dropped(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_B)
    QTest.mouseClick(person.view, LEFT, pos=person.at((150, 110)))
    assert inside(person)[110, 150]
    person.key(Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    person.qtbot.waitUntil(lambda: not inside(person)[110, 150])
    assert inside(person).sum() == 3600


def test_every_photo_action_has_a_handler(person):
    handlers = person.window.actions_manager._handlers
    here = {spec.handler for spec in ACTIONS if "kind_cloud" not in spec.needs}
    assert here - POSE_HANDLERS - MOTION_HANDLERS <= set(handlers)
    assert set(person.window.controller.action_handlers()) == ANNOTATION_HANDLERS | PHOTO_HANDLERS
