"""A photo of two red patches, on which the toy engine sees people, in the real window."""

import numpy as np
import pytest

from annotator.domain import COCO_17
from annotator.engine.registry import PluginRegistry
from tests.ui.conftest import FIXTURE_PLUGINS
from tests.ui.image.conftest import Person, move, save

FIRST, SECOND = (40.0, 30.0, 120.0, 190.0), (190.0, 40.0, 260.0, 200.0)
"""The patches: x0, y0, x1, y1."""
WRIST, ELBOW = COCO_17.joints.index("left_wrist"), COCO_17.joints.index("left_elbow")


def patches() -> np.ndarray:
    """Two red patches on grey, [H, W, 3] RGB."""
    rgb = np.full((230, 320, 3), 90, np.uint8)
    for x0, y0, x1, y1 in (FIRST, SECOND):
        rgb[int(y0) : int(y1), int(x0) : int(x1)] = (255, 20, 20)
    return rgb


@pytest.fixture
def photo(tmp_path):
    """Return the path of the photo, alone in a folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return save(folder / "people.png", patches())


@pytest.fixture
def registry():
    """Return a registry with engines for photos and poses that need no network."""
    names = ("nearest_click", "flood_fill", "stick_figure")
    return PluginRegistry.discover([FIXTURE_PLUGINS / name for name in names])


@pytest.fixture
def preferences(preferences):
    """Return preferences that name those engines."""
    preferences["image_engine"] = "flood-fill"
    preferences["pose_engine"] = "stick-figure"
    return preferences


class Posing(Person):
    """Works on people with mouse and keys only."""

    @property
    def project(self):
        return self.window.workspace.project

    @property
    def controller(self):
        return self.window.controller

    @property
    def people(self):
        return self.asset.people

    @property
    def shown(self):
        """Where every joint of everybody stands, by id: [K, 2]."""
        return {
            i: np.array(self.project.shown_joints(self.asset, p)) for i, p in self.people.items()
        }

    @property
    def figures(self):
        return {figure.object_id: figure for figure in self.bench.layer.figures}

    def answered(self):
        """Wait until everything placed is answered and on the screen."""
        self.qtbot.waitUntil(
            lambda: (
                not self.bench.waiting
                and not self.bench.runs.unanswered
                and not self.bench.runs.busy
            ),
            timeout=10_000,
        )

    def find(self):
        self.do("find_people")
        self.answered()

    def joint(self, object_id, joint):
        """Return where a joint is."""
        return tuple(self.shown[object_id][joint])

    def hover(self, place):
        at = self.at(place)
        from PySide6.QtCore import Qt

        move(self.view, at, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)


@pytest.fixture
def posing(window, qtbot, photo):
    """Return somebody with the photo open for poses."""
    person = Posing(window, qtbot)
    person.open(photo)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    person.do("task_poses")
    qtbot.waitUntil(lambda: person.bench.engine_skeleton is not None, timeout=10_000)
    person.answered()
    person.view.setFocus()
    qtbot.wait(50)
    return person
