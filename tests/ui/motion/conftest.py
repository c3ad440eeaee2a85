"""A textured photo with a pond in the real window, worked on for motion."""

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.ui.image.conftest import Person, preferences, registry  # noqa: F401 - fixtures

POND, SHORE = (100.0, 70.0), (10.0, 10.0)
INSIDE = (slice(30, 110), slice(50, 150))
SHAPE, FRAMES = (150, 200), 24


def pond():
    """A rectangle of bluish noise on even grey, [H, W, 3] RGB."""
    rgb = np.full((*SHAPE, 3), 128, np.uint8)
    noise = np.random.default_rng(1).normal(0, 1, (80, 100)).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), 1.6)
    grain = (grain / np.abs(grain).max() * 5).round().astype(int)  # within the flood's reach
    for channel, level in enumerate((60, 90, 190)):
        rgb[..., channel][INSIDE] = (level + grain).astype(np.uint8)
    return rgb


class Mover(Person):
    """Uses the window for motion, with mouse and keys only."""

    @property
    def controller(self):
        return self.window.controller

    @property
    def moving(self):
        return self.controller.moving

    @property
    def reel(self):
        return self.moving.preview.reel

    @property
    def regions(self):
        return self.asset.regions

    @property
    def docks(self):
        return {dock.objectName(): dock for dock in self.controller.docks()}

    @property
    def regions_dock(self):
        return self.docks["regionsDock"]

    @property
    def reel_dock(self):
        return self.docks["reelDock"]

    def at_rest(self):
        """Wait until masks, clip and pictures are there."""
        self.qtbot.wait(20)
        self.qtbot.waitUntil(lambda: self.controller.at_rest, timeout=20_000)
        self.bench.composer.settle()
        self.qtbot.waitUntil(lambda: self.controller.at_rest, timeout=20_000)

    def say(self, words):
        """Type words into the dock and press Enter."""
        line = self.regions_dock.words
        self._focus(line)
        line.selectAll()
        QTest.keyClicks(line, words)
        line.completer().popup().hide()  # without a desktop it would keep the keyboard
        self._focus(line)
        QTest.keyClick(line, Qt.Key.Key_Return)
        self._focus(self.view)

    def _focus(self, widget):
        self.window.activateWindow()
        self.qtbot.waitUntil(self.window.isActiveWindow)
        widget.setFocus()
        self.qtbot.waitUntil(widget.hasFocus)

    def shown(self, place=(75.0, 85.0), size=24):
        """Return pixels [h, w, 3] of the screen around a place of the photo."""
        image = self.view.grab_image()
        at = self.at(place)
        part = [
            image.pixelColor(at.x() + x, at.y() + y).getRgb()[:3]
            for y in range(-size, size, 3) for x in range(-size, size, 3)
        ]  # fmt: skip
        return np.array(part, int)


@pytest.fixture
def photo(tmp_path):
    """Return the path of the photo, alone in a folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    assert cv2.imwrite(str(folder / "pond.png"), pond()[..., ::-1])
    return folder / "pond.png"


@pytest.fixture
def mover(window, qtbot, photo):
    """Return a person who works on the motion of the photo, with the pond clicked already."""
    mover = Mover(window, qtbot)
    mover.open(photo)
    window.resize(1280, 860)
    settings = {"force": True, "frames": FRAMES}  # few pixels look solid, and time is short
    window.workspace.project.set_engine(1, "followclick", settings, "motion")
    mover.do("task_motion")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.waitUntil(lambda: mover.moving.preview.runs.device != "", timeout=20_000)
    qtbot.wait(50)
    mover.click(POND)
    mover.answered()
    return mover
