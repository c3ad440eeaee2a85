"""Everything for driving the real window: a home of its own, a scan, the window, leak checks."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import gc
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

FIXTURE_PLUGINS = Path(__file__).parents[1] / "plugins" / "fixtures"


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep the person's real preferences, plugins and projects out of every test."""
    home = tmp_path / "home"
    monkeypatch.setenv("ANNOTATOR_HOME", str(home))
    return home


@pytest.fixture
def scan(tmp_path):
    """Return a scan of two coloured boxes on a floor, with ground truth, in a folder of its own."""
    rng = np.random.default_rng(7)
    floor = rng.uniform([-2, -2, 0], [2, 2, 0.02], (1500, 3))
    left = rng.uniform([-1.5, -0.5, 0], [-0.5, 0.5, 1], (700, 3))
    right = rng.uniform([0.5, -0.5, 0], [1.5, 0.5, 1], (700, 3))
    xyz = np.concatenate([floor, left, right]).astype(np.float32)
    labels = np.repeat([0, 1, 2], [1500, 700, 700]).astype(np.int32)
    rgb = np.array([[150, 150, 150], [200, 60, 60], [60, 60, 200]], np.uint8)[labels]
    folder = tmp_path / "scans"
    folder.mkdir()
    path = folder / "boxes.npz"
    np.savez(path, xyz=xyz, rgb=rgb, labels=labels)
    return path


@pytest.fixture
def registry():
    """Return a registry in which the torch-free engine "nearest-click" is found."""
    from annotator.engine.registry import PluginRegistry

    return PluginRegistry.discover(extra_folders=[FIXTURE_PLUGINS / "nearest_click"])


@pytest.fixture
def preferences(own_home):
    """Return preferences whose engine is the torch-free one."""
    from annotator.ui.basics.settings import Preferences

    preferences = Preferences()
    preferences["engine"] = "nearest-click"
    preferences["renderer"] = "software"
    return preferences


@pytest.fixture
def make_shown_window(qtbot, preferences, registry):
    """Return a function that opens another window; all are closed and checked for leaks."""
    from annotator.ui.window.app import make_window

    windows = []

    def make():
        window = make_window(preferences, "software", registry)
        qtbot.addWidget(window)
        window.resize(1000, 700)
        window.show()
        windows.append(window)
        return window

    before = set(threading.enumerate())
    yield make
    for window in windows:
        window.files.abandon()
        window.close()
    assert not [w for w in windows if w.workspace is not None], "a closed window kept its scan"
    left = {thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()}
    assert not {name for name in left if name.startswith("inference")}, f"threads left: {left}"
    QApplication.processEvents()
    gc.collect()


@pytest.fixture
def window(make_shown_window):
    """Return the real window, shown and empty."""
    return make_shown_window()


@pytest.fixture
def opened(window, scan, qtbot):
    """Return the window with the scan open."""
    window.open_path(scan)
    wait_open(qtbot, window)
    return window


def wait_open(qtbot, window):
    """Wait until a scan is open and nothing runs."""
    qtbot.waitUntil(lambda: window.workspace is not None and not window.jobs.jobs, timeout=20_000)


def headlines(window):
    """Return the headlines of the messages shown."""
    return [banner.headline for banner in window.messages.banners]
