"""Exporting from the real window, and reading back what was written."""

import threading

import numpy as np
import pytest
from PySide6.QtWidgets import QDialogButtonBox

from annotator.formats import CLOUD_WRITERS, read_clicks, read_cloud
from annotator.ui.basics.places import beside
from annotator.ui.files.export_dialog import CLICKS_FORMAT, ExportDialog
from tests.ui.conftest import headlines, wait_open


@pytest.fixture
def segmented(opened, qtbot):
    """Return the window with two clicked objects, segmented."""
    for index, object_id in ((10, 0), (1700, 1), (2500, 2)):
        position = opened.view.cloud.xyz[index]
        opened.workspace.project.add_click(1, position, object_id, index=index)
    opened.actions_manager.trigger("run")
    qtbot.waitUntil(lambda: opened.workspace.project.stored_result(1) is not None, timeout=10_000)
    return opened


def export(qtbot, window, path, format_id):
    window.actions_manager.trigger("export")
    dialog = window.findChild(ExportDialog)
    dialog.choose_format(format_id)
    dialog.path_field.setText(str(path))
    dialog.buttons.button(QDialogButtonBox.StandardButton.Save).click()
    wanted = f"Exported {path.name}."
    qtbot.waitUntil(lambda: wanted in headlines(window), timeout=20_000)


def test_labels_are_exported_as_shown(segmented, qtbot, tmp_path):
    path = tmp_path / "out.ply"
    export(qtbot, segmented, path, "ply")
    written = read_cloud(path)
    assert np.array_equal(written.labels, segmented.workspace.project.labels_of(1))
    assert set(np.unique(written.labels)) == {0, 1, 2}


def test_every_format_can_be_chosen_and_written(segmented, qtbot, tmp_path):
    for number, writer in enumerate(CLOUD_WRITERS):
        path = tmp_path / f"out{number}{writer.suffixes[0]}"
        export(qtbot, segmented, path, writer.format_id)
        assert path.stat().st_size > 0


def test_clicks_are_exported_and_imported_again(segmented, qtbot, tmp_path, scan):
    path = tmp_path / "clicks.json"
    export(qtbot, segmented, path, CLICKS_FORMAT)
    assert [click.object_id for click in read_clicks(path)] == [0, 1, 2]
    segmented.close_workspace()
    beside(scan).unlink()
    segmented.open_path(scan)
    wait_open(qtbot, segmented)
    assert not segmented.workspace.asset.clicks
    segmented.files.add_clicks_of(segmented.workspace, path)
    qtbot.waitUntil(lambda: len(segmented.workspace.asset.clicks) == 3)
    assert [click.index for click in segmented.workspace.asset.clicks] == [10, 1700, 2500]


def test_a_thinned_scan_is_exported_with_labels_for_all_points(
    window, scan, qtbot, preferences, tmp_path
):
    preferences["thin_above"] = 10_000
    preferences["working_spacing"] = 0.3
    many = scan.with_name("many.npy")
    np.save(many, np.random.default_rng(0).uniform(0, 4, (30_000, 3)).astype(np.float32))
    window.open_path(many)
    wait_open(qtbot, window)
    project, working = window.workspace.project, window.workspace.scan.working
    project.add_click(1, working.cloud.xyz[7], 1, index=7)
    window.actions_manager.trigger("run")
    qtbot.waitUntil(lambda: project.stored_result(1) is not None, timeout=10_000)
    path = tmp_path / "labels.npy"
    export(qtbot, window, path, "npy")
    labels = np.load(path)
    assert len(labels) == 30_000
    assert np.array_equal(labels, project.labels_of(1)[working.inverse])
    clicks = tmp_path / "clicks.json"
    export(qtbot, window, clicks, CLICKS_FORMAT)
    assert read_clicks(clicks)[0].index == working.rows[7]


def test_a_failed_export_says_why_and_leaves_nothing_behind(
    segmented, qtbot, tmp_path, monkeypatch
):
    def full(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("annotator.ui.files.export_dialog.write_cloud", full)
    segmented.actions_manager.trigger("export")
    dialog = segmented.findChild(ExportDialog)
    dialog.path_field.setText(str(tmp_path / "out.ply"))
    dialog.accept()
    qtbot.waitUntil(lambda: any("No space left" in line for line in headlines(segmented)))
    assert not (tmp_path / "out.ply").exists()


def test_the_dialog_refuses_a_folder_that_is_not_there_and_warns_before_replacing(
    segmented, tmp_path
):
    segmented.actions_manager.trigger("export")
    dialog = segmented.findChild(ExportDialog)
    save = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
    dialog.path_field.setText(str(tmp_path / "no" / "out.ply"))
    assert not save.isEnabled()
    (tmp_path / "there.ply").touch()
    dialog.path_field.setText(str(tmp_path / "there.ply"))
    assert save.isEnabled()
    assert "replaced" in dialog._warning.text()
    dialog.reject()


def test_choosing_a_format_changes_the_suffix(segmented, tmp_path):
    segmented.actions_manager.trigger("export")
    dialog = segmented.findChild(ExportDialog)
    dialog.path_field.setText(str(tmp_path / "out.ply"))
    dialog.choose_format("npz")
    assert dialog.choice.path == tmp_path / "out.npz"
    dialog.reject()


def test_the_window_waits_for_a_running_export(segmented, qtbot, tmp_path, monkeypatch):
    go_on = threading.Event()

    def slow(path, *arguments, **named):
        go_on.wait(20)
        path.write_bytes(b"done")

    monkeypatch.setattr("annotator.ui.files.export_dialog.write_cloud", slow)
    segmented.actions_manager.trigger("export")
    dialog = segmented.findChild(ExportDialog)
    dialog.path_field.setText(str(tmp_path / "out.ply"))
    dialog.accept()
    assert not segmented.close()
    assert "An export is still being written." in headlines(segmented)
    go_on.set()
    qtbot.waitUntil(lambda: "Exported out.ply." in headlines(segmented))
    assert segmented.close()
