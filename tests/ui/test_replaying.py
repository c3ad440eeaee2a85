"""The session of a file as a film in the real window."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain import AnnotatorError
from annotator.ui.replay.film import Film
from annotator.ui.replay.player import LONGEST_PAUSE_S, ReplayPlayer
from tests.ui.conftest import wait_open
from tests.ui.test_several_files import make_scan, wait_shown


def settle(qtbot, window):
    runs = window.controller.bench.runs
    qtbot.waitUntil(lambda: not runs.busy and not runs.unanswered, timeout=20_000)


@pytest.fixture
def worked(opened, qtbot):
    """Return the window after two clicks, a stroke, an undone click and a removed one."""
    project, cloud = opened.workspace.project, opened.view.cloud
    for row, object_id in ((1600, 1), (2300, 2)):
        project.add_click(
            1, cloud.xyz[row], object_id, index=row, camera=opened.view.camera.to_json()
        )
        settle(qtbot, opened)
    project.paint(1, np.arange(100, 140), 2)
    project.add_click(1, cloud.xyz[10], 3, index=10)
    settle(qtbot, opened)
    project.undo()
    settle(qtbot, opened)
    qtbot.waitUntil(lambda: len(project.result_records()) == 3, timeout=20_000)  # written aside
    return opened


def shown_labels(window):
    return window.slot.current._canvas._shown


def test_the_film_shows_clicks_masks_and_strokes_as_they_were(worked, qtbot):
    bench = worked.controller.bench
    present = bench.labels.copy()
    worked.actions_manager.trigger("replay")
    film = worked.slot.current.player
    texts = [scene.text for scene in film.film.scenes]
    assert texts[0] == "Open the file"
    assert "Undo: add click" in texts
    assert np.array_equal(shown_labels(worked), present)
    seen = []
    for place in range(len(texts)):
        film.go(place)
        seen.append((len(worked.view.overlay.markers), shown_labels(worked)))
    clicks = [number for number, _ in seen]
    assert clicks[0] == 0
    assert max(clicks) == 3
    assert clicks[-1] == 2
    first = texts.index("Add click")
    assert set(np.unique(seen[first][1])) == {1}
    stroke = texts.index("Edit mask")
    assert (seen[stroke][1][100:140] == 2).all()
    assert np.array_equal(seen[-1][1], present)


def test_nothing_is_written_while_replaying_and_annotation_goes_on_afterwards(worked, qtbot):
    project = worked.workspace.project
    worked.actions_manager.trigger("replay")
    before = (project.last_seq, project.document, len(project.result_records()))
    assert worked.controller is None
    for action in ("undo", "new_object", "tool_brush", "import_clicks", "add_assets", "run"):
        assert not worked.actions_manager.actions[action].isEnabled(), action
    view = worked.view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    QTest.keyClick(view, Qt.Key.Key_1)
    worked.slot.current.player.go(1)
    assert (project.last_seq, project.document, len(project.result_records())) == before
    worked.slot.current._dock.end.click()
    qtbot.waitUntil(lambda: worked.controller is not None)
    assert project.document is before[1]
    settle(qtbot, worked)
    project.add_click(1, view.cloud.xyz[20], 1, index=20)
    settle(qtbot, worked)
    assert len(worked.workspace.asset.clicks) == 3
    assert not worked.actions_manager.actions["replay"].isChecked()


def test_buttons_slider_and_speed_drive_it(worked, qtbot):
    worked.actions_manager.trigger("replay")
    dock, player = worked.slot.current._dock, worked.slot.current.player
    last = len(player.film.scenes) - 1
    dock.buttons.button("first").click()
    assert player.place == 0
    dock.buttons.button("on").click()
    assert player.place == 1
    assert dock.label.text().startswith(f"2 of {last + 1}")
    dock.slider.setValue(3)
    assert player.place == 3
    dock.buttons.button("back").click()
    assert player.place == 2
    dock.buttons.button("first").click()
    dock.speed.setCurrentIndex(dock.speed.count() - 1)
    dock.buttons.button("play").click()
    assert player.running
    qtbot.waitUntil(lambda: player.at_end and not player.running, timeout=20_000)
    assert dock.slider.value() == last


def test_pausing_stays_where_it_is(worked, qtbot):
    worked.actions_manager.trigger("replay")
    player = worked.slot.current.player
    player.go(0)
    player.play()
    player.stop()
    place = player.place
    qtbot.wait(150)
    assert player.place == place
    assert not player.running


def test_the_camera_of_each_click_is_followed_unless_switched_off(worked):
    worked.actions_manager.trigger("replay")
    controller, camera = worked.slot.current, worked.view.camera
    texts = [scene.text for scene in controller.player.film.scenes]
    controller.player.go(0)
    camera.orbit(50, 10)
    turned = camera.to_json()
    controller.player.go(texts.index("Add click"))
    assert camera.to_json() != turned
    controller._dock.follow.setChecked(False)
    camera.orbit(50, 10)
    turned = camera.to_json()
    controller.player.go(0)
    assert camera.to_json() == turned


def test_each_file_has_its_own_film_and_switching_ends_it(worked, scan, qtbot):
    other = make_scan(scan.with_name("room1.npy"), 1)
    worked.assets.add([other])
    wait_shown(qtbot, worked, other)
    worked.actions_manager.trigger("replay")
    assert worked.slot.current.player.film.scenes[0].text == "Open the file"
    assert len(worked.slot.current.player.film.scenes) < 4
    worked.assets.step(+1)
    wait_shown(qtbot, worked, scan)
    assert worked.controller is not None


def test_the_window_closes_cleanly_while_a_replay_runs(worked):
    worked.actions_manager.trigger("replay")
    worked.slot.current.player.go(0)
    worked.slot.current.player.play()
    assert worked.close()


def test_long_pauses_are_cut(worked):
    film = Film(worked.workspace.project, 1)
    player = ReplayPlayer(film, worked)
    player.go(0)
    object.__setattr__(film.scenes[1], "pause_s", 3600.0)
    player.play()
    assert player._timer.interval() <= LONGEST_PAUSE_S * 1000
    player.stop()


def test_a_read_only_project_can_be_replayed(worked, make_shown_window, scan, qtbot):
    second = make_shown_window()
    second.opener.open(scan, read_only=True)
    wait_open(qtbot, second)
    second.actions_manager.trigger("replay")
    assert len(second.slot.current.player.film.scenes) >= 6
    with pytest.raises(AnnotatorError):
        second.workspace.project.add_click(1, (0, 0, 0), 1)
