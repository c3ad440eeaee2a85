"""Annotation through the real window's keys: digits, keypad, undo, batch key, run."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from annotator.engine.registry import PluginRegistry
from annotator.ui.annotate.batch_key import KEY
from annotator.ui.basics.settings import Preferences
from annotator.ui.window.app import make_window
from tests.ui.annotate.conftest import FIXTURES, three_blobs

FIRST, SECOND, THIRD = 465, 1365, 2265
KEYPAD = Qt.KeyboardModifier.KeypadModifier


class Person:
    """Uses the window with mouse and keys only."""

    def __init__(self, window):
        self.window, self.view, self.bench = window, window.view, window.controller.bench

    @property
    def clicks(self):
        return [click.object_id for click in self.bench.clicks]

    def key(self, key, modifiers=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.view, key, modifiers)

    def click(self, row):
        x, y, _ = self.view.camera.projection().project(self.bench.cloud.xyz[row])
        QTest.mouseClick(self.view, Qt.MouseButton.LeftButton, pos=QPoint(round(x[0]), round(y[0])))


@pytest.fixture
def person(qtbot, tmp_path):
    cloud = three_blobs()
    path = tmp_path / "blobs.npz"
    np.savez(path, xyz=cloud.xyz, rgb=cloud.rgb, labels=cloud.labels)
    window = make_window(Preferences(), "software", PluginRegistry.discover([FIXTURES], disk=False))
    qtbot.addWidget(window)
    window.engines.preferred = "nearest-click"
    window.show()
    window.open_path(path)
    qtbot.waitUntil(lambda: window.workspace is not None, timeout=10_000)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.view.setFocus()
    qtbot.wait(100)  # docks take their places, and the view its size
    window.view.camera.look("top")
    person = Person(window)
    person.answered = lambda: qtbot.waitUntil(
        lambda: not person.bench.runs.unanswered and not person.bench.runs.busy, timeout=10_000
    )
    yield person
    window.close()


def test_digits_of_main_row_and_keypad_choose_the_object(person):
    person.key(Qt.Key.Key_3)
    person.click(FIRST)
    person.key(Qt.Key.Key_5, KEYPAD)
    person.click(SECOND)
    person.key(Qt.Key.Key_0)
    person.click(THIRD)
    assert person.clicks == [3, 5, 0]
    person.answered()
    assert set(np.unique(person.bench.labels)) == {0, 3, 5}


def test_n_starts_a_new_object_and_control_z_takes_it_back(person):
    person.click(FIRST)
    person.key(Qt.Key.Key_N)
    person.click(SECOND)
    assert person.clicks == [1, 2]
    person.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert person.clicks == [1]


def test_the_batch_key_works_in_the_window(person):
    requests = []
    request = person.bench.runs._session.request
    person.bench.runs._session.request = lambda *a: requests.append(a) or request(*a)
    QTest.keyPress(person.view, KEY)
    person.click(FIRST)
    person.click(SECOND)
    assert not requests
    QTest.keyRelease(person.view, KEY)
    person.answered()
    assert len(requests) == 1


def test_delete_removes_the_click_chosen_with_the_keyboard(person):
    person.click(FIRST)
    person.key(Qt.Key.Key_2)
    person.click(SECOND)
    person.key(Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    person.key(Qt.Key.Key_Delete)
    assert person.clicks == [2]


def test_keys_take_tools_and_auto_run(person):
    person.key(Qt.Key.Key_B)
    assert "tool_brush" in person.window.controller.conditions()
    person.key(Qt.Key.Key_C)
    person.key(Qt.Key.Key_A)
    person.click(FIRST)
    assert person.bench.runs.unanswered
    assert not person.bench.runs.pending
    person.key(Qt.Key.Key_Return)
    person.answered()
    assert (person.bench.labels == 1).all()
