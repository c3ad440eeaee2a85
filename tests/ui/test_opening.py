"""Opening scans and projects in the real window."""

import shutil
import threading

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton

from annotator.project import Project
from annotator.ui.basics import places
from annotator.ui.basics.places import beside, fresh
from tests.ui.conftest import headlines, wait_open


def press(qtbot, window, text):
    """Press the message button of that text, as soon as it is on the screen."""

    def found():
        every = window.messages.findChildren(QPushButton)
        return [button for button in every if button.text() == text and button.isVisible()]

    qtbot.waitUntil(lambda: bool(found()))
    found()[0].click()


def wait_message(qtbot, window, part):
    qtbot.waitUntil(lambda: any(part in line for line in headlines(window)), timeout=20_000)


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (Qt.DropAction.CopyAction, data)
    keys = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entering = QDragEnterEvent(QPointF(100, 100).toPoint(), *how, *keys)
    QApplication.sendEvent(window, entering)
    assert entering.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(100, 100), *how, *keys))


def test_the_empty_window_invites_to_drop_a_scan(window):
    assert window.start_page.isVisible()
    assert not window.view.isVisible()
    assert not window.actions_manager.actions["export"].isEnabled()


def test_opening_a_scan_shows_it_and_makes_a_project_beside_it(opened, scan):
    assert opened.view.isVisible()
    assert len(opened.view.cloud) == 2900
    assert opened.workspace.project.path == beside(scan)
    assert beside(scan).exists()
    assert "boxes.npz" in opened.windowTitle()
    assert "2,900" in opened._scan_label.text()


def test_a_dropped_file_opens(window, scan, qtbot):
    drop(window, scan)
    wait_open(qtbot, window)
    assert window.workspace.scan.path == scan


def test_several_dropped_files_become_one_project_that_shows_the_first(window, scan, qtbot):
    other = scan.with_name("other.npy")
    np.save(other, np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32))
    drop(window, scan, other)
    qtbot.waitUntil(
        lambda: window.workspace is not None and len(window.workspace.project.document.assets) == 2,
        timeout=20_000,
    )
    assert window.workspace.scan.path == scan
    assert not window.assets.dock.isHidden()


def test_an_opened_scan_is_in_the_recent_list(opened, scan):
    opened.close_workspace()
    assert opened.state.recent == (scan,)
    assert opened.start_page.recent_list.count() == 1
    assert scan.name in opened.recent_menu.menu.actions()[0].text()


def test_choosing_a_recent_scan_opens_it(opened, scan, qtbot):
    opened.close_workspace()
    opened.recent_menu.menu.actions()[0].trigger()
    wait_open(qtbot, opened)
    assert opened.workspace.scan.path == scan


def test_a_recent_scan_that_is_gone_is_marked_and_can_be_forgotten(opened, scan):
    opened.close_workspace()
    scan.unlink()
    opened._show_recent()
    entry = opened.recent_menu.menu.actions()[0]
    assert "missing" in entry.text()
    entry.trigger()
    assert opened.state.recent == ()


def test_a_missing_file_is_named_in_the_window(window, tmp_path):
    window.open_path(tmp_path / "nowhere.ply")
    assert headlines(window) == ["nowhere.ply is not there any more."]


def test_a_damaged_scan_is_named_and_the_window_stays_usable(window, scan, tmp_path, qtbot):
    broken = tmp_path / "broken.ply"
    broken.write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 9999999999\n")
    window.open_path(broken)
    wait_message(qtbot, window, "broken.ply")
    assert window.workspace is None
    assert not beside(broken).exists()
    window.open_path(scan)
    wait_open(qtbot, window)


def test_the_scan_stays_open_while_another_one_fails_to_open(opened, scan, tmp_path, qtbot):
    broken = tmp_path / "broken.pcd"
    broken.write_bytes(b"# .PCD v0.7\nnonsense")
    opened.open_path(broken)
    wait_message(qtbot, opened, "broken.pcd")
    assert opened.workspace.scan.path == scan


def test_opening_can_be_cancelled(window, scan, qtbot, monkeypatch):
    started = threading.Event()

    def slow(path, spacing, above, preferred, progress, cancel):
        started.set()
        while True:
            progress(0.5, "Reading")
            cancel.check()

    monkeypatch.setattr("annotator.ui.files.kinds.load_scan", slow)
    window.open_path(scan)
    assert started.wait(10)
    qtbot.waitUntil(window.progress.isVisible)
    window.progress._cancel.click()
    wait_message(qtbot, window, "Stopped opening boxes.npz")
    assert window.workspace is None
    assert not window.progress.isVisible()
    assert not beside(scan).exists()


def test_a_project_in_use_is_named_and_can_be_opened_read_only(window, scan, qtbot):
    project = Project.create(beside(scan))
    try:
        window.open_path(scan)
        wait_message(qtbot, window, "in use")
        assert window.workspace is None
        press(qtbot, window, "Open Read-Only")
        # The other process has not added the scan yet, so there is nothing to look at.
        wait_message(qtbot, window, "read-only")
        assert window.workspace is None
    finally:
        project.close()


def test_a_project_in_use_with_a_scan_opens_read_only(make_shown_window, scan, qtbot):
    first, second = make_shown_window(), make_shown_window()
    first.open_path(scan)
    wait_open(qtbot, first)
    second.open_path(scan)
    wait_message(qtbot, second, "in use")
    press(qtbot, second, "Open Read-Only")
    wait_open(qtbot, second)
    assert second.workspace.read_only
    assert "read-only" in second.windowTitle()
    assert not second.actions_manager.actions["new_object"].isEnabled()
    assert second.actions_manager.actions["export"].isEnabled()


def damage(place):
    """Overwrite what follows a project's events, as a failing disk would."""
    content = bytearray(place.read_bytes())
    content[-4096:] = b"\xff" * 4096
    place.write_bytes(bytes(content))
    return bytes(content)


def test_a_damaged_project_is_named_kept_and_recovered_for_good(opened, scan, qtbot):
    for number in range(40):
        opened.workspace.project.add_object(1, name=f"object {number}")
    opened.close_workspace()
    place = beside(scan)
    content = damage(place)
    opened.open_path(scan)
    wait_message(qtbot, opened, "damaged")
    assert opened.workspace is None
    press(qtbot, opened, "Recover What Is Readable…")
    wait_message(qtbot, opened, "Recovered")
    wait_open(qtbot, opened)
    recovered = opened.workspace.project.path
    assert recovered.name == "boxes.npz-recovered.annotator"
    assert opened.workspace.asset.objects
    assert place.read_bytes() == content
    opened.close_workspace()
    opened.open_path(scan)
    wait_open(qtbot, opened)
    assert opened.workspace.project.path == recovered


def test_a_crashed_session_is_recovered_and_says_how_much(window, scan, qtbot, tmp_path):
    window.open_path(scan)
    wait_open(qtbot, window)
    project = window.workspace.project
    for x in (0.1, 0.2, 0.3):
        project.add_click(1, (x, 0.0, 0.5), 1, index=5)
    # What a killed process leaves behind is what lies on the disk at this moment.
    crashed = tmp_path / "crashed"
    shutil.copytree(scan.parent, crashed)
    for lock in crashed.glob(".*.lock"):
        lock.unlink()
    window.open_path(crashed / scan.name)
    qtbot.waitUntil(lambda: window.workspace.scan.path.parent == crashed, timeout=20_000)
    assert any(line.startswith("Recovered ") for line in headlines(window))
    assert len(window.workspace.asset.clicks) == 3


def test_reopening_restores_clicks_and_objects(opened, scan, qtbot):
    opened.workspace.project.add_click(1, (-1.0, 0.0, 0.5), 3, index=1600)
    opened.close_workspace()
    opened.open_path(scan)
    wait_open(qtbot, opened)
    assert [click.object_id for click in opened.workspace.asset.clicks] == [3]
    assert 3 in opened.workspace.asset.objects


def test_opening_the_project_file_opens_its_scan(opened, scan, qtbot):
    opened.close_workspace()
    opened.open_path(beside(scan))
    wait_open(qtbot, opened)
    assert opened.workspace.scan.path == scan


def test_a_moved_scan_can_be_located_again(opened, scan, tmp_path, qtbot, monkeypatch):
    opened.close_workspace()
    moved = tmp_path / "moved.npz"
    scan.rename(moved)
    monkeypatch.setattr(
        "annotator.ui.files.file_handlers.QFileDialog.getOpenFileName",
        lambda *a, **k: (str(moved), ""),
    )
    opened.open_path(beside(scan))
    wait_message(qtbot, opened, "missing")
    press(qtbot, opened, "Locate…")
    wait_open(qtbot, opened)
    assert opened.workspace.asset.path == moved


def test_a_scan_that_changed_keeps_its_old_clicks_and_starts_a_new_project(opened, scan, qtbot):
    opened.workspace.project.add_click(1, (0, 0, 0), 1, index=0)
    opened.close_workspace()
    np.savez(scan, xyz=np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32))
    opened.open_path(scan)
    wait_message(qtbot, opened, "has changed since it was annotated")
    assert opened.workspace is None
    press(qtbot, opened, "Start a New Project")
    wait_open(qtbot, opened)
    assert opened.workspace.project.path != beside(scan)
    assert not opened.workspace.asset.clicks
    with Project.open(beside(scan)) as old:
        assert len(old.document.assets[1].clicks) == 1


def test_a_scan_where_nothing_may_be_written_keeps_its_project_in_the_data_folder(
    window, scan, qtbot, monkeypatch, own_home
):
    monkeypatch.setattr(places.os, "access", lambda path, mode: False)
    window.open_path(scan)
    wait_open(qtbot, window)
    assert own_home in window.workspace.project.path.parents
    assert not beside(scan).exists()


def test_a_large_scan_opens_thinned_and_says_so(window, scan, qtbot, preferences):
    preferences["thin_above"] = 10_000
    many = scan.with_name("many.npy")
    points = np.random.default_rng(0).uniform([0, 0, 0], [10, 10, 0.01], (60_000, 3))
    np.save(many, points.astype(np.float32))
    preferences["working_spacing"] = 0.2
    window.open_path(many)
    wait_open(qtbot, window)
    working = window.workspace.scan.working
    assert len(working.cloud) < 10_000
    assert window.workspace.asset.working_spacing == pytest.approx(0.2)
    assert any("Large scan" in line for line in headlines(window))
    assert "20 cm" in window._scan_label.text()


def test_a_thinned_scan_reopens_with_the_spacing_its_project_was_made_with(
    window, scan, qtbot, preferences
):
    preferences["thin_above"] = 10_000
    preferences["working_spacing"] = 0.2
    many = scan.with_name("many.npy")
    np.save(many, np.random.default_rng(0).uniform(0, 10, (20_000, 3)).astype(np.float32))
    window.open_path(many)
    wait_open(qtbot, window)
    count = len(window.workspace.scan.working.cloud)
    window.close_workspace()
    preferences["working_spacing"] = 0.5
    window.open_path(many)
    wait_open(qtbot, window)
    assert len(window.workspace.scan.working.cloud) == count


def test_automatic_spacing_leaves_about_the_wanted_number_of_points():
    from annotator.domain import PointCloud, thin
    from annotator.ui.files.loading import choose_spacing

    rng = np.random.default_rng(3)
    plane = rng.uniform([0, 0, 0], [30, 20, 0.01], (200_000, 3)).astype(np.float32)
    spacing = choose_spacing(PointCloud(plane), target=20_000)
    assert 10_000 < len(thin(PointCloud(plane), spacing).rows) < 40_000


def test_fresh_names_do_not_collide(tmp_path):
    first = tmp_path / "room.npz.annotator"
    assert fresh(first) == first
    first.touch()
    assert fresh(first).name == "room.npz-2.annotator"


def test_the_window_closes_cleanly_while_a_scan_is_loading(make_shown_window, scan, monkeypatch):
    window = make_shown_window()
    started = threading.Event()

    def slow(path, spacing, above, preferred, progress, cancel):
        started.set()
        while True:
            cancel.check()

    monkeypatch.setattr("annotator.ui.files.kinds.load_scan", slow)
    window.open_path(scan)
    assert started.wait(10)
    assert window.close()
