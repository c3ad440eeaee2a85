"""Mouse and keyboard, as tools and the camera see them."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent, QShortcut, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.ui.view.conftest import place_of

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
NONE = Qt.KeyboardModifier.NoModifier


class Recorder:
    """A tool that notes what it gets and takes what it is told to."""

    def __init__(self, takes=()):
        self.events = []
        self.takes = set(takes)

    def _note(self, kind, event):
        self.events.append((kind, event))
        return kind in self.takes

    def press(self, event):
        return self._note("press", event)

    def move(self, event):
        return self._note("move", event)

    def release(self, event):
        return self._note("release", event)

    def hover(self, event):
        return self._note("hover", event)

    def kinds(self):
        return [kind for kind, _ in self.events]


def drag(view, start, stop, button=LEFT, modifiers=NONE):
    QTest.mousePress(view, button, modifiers, QPoint(*start))
    middle = [(a + b) // 2 for a, b in zip(start, stop, strict=True)]
    for at in (middle, stop):
        move(view, at, button, modifiers)
    QTest.mouseRelease(view, button, modifiers, QPoint(*stop))


def move(view, at, button=Qt.MouseButton.NoButton, modifiers=NONE):
    place = QPointF(*at)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        view.mapToGlobal(place),
        Qt.MouseButton.NoButton,
        button,
        modifiers,
    )
    QApplication.sendEvent(view, event)


def wheel(view, at, notches):
    event = QWheelEvent(
        QPointF(*at), view.mapToGlobal(QPointF(*at)), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def test_left_drag_orbits(scene):
    azimuth, pivot = scene.camera.azimuth, scene.camera.pivot
    drag(scene, (100, 100), (160, 100))
    assert scene.camera.azimuth != azimuth
    assert scene.camera.pivot == pivot


@pytest.mark.parametrize(
    ("button", "modifiers"),
    [(RIGHT, NONE), (MIDDLE, NONE), (LEFT, Qt.KeyboardModifier.ShiftModifier)],
)
def test_right_middle_and_shift_drag_pan_with_the_pointer(scene, button, modifiers):
    pivot, azimuth = scene.camera.pivot, scene.camera.azimuth
    start = place_of(scene, pivot)
    drag(scene, (100, 100), (150, 120), button, modifiers)
    moved = np.subtract(place_of(scene, pivot), start)
    assert scene.camera.azimuth == azimuth
    assert moved == pytest.approx([50, 20], abs=0.5)


def test_a_tremble_is_no_drag(scene):
    azimuth = scene.camera.azimuth
    drag(scene, (100, 100), (101, 102))
    assert scene.camera.azimuth == azimuth


def test_wheel_zooms_to_what_is_under_the_pointer(scene):
    row = 300
    at = place_of(scene, scene.cloud.xyz[row])
    distance = scene.camera.distance
    wheel(scene, at, 3)
    assert scene.camera.distance < distance * 0.7
    assert place_of(scene, scene.cloud.xyz[row]) == pytest.approx(at, abs=8)
    wheel(scene, at, -3)
    assert scene.camera.distance == pytest.approx(distance, rel=0.01)


def test_double_click_turns_around_the_point_there(scene):
    x, y = place_of(scene, (-1.6, 2.0, 1.0))
    QTest.mouseDClick(scene, LEFT, NONE, QPoint(round(x), round(y)))
    assert scene.camera.pivot == pytest.approx((-1.6, 2.0, 1.0), abs=0.12)


def test_a_tool_can_take_the_double_click(scene):
    tool = Recorder(takes={"press"})
    scene.set_tool(tool)
    pivot = scene.camera.pivot
    QTest.mouseDClick(scene, LEFT, NONE, QPoint(20, 20))
    assert scene.camera.pivot == pivot
    assert any(event.double for _, event in tool.events)


def test_a_tool_that_takes_the_press_keeps_the_camera_still(scene):
    tool = Recorder(takes={"press"})
    scene.set_tool(tool)
    before = scene.camera.to_json()
    drag(scene, (100, 100), (160, 130))
    assert scene.camera.to_json() == before
    assert tool.kinds() == ["press", "move", "move", "release"]


def test_a_tool_that_leaves_the_press_can_tell_a_click_from_an_orbit(scene):
    tool = Recorder()
    scene.set_tool(tool)
    QTest.mouseClick(scene, LEFT, NONE, QPoint(100, 100))
    clicked = tool.events[-1]
    before = scene.camera.azimuth
    drag(scene, (100, 100), (160, 100))
    orbited = tool.events[-1]
    assert scene.camera.azimuth != before
    assert (clicked[0], clicked[1].dragged) == ("release", False)
    assert (orbited[0], orbited[1].dragged) == ("release", True)
    assert not [event for _, event in tool.events[:2] if event.dragged]


def test_events_carry_place_button_modifiers_and_view(scene):
    tool = Recorder()
    scene.set_tool(tool)
    QTest.mousePress(scene, RIGHT, Qt.KeyboardModifier.ControlModifier, QPoint(33, 44))
    kind, event = tool.events[0]
    assert kind == "press"
    assert (event.x, event.y, event.button) == (33, 44, RIGHT)
    assert event.modifiers & Qt.KeyboardModifier.ControlModifier
    assert event.view is scene
    QTest.mouseRelease(scene, RIGHT, NONE, QPoint(33, 44))


def test_hovering_reaches_the_tool_and_moves_nothing(scene):
    tool = Recorder()
    scene.set_tool(tool)
    before = scene.camera.to_json()
    move(scene, (50, 60))
    assert tool.kinds() == ["hover"]
    assert scene.camera.to_json() == before


def test_without_a_tool_clicks_do_nothing(scene):
    before = scene.camera.to_json()
    scene.set_tool(None)
    QTest.mouseClick(scene, LEFT, NONE, QPoint(100, 100))
    assert scene.camera.to_json() == before


def test_arrow_keys_place_a_cursor_and_enter_clicks_there(scene):
    tool = Recorder(takes={"press"})
    scene.set_tool(tool)
    QTest.keyClick(scene, Qt.Key.Key_Right)
    QTest.keyClick(scene, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(scene, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert scene.overlay.cursor == (160 + 8 - 1, 120 + 40)
    assert tool.kinds() == ["hover"] * 3
    QTest.keyClick(scene, Qt.Key.Key_Return)
    press, release = (event for _, event in tool.events[3:])
    assert tool.kinds()[3:] == ["press", "release"]
    assert (press.x, press.y, press.button) == (167, 160, LEFT)
    assert (release.x, release.y, release.dragged) == (167, 160, False)


def test_holding_space_and_moving_the_cursor_is_a_drag(scene):
    tool = Recorder(takes={"press", "move"})
    scene.set_tool(tool)
    QTest.keyClick(scene, Qt.Key.Key_Right)
    QTest.keyPress(scene, Qt.Key.Key_Space)
    QTest.keyClick(scene, Qt.Key.Key_Right)
    QTest.keyRelease(scene, Qt.Key.Key_Space)
    assert tool.kinds() == ["hover", "press", "move", "release"]
    assert tool.events[2][1].buttons == LEFT
    assert tool.events[3][1].dragged


def test_the_cursor_stays_inside_and_leaves_on_escape_or_mouse(scene):
    for _ in range(20):
        QTest.keyClick(scene, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert scene.overlay.cursor[0] == 0
    QTest.keyClick(scene, Qt.Key.Key_Escape)
    assert scene.overlay.cursor is None
    QTest.keyClick(scene, Qt.Key.Key_Up)
    move(scene, (50, 60))
    assert scene.overlay.cursor is None


def test_the_cursor_wins_over_the_windows_shortcuts_only_while_it_is_shown(view, qtbot):
    run = []
    QShortcut(QKeySequence(Qt.Key.Key_Return), view, activated=lambda: run.append(1))
    view.activateWindow()
    view.setFocus()
    qtbot.waitUntil(lambda: view.isActiveWindow() and view.hasFocus(), timeout=2000)
    tool = Recorder()
    view.set_tool(tool)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert (len(run), tool.kinds()) == (1, [])
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert (len(run), tool.kinds()) == (1, ["hover", "press", "release"])


def test_keys_zoom_orbit_and_pan(scene):
    camera = scene.camera
    distance, azimuth, pivot = camera.distance, camera.azimuth, camera.pivot
    QTest.keyClick(scene, Qt.Key.Key_Plus)
    assert camera.distance < distance
    QTest.keyClick(scene, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert camera.azimuth != azimuth
    assert camera.pivot == pivot
    both = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(scene, Qt.Key.Key_Up, both)
    assert camera.pivot != pivot
    assert scene.overlay.cursor is None


def test_digits_and_letters_are_left_to_the_window(scene):
    window = scene.window()
    seen = []
    window.keyPressEvent = lambda event: seen.append(event.key())
    before = scene.camera.to_json()
    for key in (Qt.Key.Key_1, Qt.Key.Key_N, Qt.Key.Key_Return):
        QTest.keyClick(scene, key)
    assert scene.camera.to_json() == before
    assert scene.overlay.cursor is None
