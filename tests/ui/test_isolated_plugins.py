"""The window with plugins in worker processes and plugins that nobody has agreed to yet."""

import shutil

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from annotator.engine.paths import user_data
from annotator.engine.placement import change_settings
from annotator.engine.registry import PluginRegistry
from annotator.engine.trust import is_trusted
from tests.engine.workers import kill
from tests.ui.conftest import FIXTURE_PLUGINS, headlines, wait_open

KILLS = 100


def ready(window):
    runs = window.controller.bench.runs
    return not runs.busy


def run_of(window):
    return window.controller.bench.runs


@pytest.mark.slow
def test_a_worker_killed_mid_click_a_hundred_times_leaves_the_window_usable(
    window, scan, qtbot, own_home
):
    change_settings("nearest-click", {"isolation": "process"})
    window.open_path(scan)
    wait_open(qtbot, window)
    runs = run_of(window)
    qtbot.waitUntil(lambda: window.engines.session.engine is not None and not runs.busy)
    project, asset_id = window.workspace.project, window.workspace.asset_id
    project.set_engine(asset_id, "nearest-click", {"predict_seconds": 0.02})
    qtbot.waitUntil(lambda: not runs.busy, timeout=10_000)
    xyz = window.workspace.scan.working.cloud.xyz
    for number in range(KILLS):
        row = 1500 + number * 7
        project.add_click(asset_id, tuple(map(float, xyz[row])), 1 + row // 2201, index=row)
        qtbot.waitUntil(lambda: runs.pending or not runs.unanswered)
        kill(window.engines.session.engine)
        qtbot.waitUntil(lambda: not runs.busy, timeout=10_000)
        if runs.unanswered:
            runs.run_now()
        qtbot.waitUntil(lambda: not runs.busy and not runs.unanswered, timeout=10_000)
    clicks = project.document.assets[asset_id].clicks
    assert len(clicks) == KILLS
    labels = window.controller.bench.labels
    assert [int(labels[c.index]) for c in clicks] == [c.object_id for c in clicks]
    assert any("ended (SIGKILL" in headline for headline in headlines(window))


@pytest.fixture
def registry(own_home):
    """Both engines: one named by the caller, one in the user's folder, not agreed to."""
    folder = user_data("plugins") / "stranger"
    shutil.copytree(FIXTURE_PLUGINS / "nearest_click", folder)
    manifest = folder / "plugin.toml"
    manifest.write_text(
        manifest.read_text().replace('"nearest-click"', '"stranger"').replace("Nearest", "Strange")
    )
    (folder / "adapter.py").write_text(
        f"open({str(own_home / 'ran')!r}, 'w').close()\n" + (folder / "adapter.py").read_text()
    )
    return PluginRegistry.discover(extra_folders=[FIXTURE_PLUGINS / "nearest_click"])


def answer_question(answer, seen):
    """Answer the next message box once it is shown."""

    def look():
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            seen.append(f"{box.text()} {box.informativeText()} {box.detailedText()}")
            box.button(answer).click()
        else:
            QTimer.singleShot(10, look)

    QTimer.singleShot(0, look)


def choose(window, ref):
    window.engines.menu.actions[ref].trigger()


def test_a_strange_plugin_runs_only_after_a_yes(opened, qtbot, own_home):
    window, seen = opened, []
    qtbot.waitUntil(lambda: ready(window))
    folder = user_data("plugins") / "stranger"
    answer_question(QMessageBox.StandardButton.No, seen)
    choose(window, "stranger")
    assert window.workspace.asset.engine_ref == "nearest-click"
    assert window.engines.menu.actions["nearest-click"].isChecked()
    assert not (own_home / "ran").exists()
    assert not is_trusted(folder)
    answer_question(QMessageBox.StandardButton.Yes, seen)
    choose(window, "stranger")
    qtbot.waitUntil(lambda: window.engines.session.engine.ref == "stranger", timeout=10_000)
    assert (own_home / "ran").exists()
    for text in seen:
        assert str(folder) in text
        assert "adapter.py" in text
        assert "sha256" in text
    choose(window, "nearest-click")
    qtbot.waitUntil(lambda: window.workspace.asset.engine_ref == "nearest-click")
    choose(window, "stranger")  # agreed once: no question any more
    qtbot.waitUntil(lambda: window.workspace.asset.engine_ref == "stranger")
    assert len(seen) == 2


def test_a_project_that_names_a_strange_plugin_runs_none_of_it(opened, qtbot, own_home):
    window = opened
    window.workspace.project.set_engine(window.workspace.asset_id, "stranger", {})
    qtbot.waitUntil(lambda: any("never agreed to" in h for h in headlines(window)), timeout=10_000)
    assert not (own_home / "ran").exists()
    assert window.engines.session.engine.ref == "nearest-click"
