"""Engines in the window: what the menu tells, weights that come and go, two side by side."""

import hashlib
import threading

import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMessageBox
from safetensors.torch import save_file

from annotator.engine import download
from annotator.engine.registry import PluginRegistry
from annotator.engine.store import user_weights
from tests.engine.helpers import MINIMAL_MANIFEST, write_plugin
from tests.engine.test_download import server  # noqa: F401 - a fixture
from tests.engine.test_weights import LAYOUT, WEIGHTS, state
from tests.ui.conftest import FIXTURE_PLUGINS, headlines
from tests.ui.test_isolated_plugins import answer_question

SHY = (
    'api = 1\nid = "shy"\nversion = "1"\ntitle = "Shy"\nkind = "scene"\nuses = "nearest-click"\n'
    '[[parameters]]\nname = "reach"\ntype = "float"\ndefault = 0.4\n'
)

SPECIAL = {
    "slow": SHY.replace("shy", "slow").replace('"reach"', '"encode_seconds"').replace("0.4", "1.5"),
    "faulty": SHY.replace("shy", "faulty").partition("[[")[0]
    + '[[parameters]]\nname = "fail"\ntype = "choice"\ndefault = "create"\nchoices = ["create"]\n',
}


@pytest.fixture
def content(tmp_path):
    save_file(state(), tmp_path / "made.safetensors")
    return (tmp_path / "made.safetensors").read_bytes()


@pytest.fixture
def registry(tmp_path, server, content):  # noqa: F811
    server.behaviour["content"] = content
    digest = hashlib.sha256(content).hexdigest()
    more = f'licence = "CC BY-NC 4.0"\nsha256 = "{digest}"\nsize = {len(content)}\n'
    more += f'url = "http://127.0.0.1:{server.server_port}/net.safetensors"\n'
    variant = '[[variants]]\nid = "big"\ntitle = "Net-18"\nweights = ["net"]\n'
    folder = write_plugin(tmp_path / "tiny", MINIMAL_MANIFEST + WEIGHTS + more + variant)
    (folder / "net.layout.tsv").write_text(LAYOUT)
    shy = tmp_path / "shy"
    shy.mkdir()
    (shy / "plugin.toml").write_text(SHY)
    for name in ("slow", "faulty"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin.toml").write_text(SPECIAL[name])
    extra = [shy, tmp_path / "slow", tmp_path / "faulty"]
    return PluginRegistry.discover([FIXTURE_PLUGINS / "nearest_click", folder, *extra])


@pytest.fixture
def dialog(opened):
    made = opened.engines.manage_weights()
    made.table.selectRow([r.spec.name for r in made.records].index("net"))
    yield made
    made.done(0)


def shown_state(dialog):
    return dialog.table.item(dialog.table.currentRow(), 1).text()


def test_the_menu_tells_what_an_engine_can_do_and_whether_its_weights_are_there(opened):
    actions = opened.engines.menu.actions
    assert "weights missing" in actions["tiny:big"].text()
    tip = actions["tiny:big"].toolTip()
    assert "inside and outside clicks, many objects at once" in tip
    assert "Weights: net missing" in tip
    assert "missing" not in actions["nearest-click"].toolTip()


def test_weights_are_downloaded_after_their_licence_was_shown(opened, dialog, qtbot, server):  # noqa: F811
    seen = []
    assert shown_state(dialog) == "missing"
    answer_question(QMessageBox.StandardButton.Cancel, seen)
    dialog.buttons["download"].click()
    assert "CC BY-NC 4.0" in seen[0]
    assert not server.requests
    answer_question(QMessageBox.StandardButton.Yes, seen)
    dialog.buttons["download"].click()
    qtbot.waitUntil(lambda: shown_state(dialog) == "ready", timeout=10_000)
    qtbot.waitUntil(lambda: "this is Tiny Net-18" in dialog.note.text())
    assert "weights missing" not in opened.engines.menu.actions["tiny:big"].text()
    assert not dialog.buttons["download"].isEnabled()


def test_a_failed_download_says_why_and_can_be_tried_again(dialog, qtbot, server):  # noqa: F811
    server.behaviour["status"] = 404
    answer_question(QMessageBox.StandardButton.Yes, [])
    dialog.buttons["download"].click()
    qtbot.waitUntil(lambda: shown_state(dialog).startswith("failed"), timeout=10_000)
    assert dialog.buttons["download"].isEnabled()
    del server.behaviour["status"]
    answer_question(QMessageBox.StandardButton.Yes, [])
    dialog.buttons["download"].click()
    qtbot.waitUntil(lambda: shown_state(dialog) == "ready", timeout=10_000)


def test_a_stopped_download_goes_on_where_it_stopped(
    dialog,
    qtbot,
    server,  # noqa: F811
    content,
    monkeypatch,
):
    monkeypatch.setattr(download, "CHUNK", 64)
    go_on = threading.Event()
    server.behaviour.update(hold_after=192, go_on=go_on)
    answer_question(QMessageBox.StandardButton.Yes, [])
    dialog.buttons["download"].click()
    qtbot.waitUntil(lambda: shown_state(dialog).startswith("downloading"))
    qtbot.waitUntil(lambda: shown_state(dialog) != "downloading 0%", timeout=10_000)
    assert not dialog.buttons["download"].isEnabled()
    dialog.buttons["stop"].click()
    go_on.set()
    qtbot.waitUntil(lambda: shown_state(dialog) == "missing", timeout=10_000)
    assert "stopped. Download goes on where it stopped" in dialog.note.text()
    assert not dialog.buttons["stop"].isEnabled()
    (part,) = user_weights().glob("*.part")
    kept = part.stat().st_size
    assert 0 < kept < len(content)
    assert part.read_bytes() == content[:kept]
    server.behaviour.pop("hold_after")
    answer_question(QMessageBox.StandardButton.Yes, [])
    dialog.buttons["download"].click()
    qtbot.waitUntil(lambda: shown_state(dialog) == "ready", timeout=10_000)
    assert server.requests == [None, f"bytes={kept}-"]
    assert "this is Tiny Net-18" in dialog.note.text()
    assert not part.exists()


def test_a_dropped_checkpoint_is_recognised_and_removed_again(dialog, qtbot, tmp_path):
    torch.save({"model": state()}, tmp_path / "theirs.pth")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "theirs.pth"))])
    drop = QDropEvent(
        QPoint(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    dialog.dropEvent(drop)
    qtbot.waitUntil(lambda: shown_state(dialog) == "ready", timeout=10_000)
    # The file is there a moment before what was found in it is said.
    qtbot.waitUntil(lambda: "theirs.pth: this is Tiny Net-18" in dialog.note.text())
    answer_question(QMessageBox.StandardButton.Yes, [])
    dialog.buttons["remove"].click()
    assert shown_state(dialog) == "missing"
    assert not list(user_weights().glob("net*"))


def test_a_dropped_file_of_another_kind_is_explained(dialog, qtbot, tmp_path):
    (tmp_path / "photo.pth").write_bytes(b"no checkpoint")
    dialog.import_file(tmp_path / "photo.pth")
    qtbot.waitUntil(lambda: "photo.pth" in dialog.note.text() and not dialog.jobs.jobs)
    assert "Looking at" not in dialog.note.text()
    assert shown_state(dialog) == "missing"


def add_click(window, row, object_id):
    xyz = window.workspace.scan.working.cloud.xyz[row]
    place = tuple(float(v) for v in xyz)
    window.workspace.project.add_click(window.workspace.asset_id, place, object_id, index=row)


def both(comparison):
    return [side.labels for side in comparison.sides]


def test_two_engines_answer_the_same_clicks_side_by_side(opened, qtbot):
    window = opened
    add_click(window, 1700, 1)
    window.actions_manager.actions["compare_engines"].trigger()
    comparison = window.engines._comparison
    qtbot.addWidget(comparison)
    first, second = comparison.sides
    assert first.combo.currentData() == "nearest-click"
    second.use("shy")
    second.ask()
    qtbot.waitUntil(lambda: all(found is not None for found in both(comparison)), timeout=15_000)
    qtbot.waitUntil(lambda: 0 < (second.labels == 1).sum() < 2900, timeout=15_000)
    assert (first.labels == 1).all()
    differ = int((first.labels != second.labels).sum())
    assert f"{differ:,} points" in comparison.summary.text()
    comparison.only_differences.setChecked(True)
    shown = first.canvas._shown
    assert int((shown > 0).sum()) == differ
    add_click(window, 2500, 2)
    qtbot.waitUntil(lambda: all((found == 2).any() for found in both(comparison)))
    window.workspace.project.undo()
    qtbot.waitUntil(lambda: not any((found == 2).any() for found in both(comparison)))


def test_all_three_views_look_from_the_same_place(opened, qtbot):
    comparison = opened.engines.compare_engines()
    qtbot.addWidget(comparison)
    opened.view.camera.look("top")
    poses = {view.camera.to_json() for view in views(opened, comparison)}
    assert len(poses) == 1
    comparison.sides[1].view.camera.orbit(0.3, 0.1)
    poses = {view.camera.to_json() for view in views(opened, comparison)}
    assert len(poses) == 1


def views(window, comparison):
    return [window.view, *(side.view for side in comparison.sides)]


def test_closing_the_scan_ends_the_comparison(opened, qtbot):
    comparison = opened.engines.compare_engines()
    qtbot.waitUntil(lambda: comparison.sides[0].session.engine is not None, timeout=15_000)
    sessions = [side.session for side in comparison.sides]
    opened.engines.close()
    assert opened.engines._comparison is None
    assert not any(thread.is_alive() for session in sessions for thread in session._threads)


def test_the_engine_in_use_answers_until_the_new_one_is_warm(opened, qtbot):
    window, runs = opened, opened.controller.bench.runs
    qtbot.waitUntil(lambda: window.engines.session.engine is not None and not runs.busy)
    window.engines.menu.actions["slow"].trigger()
    assert window.workspace.asset.engine_ref == "nearest-click"
    assert "nearest-click answers meanwhile" in window.jobs.jobs[0].title
    add_click(window, 1700, 1)
    qtbot.waitUntil(lambda: not runs.unanswered and not runs.busy)
    assert window.engines.session.engine.ref == "nearest-click"
    assert window.jobs.jobs, "the old engine answered only after the new one had come"
    assert (window.controller.bench.labels == 1).all()
    qtbot.waitUntil(lambda: window.workspace.asset.engine_ref == "slow", timeout=15_000)
    qtbot.waitUntil(lambda: window.engines.session.engine.ref == "slow", timeout=15_000)
    assert window.engines.menu.actions["slow"].isChecked()


def test_an_engine_that_does_not_load_leaves_the_old_one_in_use(opened, qtbot):
    window, runs = opened, opened.controller.bench.runs
    qtbot.waitUntil(lambda: window.engines.session.engine is not None and not runs.busy)
    window.engines.menu.actions["faulty"].trigger()
    qtbot.waitUntil(lambda: any("failed to load" in h for h in headlines(window)), timeout=15_000)
    assert window.workspace.asset.engine_ref == "nearest-click"
    assert window.engines.menu.actions["nearest-click"].isChecked()
    assert window.preferences["engine"] == "nearest-click"
    add_click(window, 1700, 1)
    qtbot.waitUntil(lambda: not runs.unanswered and not runs.busy)
    assert (window.controller.bench.labels == 1).all()


def test_the_last_of_two_choices_counts(opened, qtbot):
    window, runs = opened, opened.controller.bench.runs
    qtbot.waitUntil(lambda: window.engines.session.engine is not None and not runs.busy)
    window.engines.menu.actions["slow"].trigger()
    window.engines.menu.actions["shy"].trigger()
    qtbot.waitUntil(lambda: window.workspace.asset.engine_ref == "shy", timeout=15_000)
    qtbot.waitUntil(lambda: not window.jobs.jobs, timeout=15_000)
    assert window.workspace.asset.engine_ref == "shy"
