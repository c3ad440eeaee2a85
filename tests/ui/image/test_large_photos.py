"""A hundred-megapixel photo in the real window: what it costs, printed; what it does, checked."""

import time

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest

from tests.benchmarks.watchdog import Watchdog
from tests.ui.image.conftest import LEFT, Person, save

WAIT_MS = 200_000  # a loaded machine takes long, and nothing here judges time
WIDTH, HEIGHT = 11_600, 8_700


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Return the path of a JPEG of 100.9 megapixels with a red disc on a green ground."""
    rgb = np.full((HEIGHT, WIDTH, 3), (60, 120, 60), np.uint8)
    cv2.circle(rgb, (5800, 4350), 2500, (200, 40, 40), -1)
    return save(tmp_path_factory.mktemp("large") / "large.jpg", rgb)


def timed(view, step, count=20):
    """Return the milliseconds of work of every frame that `step` asks for."""
    frames = []
    view.frameFinished.connect(frames.append)
    for number in range(count):
        step(number)
        view.repaint()
    view.frameFinished.disconnect(frames.append)
    return frames


@pytest.mark.slow
def test_a_hundred_megapixels_are_clicked_and_moved(window, large, qtbot, capsys):
    person = Person(window, qtbot)
    started = time.perf_counter()
    with Watchdog() as opening:
        window.open_path(large)
        qtbot.waitUntil(lambda: window.workspace is not None, timeout=WAIT_MS)
        person.view.repaint()
        qtbot.waitUntil(lambda: not person.bench.runs.busy, timeout=WAIT_MS)
    opened = time.perf_counter() - started
    assert "masks at 1/2" in window._scan_label.text()
    camera = person.view.camera
    camera.fit()
    pans = timed(person.view, lambda i: camera.pan(9 if i % 10 < 5 else -9, 4))
    zooms = timed(person.view, lambda i: camera.zoom(1.1 if i % 10 < 5 else 1 / 1.1))
    camera.fit()
    camera.one_to_one()
    pans_full = timed(person.view, lambda i: camera.pan(9 if i % 10 < 5 else -9, 4))
    zooms_full = timed(person.view, lambda i: camera.zoom(1.1 if i % 10 < 5 else 1 / 1.1))
    camera.fit()
    with Watchdog() as clicking:
        QTest.mouseClick(person.view, LEFT, pos=QPoint(*map(round, camera.to_view(5800, 4350))))
        qtbot.waitUntil(lambda: person.bench.points.size > 1, timeout=WAIT_MS)
        QTest.qWait(1500)  # the answer is stored
    assert person.bench.labels.shape == (HEIGHT // 2, WIDTH // 2)
    assert person.bench.labels[2175, 2900] == 1
    assert person.bench.labels[10, 10] == 0
    radius = np.sqrt(person.bench.points[1] / np.pi)
    assert radius == pytest.approx(1250, rel=0.02)
    with Watchdog() as undoing:
        person.do("undo")
        qtbot.waitUntil(lambda: person.bench.labels is None, timeout=WAIT_MS)
        person.do("redo")
        qtbot.waitUntil(lambda: person.bench.labels is not None, timeout=WAIT_MS)
    with capsys.disabled():
        for name, frames in (
            ("pan, fit", pans),
            ("zoom, fit", zooms),
            ("pan, 1:1", pans_full),
            ("zoom, 1:1", zooms_full),
        ):
            print(f"\n{name}: median {np.median(frames):.1f}, longest {max(frames):.1f} ms", end="")  # noqa: T201
        print(f"\nopened in {opened:.1f} s")  # noqa: T201
        opening.say("opening")
        clicking.say("clicking")
        undoing.say("undo and redo")
