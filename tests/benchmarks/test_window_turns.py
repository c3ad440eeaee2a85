"""How long the window does not listen while it opens, stores, paints and closes. Never judges."""

import time

import numpy as np
import pytest
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest

from annotator.project import Project
from annotator.ui.basics.places import beside
from annotator.ui.view import create_point_view
from tests.benchmarks.test_frame_speed import room
from tests.benchmarks.watchdog import Watchdog
from tests.ui.annotate.conftest import _move
from tests.ui.conftest import (  # noqa: F401 - fixtures
    make_shown_window,
    own_home,
    preferences,
    registry,
    wait_open,
    window,
)

POINTS = 1_000_000
EVENTS = 10_000


@pytest.fixture
def large_scan(tmp_path):
    """Return the file of a labelled room of a million points."""
    cloud = room(POINTS)
    labels = (cloud.xyz[:, 0] * 2).astype(np.int32)
    path = tmp_path / "room.npz"
    np.savez(path, xyz=cloud.xyz, rgb=cloud.rgb, labels=labels)
    return path


def settle(window, milliseconds=500):  # noqa: F811
    # Not QTest.qWait: it keeps Python's lock while it sleeps, and so holds up all threads.
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def open_watched(window, path, qtbot, name):  # noqa: F811
    with Watchdog() as watchdog:
        start = time.perf_counter()
        window.open_path(path)
        wait_open(qtbot, window)
        seconds = time.perf_counter() - start
        settle(window)
    watchdog.say(f"{name} ({seconds:.1f} s)")


def test_opening_a_million_points(window, large_scan, qtbot):  # noqa: F811
    open_watched(window, large_scan, qtbot, "opening 1 M points")
    window.close_workspace()
    open_watched(window, large_scan, qtbot, "opening 1 M points again")
    assert len(window.view.cloud) == POINTS


def test_answers_of_a_million_points(window, large_scan, qtbot):  # noqa: F811
    window.open_path(large_scan)
    wait_open(qtbot, window)
    settle(window, 1500)
    project = window.workspace.project
    runs = window.controller.bench.runs
    with Watchdog() as watchdog:
        for row in range(0, POINTS, POINTS // 6):
            project.add_click(1, window.view.cloud.xyz[row], row % 5, index=row)
            qtbot.waitUntil(lambda: not runs.busy, timeout=60_000)
            settle(window)
    watchdog.say("six clicks on 1 M points")
    assert project.stored_result(1) is not None


def test_opening_a_long_history(window, large_scan, qtbot):  # noqa: F811
    small = large_scan.with_name("small.npy")
    np.save(small, np.random.default_rng(0).uniform(0, 1, (2000, 3)).astype(np.float32))
    window.open_path(small)
    wait_open(qtbot, window)
    window.close_workspace()
    with Project.open(beside(small)) as project:
        project._store.connection.execute("PRAGMA synchronous = OFF")  # filling is not measured
        for i in range(EVENTS):
            project.add_click(1, (i / EVENTS, 0.5, 0.5), i % 9, index=i % 2000)
    open_watched(window, small, qtbot, f"opening {EVENTS:,} events")
    assert len(window.workspace.asset.clicks) == EVENTS


def test_painting_ten_million_points(qtbot):
    view = create_point_view("software")
    qtbot.addWidget(view)
    view.resize(1280, 800)
    view.show()
    finished = []
    view.frameFinished.connect(finished.append)
    view.set_cloud(room(10_000_000))
    qtbot.waitUntil(lambda: bool(finished), timeout=60_000)
    with Watchdog() as watchdog:
        sizes = []
        for x in range(300, 900, 50):
            sizes.append(len(view.points_near(x, 400, 18)))
            settle(view, 20)
    watchdog.say("brush on 10 M points")
    assert min(sizes) > 0


def test_a_stroke_over_ten_million_points(window, preferences, tmp_path, qtbot):  # noqa: F811
    preferences["thin_above"] = 20_000_000
    path = tmp_path / "huge.npy"
    np.save(path, room(10_000_000).xyz)
    finished = []
    window.view.frameFinished.connect(finished.append)
    window.open_path(path)
    wait_open(qtbot, window)
    qtbot.waitUntil(
        lambda: bool(finished) and not window.controller.bench.runs.busy, timeout=60_000
    )
    window.actions_manager.trigger("object_1")
    window.actions_manager.trigger("tool_brush")
    view, left = window.view, Qt.MouseButton.LeftButton
    keys = Qt.KeyboardModifier.NoModifier
    with Watchdog() as watchdog:
        QTest.mousePress(view, left, keys, QPoint(200, 250))
        for x in range(200, 400, 20):
            _move(view, QPoint(x, 250), left, keys)
            settle(view, 20)
        QTest.mouseRelease(view, left, keys, QPoint(400, 250))
        settle(window, 1500)
    watchdog.say("a stroke of the brush on 10 M points")
    assert window.workspace.asset.edits
