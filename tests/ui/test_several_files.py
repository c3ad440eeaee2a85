"""Several scans in one project, annotated one after the other in the real window."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from annotator.project import Project
from annotator.ui.basics.places import beside
from tests.ui.conftest import headlines, wait_open


def make_scan(path, seed):
    rng = np.random.default_rng(seed)
    np.save(path, rng.uniform(-1, 1, (400, 3)).astype(np.float32))
    return path


@pytest.fixture
def more(scan):
    """Return two further scans beside the first."""
    return [make_scan(scan.with_name(f"room{n}.npy"), n) for n in (1, 2)]


def count(window):
    return len(window.workspace.project.document.assets) if window.workspace else 0


def wait_shown(qtbot, window, path):
    def shown():
        return window.workspace is not None and window.workspace.scan.path == path

    qtbot.waitUntil(lambda: shown() and not window.jobs.jobs, timeout=20_000)


@pytest.fixture
def three(opened, more, qtbot):
    """Return the window with a project of three scans, the first one shown."""
    opened.assets.add(more)
    qtbot.waitUntil(lambda: count(opened) == 3 and not opened.jobs.jobs, timeout=20_000)
    return opened


def rows(window):
    listed = window.assets.dock.list
    return [listed.item(i).text() for i in range(listed.count())]


def test_one_scan_needs_no_list(opened):
    assert opened.assets.dock.isHidden()
    assert not opened.actions_manager.actions["next_asset"].isEnabled()
    assert "of" not in opened.windowTitle()


def test_added_files_are_listed_and_the_shown_one_stays(three, scan):
    assert three.workspace.scan.path == scan
    assert not three.assets.dock.isHidden()
    assert [row.split("\n")[0] for row in rows(three)] == ["boxes.npz", "room1.npy", "room2.npy"]
    assert three.assets.dock.list.currentRow() == 0


def test_a_single_added_file_is_shown(opened, more, qtbot):
    opened.assets.add(more[:1])
    wait_shown(qtbot, opened, more[0])
    assert count(opened) == 2
    assert "2 of 2" in opened.windowTitle()


def test_every_scan_keeps_its_own_clicks_in_the_one_project_file(three, scan, more, qtbot):
    project = three.workspace.project
    for path in (scan, *more):
        wait_shown(qtbot, three, path)
        cloud = three.view.cloud
        project.add_click(three.workspace.asset_id, cloud.xyz[5], 1, index=5)
        qtbot.waitUntil(lambda: not three.controller.bench.runs.busy)
        QTest.keyClick(three, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ShiftModifier)
    wait_shown(qtbot, three, scan)
    assert three.workspace.project is project
    assert all("1 object, 1 click" in row for row in rows(three))
    three.close_workspace()
    with Project.open(beside(scan)) as again:
        assert [len(a.clicks) for a in again.document.assets.values()] == [1, 1, 1]
        assert all(again.stored_result(i) is not None for i in again.document.assets)
    assert not beside(more[0]).exists()


def test_choosing_in_the_list_and_the_keys_switch(three, scan, more, qtbot):
    listed = three.assets.dock.list
    QTest.mouseClick(
        listed.viewport(), Qt.MouseButton.LeftButton,
        pos=listed.visualItemRect(listed.item(2)).center(),
    )  # fmt: skip
    wait_shown(qtbot, three, more[1])
    assert listed.currentRow() == 2
    QTest.keyClick(three, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ShiftModifier)
    wait_shown(qtbot, three, scan)
    QTest.keyClick(three, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ShiftModifier)
    wait_shown(qtbot, three, more[1])


def test_opening_a_file_of_the_project_switches_to_it(three, more, qtbot):
    project = three.workspace.project
    three.open_path(more[1])
    wait_shown(qtbot, three, more[1])
    assert three.workspace.project is project


def test_a_project_opens_where_one_left_off(three, scan, more, qtbot):
    three.assets.step(-1)
    wait_shown(qtbot, three, more[1])
    three.workspace.project.add_click(3, three.view.cloud.xyz[5], 1, index=5)
    three.close_workspace()
    assert three.state.recent[0] == beside(scan)
    three.open_path(beside(scan))
    wait_shown(qtbot, three, more[1])


def test_undo_of_a_step_in_another_file_says_so_and_shows_it(three, scan, more, qtbot):
    project = three.workspace.project
    project.add_object(1, name="left")
    three.assets.step(+1)
    wait_shown(qtbot, three, more[0])
    project.undo()
    assert any("boxes.npz" in line for line in headlines(three))
    buttons = three.messages.findChildren(QPushButton)
    next(button for button in buttons if button.text() == "Show It").click()
    wait_shown(qtbot, three, scan)


def test_a_file_that_cannot_be_read_does_not_keep_others_from_being_added(opened, more, qtbot):
    broken = more[0].with_name("broken.ply")
    broken.write_bytes(b"ply\nformat nonsense")
    opened.assets.add([broken, *more])
    qtbot.waitUntil(lambda: count(opened) == 3 and not opened.jobs.jobs, timeout=20_000)
    assert any("broken.ply" in line for line in headlines(opened))


def test_the_same_content_is_not_added_twice(opened, scan, qtbot):
    copy = scan.with_name("copy.npz")
    copy.write_bytes(scan.read_bytes())
    opened.assets.add([copy])
    qtbot.waitUntil(lambda: any("already" in line for line in headlines(opened)), timeout=20_000)
    assert count(opened) == 1


def test_a_missing_file_is_marked_and_leaves_the_present_one_open(three, scan, more, qtbot):
    more[0].unlink()
    three.assets.refresh()
    assert "missing" in three.assets.dock.list.item(1).toolTip()
    three.assets.step(+1)
    qtbot.waitUntil(lambda: any("room1.npy" in line for line in headlines(three)), timeout=20_000)
    assert three.workspace.scan.path == scan


def test_a_list_that_was_closed_stays_closed(three, more, qtbot):
    three.assets.dock.close()
    three.assets.step(+1)
    wait_shown(qtbot, three, more[0])
    assert three.assets.dock.isHidden()


def test_closing_the_project_empties_the_list(three):
    three.close_workspace()
    assert three.assets.dock.isHidden()
    assert not rows(three)


def test_files_are_added_to_a_read_only_project_by_nobody(three, make_shown_window, scan, qtbot):
    second = make_shown_window()
    second.opener.open(scan, read_only=True)
    wait_open(qtbot, second)
    assert second.workspace.read_only
    assert not second.actions_manager.actions["add_assets"].isEnabled()
    assert second.actions_manager.actions["next_asset"].isEnabled()


def test_buttons_of_the_list_do_what_the_menu_does_and_no_more(three, scan, more, qtbot):
    three.assets.dock._buttons.button("next_asset").click()
    wait_shown(qtbot, three, more[0])
    three.actions_manager.trigger("replay")
    last = three.workspace.project.last_seq
    three.assets.dock._buttons.button("add_assets").click()  # would open a dialog and wait
    assert three.workspace.project.last_seq == last


def test_icons_of_the_list_follow_the_theme(three, preferences):
    def picture():
        return three.assets.dock.list.item(1).icon().pixmap(20, 20).toImage()

    before = picture()
    preferences["theme"] = "light" if preferences["theme"] == "dark" else "dark"
    assert picture() != before
