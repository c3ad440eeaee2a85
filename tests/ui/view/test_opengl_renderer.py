"""What only the OpenGL renderer promises: it sends what changed, in portions."""

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from annotator.ui.view import create_point_view
from annotator.ui.view.choose import opengl_driver
from tests.ui.view.conftest import wall_and_plate

pytestmark = pytest.mark.xvfb


@pytest.fixture
def view(qtbot):
    if not opengl_driver():
        pytest.skip("needs OpenGL 3.3 on an X display: QT_QPA_PLATFORM=xcb under xvfb-run")
    view = create_point_view("opengl")
    qtbot.addWidget(view)
    view.resize(320, 240)
    view.show()
    QApplication.processEvents()
    return view


@pytest.fixture
def uploads(monkeypatch):
    """Return the list of (kind, first row, rows) sent to the card."""
    from annotator.ui.view.gl_resources import PointBuffers

    sent = []
    upload = PointBuffers.upload

    def noting(self, which, first, values):
        sent.append((which, first, len(values)))
        upload(self, which, first, values)

    monkeypatch.setattr(PointBuffers, "upload", noting)
    return sent


def test_a_click_sends_only_the_range_of_changed_labels(view, uploads):
    view.set_cloud(wall_and_plate())
    view.grab_image()
    uploads.clear()
    labels = np.zeros(len(view.cloud), np.int32)
    labels[100:150] = 3
    view.set_labels(labels, changed=np.arange(100, 150))
    view.set_labels(labels, changed=np.array([90]))
    view.grab_image()
    assert uploads == [(2, 90, 60)]


def test_moving_sends_nothing(view, uploads):
    view.set_cloud(wall_and_plate())
    view.grab_image()
    uploads.clear()
    view.camera.orbit(5, 5)
    view.set_point_size(5)
    view.set_hidden(frozenset({1}))
    view.grab_image()
    assert uploads == []


def test_a_large_cloud_is_sent_in_portions_and_drawn_whole(view, qtbot, uploads, monkeypatch):
    from annotator.ui.view import opengl

    view.set_cloud(wall_and_plate())
    view.camera.look("front")
    at_once = view.grab_image()
    uploads.clear()
    monkeypatch.setattr(opengl, "UPLOAD_ROWS", 1000)
    with qtbot.waitSignal(view.frameFinished, timeout=5000):
        view.set_cloud(wall_and_plate())
        view.camera.look("front")
    assert [rows for kind, _, rows in uploads if kind == 0] == [1000, 1000, 952]
    assert view.grab_image() == at_once


def test_another_window_gets_the_whole_scene_again(view, qtbot):
    from PySide6.QtWidgets import QWidget

    view.set_cloud(wall_and_plate())
    view.camera.look("front")
    before = view.pick(160, 120)
    window = QWidget()
    window.resize(400, 300)
    view.setParent(window)
    window.show()
    view.show()
    QApplication.processEvents()
    view.resize(320, 240)
    assert view.pick(160, 120) == before
    view.setParent(None)
    window.close()
