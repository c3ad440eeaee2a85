"""What only the software renderer promises: progressive, never long at a time, sharp at last."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from annotator.domain import PointCloud
from annotator.domain.raster import EMPTY, ZBuffer
from annotator.ui.view import create_point_view, software
from tests.ui.view.conftest import wall_and_plate


@pytest.fixture
def view(qtbot):
    view = create_point_view("software")
    qtbot.addWidget(view)
    view.resize(320, 240)
    view.show()
    return view


@pytest.fixture
def drawn_blocks(monkeypatch):
    """Return the list that grows by one with every block of points drawn."""
    drawn = []
    add = ZBuffer.add

    def counting(self, block, *rest):
        drawn.append(block.first)
        return add(self, block, *rest)

    monkeypatch.setattr(ZBuffer, "add", counting)
    return drawn


def large_cloud():
    xyz = np.random.default_rng(0).normal(size=(1_100_000, 3)).astype(np.float32)
    return PointCloud(xyz, labels=np.zeros(len(xyz), np.int32))


def test_a_large_cloud_is_drawn_in_slices_and_converges(view, qtbot, drawn_blocks, monkeypatch):
    monkeypatch.setattr(software, "SLICE_SECONDS", 0.0)
    slices = []
    tick = software.SoftwareRenderer._advance

    def noting(self, patience):
        before = len(drawn_blocks)
        tick(self, patience)
        slices.append(len(drawn_blocks) - before)

    monkeypatch.setattr(software.SoftwareRenderer, "_advance", noting)
    with qtbot.waitSignal(view.frameFinished, timeout=20_000):
        view.set_cloud(large_cloud())
    assert len(drawn_blocks) == 5
    assert max(slices) == 1
    progressive = view.grab_image()
    view.camera.from_json(view.camera.to_json())
    assert view.grab_image() == progressive


def test_moving_during_the_drawing_starts_over(view, qtbot, drawn_blocks, monkeypatch):
    monkeypatch.setattr(software, "SLICE_SECONDS", 0.0)
    view.set_cloud(large_cloud())
    view.repaint()
    partly = len(drawn_blocks)
    assert 1 <= partly < 5
    with qtbot.waitSignal(view.frameFinished, timeout=20_000):
        view.camera.orbit(3, 0)
    assert len(drawn_blocks) == partly + 5


def test_what_is_shown_so_far_can_be_picked(view, monkeypatch):
    monkeypatch.setattr(software, "SLICE_SECONDS", 0.0)
    view.set_cloud(large_cloud())
    view.repaint()
    assert view.pick(160, 120) is not None


def test_recolouring_does_not_draw_points_again(view, drawn_blocks):
    view.set_cloud(wall_and_plate())
    view.grab_image()
    count = len(drawn_blocks)
    view.set_labels(view.cloud.labels)
    view.set_palette({1: (1, 2, 3)})
    view.set_colour_mode("label")
    view.set_label_opacity(0.3)
    view.set_shading(False)
    view.set_markers([])
    before = view.grab_image()
    view.set_labels(np.zeros(len(view.cloud), np.int32), changed=np.arange(500))
    assert view.grab_image() != before
    assert len(drawn_blocks) == count


def test_several_changes_before_a_painting_are_all_shown(view):
    view.set_cloud(wall_and_plate())
    view.grab_image()
    labels = view.cloud.labels
    for part in np.array_split(np.arange(len(labels)), 7):
        view.set_labels(labels, changed=part)
    in_parts = view.grab_image()
    view.set_labels(None)
    view.set_labels(labels)
    assert view.grab_image() == in_parts


def test_large_pictures_are_drafted_while_moving_and_sharp_at_rest(view, qtbot, monkeypatch):
    monkeypatch.setattr(software, "DRAFT_PIXELS", 1000)
    view.set_cloud(wall_and_plate())
    view.grab_image()
    view.camera.orbit(4, 0)
    view.repaint()
    renderer = view._renderer
    assert renderer.ids_around(160, 120, 3).projection.width == 160
    row = view.pick(160, 120)
    qtbot.waitUntil(lambda: renderer.ids_around(160, 120, 3).projection.width == 320, timeout=5000)
    assert np.abs(view.cloud.xyz[view.pick(160, 120)] - view.cloud.xyz[row]).max() < 0.1


def test_resizing_redraws_at_the_new_size(view):
    view.set_cloud(wall_and_plate())
    for size in [(200, 150), (400, 301), (161, 121)]:
        view.resize(*size)
        QApplication.processEvents()
        image = view.grab_image()
        assert (image.width(), image.height()) == size
        assert view.pick(size[0] / 2, size[1] / 2) is not None


def test_on_a_display_of_double_density_places_stay_logical(tmp_path):
    script = """
        import sys
        import numpy as np
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QApplication
        app = QApplication([])
        from annotator.ui.view import create_point_view
        from tests.ui.view.conftest import place_of, wall_and_plate
        view = create_point_view("software")
        view.resize(320, 240)
        view.show()
        app.processEvents()
        assert view.devicePixelRatioF() == 2, view.devicePixelRatioF()
        view.set_cloud(wall_and_plate())
        view.set_adaptive_size(False)
        view.set_point_size(2)
        view.camera.look("front")
        image = view.grab_image()
        assert (image.width(), image.height()) == (640, 480)
        clicked = []
        class Tool:
            def press(self, event):
                clicked.append(event.view.pick(event.x, event.y, 3))
                return True
            move = release = hover = lambda self, event: True
        view.set_tool(Tool())
        for row in (0, 40, 1260, 2111, 2951):
            x, y = place_of(view, view.cloud.xyz[row])
            QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
                             QPoint(round(x), round(y)))
            distance = np.abs(view.cloud.xyz[clicked[-1]] - view.cloud.xyz[row]).max()
            assert distance < 0.06, (row, clicked[-1], distance)
            x, y = place_of(view, view.cloud.xyz[row])
            assert row in view.points_near(x, y, 4)
        print("good")
    """
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen", QT_SCALE_FACTOR="2")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "good", done.stderr


def test_no_pixel_shows_a_point_that_does_not_exist(view):
    view.set_cloud(wall_and_plate())
    ids = view._renderer.all_ids().ids
    assert ids[ids != EMPTY].max() < len(view.cloud)
