"""A photo of two coloured squares in the real window, used with mouse and keys only."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.engine.registry import PluginRegistry
from tests.ui.conftest import FIXTURE_PLUGINS, wait_open

NONE = Qt.KeyboardModifier.NoModifier
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
RED, BLUE, GROUND = (60.0, 60.0), (150.0, 60.0), (105.0, 110.0)
"""Places on the photo: within the red square, within the blue one, on the ground."""


def squares(width: int = 200, height: int = 120) -> np.ndarray:
    """A red square (30..90, 30..90) and a blue one (120..180, 30..90) on grey, [H, W, 3] RGB."""
    rgb = np.full((height, width, 3), 128, np.uint8)
    rgb[30:90, 30:90] = (200, 40, 40)
    rgb[30:90, 120:180] = (40, 40, 200)
    return rgb


def save(path, rgb):
    """Write RGB pixels by the suffix of `path`."""
    assert cv2.imwrite(str(path), rgb[..., ::-1])
    return path


@pytest.fixture
def photo(tmp_path):
    """Return the path of the photo, alone in a folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return save(folder / "squares.png", squares())


@pytest.fixture
def registry():
    """Return a registry with an engine for scans, one for photos, and one with choices."""
    names = ("nearest_click", "flood_fill", "three_sizes")
    return PluginRegistry.discover([FIXTURE_PLUGINS / name for name in names])


@pytest.fixture
def preferences(preferences):
    """Return preferences whose engine for photos needs no network."""
    preferences["image_engine"] = "flood-fill"
    return preferences


class Person:
    """Uses the window with mouse and keys only."""

    def __init__(self, window, qtbot):
        self.window, self.qtbot = window, qtbot

    @property
    def view(self):
        return self.window.view

    @property
    def bench(self):
        return self.window.controller.bench

    @property
    def asset(self):
        return self.window.workspace.asset

    @property
    def labels(self):
        """What the document says, from the project itself."""
        labels = self.window.workspace.project.labels_of(self.asset.asset_id)
        return None if labels is None else labels.reshape(self.bench.shape)

    def at(self, place):
        x, y = self.view.camera.to_view(*place)
        return QPoint(round(x), round(y))

    def click(self, place, button=LEFT, modifiers=NONE):
        QTest.mouseClick(self.view, button, modifiers, self.at(place))

    def drag(self, start, end, button=LEFT, modifiers=NONE, steps=8):
        a, b = self.at(start), self.at(end)
        QTest.mousePress(self.view, button, modifiers, a)
        for i in range(1, steps + 1):
            move(self.view, a + (b - a) * i / steps, button, modifiers)
        QTest.mouseRelease(self.view, button, modifiers, b)

    def key(self, key, modifiers=NONE):
        QTest.keyClick(self.view, key, modifiers)

    def do(self, action_id):
        self.window.actions_manager.trigger(action_id)

    def enabled(self, action_id):
        return self.window.actions_manager.actions[action_id].isEnabled()

    def answered(self):
        """Wait until the newest clicks are answered, composed and on the screen."""
        bench = self.bench
        self.qtbot.waitUntil(
            lambda: not bench.runs.unanswered and not bench.runs.busy, timeout=10_000
        )
        bench.composer.settle()

    def open(self, path):
        self.window.open_path(path)
        wait_open(self.qtbot, self.window)
        self.qtbot.waitUntil(lambda: not self.bench.runs.busy, timeout=10_000)
        self.view.setFocus()


def move(view, at, button, modifiers):
    """Move with a button held, which `QTest.mouseMove` cannot say."""
    place = QPointF(at)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, view.mapToGlobal(place), Qt.MouseButton.NoButton, button,
        modifiers,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


@pytest.fixture
def person(window, qtbot, photo):
    """Return a person with the photo open in front."""
    person = Person(window, qtbot)
    person.open(photo)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.wait(50)
    return person
