"""Regions that move, with real mouse and key events in the real window."""

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.ui.conftest import wait_open
from tests.ui.image.conftest import LEFT, RIGHT
from tests.ui.motion.conftest import INSIDE, POND, SHAPE, SHORE, Mover, pond


def clip_labels(mover, size):
    from annotator.ui.motion.preview import reduced

    return reduced(mover.labels, size) == 1


def test_words_let_a_clicked_region_move_and_undo_lets_it_stand_again(mover):
    assert mover.reel is None
    assert (mover.labels == 1)[INSIDE].mean() > 0.99
    mover.say("water flows to the right")
    mover.at_rest()
    assert mover.regions[1].words == "water flows to the right"
    assert mover.reel is not None
    assert mover.controller.screen.player.running
    frames = mover.reel.clip.frames
    assert (frames[0] != frames[7]).any()
    mover.do("undo")
    mover.at_rest()
    assert not mover.regions
    assert mover.reel is None


def test_the_loop_is_on_the_canvas_and_masks_make_room_for_it(mover):
    tinted = mover.shown()
    mover.say("water flows to the right")
    mover.at_rest()
    mover.controller.screen.pause()
    player = mover.controller.screen.player
    player.go(0)
    first = mover.shown()
    player.go(10)
    later = mover.shown()
    assert np.abs(first - later).max() > 2
    assert np.abs(first.mean(0) - pond()[85, 75]).max() < 12, "the photo itself, without a mask"
    assert np.abs(tinted.mean(0) - first.mean(0)).max() > 12
    still = mover.shown(SHORE, 9)
    player.go(20)
    assert (mover.shown(SHORE, 9) == still).all()
    mover.reel_dock.switches["masks"].click()
    assert np.abs(mover.shown().mean(0) - first.mean(0)).max() > 12


def test_an_arrow_is_dragged_and_the_region_moves_there(mover):
    mover.say("water flows")
    mover.key(Qt.Key.Key_D)
    mover.drag((80.0, 60.0), (80.0, 110.0))
    mover.at_rest()
    x0, y0, x1, y1 = mover.regions[1].arrow
    assert (x0, x1) == pytest.approx((80, 80), abs=1)
    assert (y0, y1) == pytest.approx((60, 110), abs=1)
    flow = mover.reel.flow[3][clip_labels(mover, mover.reel.flow.shape[1:3])]
    across, down = flow.mean(0)
    assert down > 0.2
    assert abs(across) < 0.1 * down
    assert len(mover.view.overlay.arrows) == 1
    mover.click((90.0, 60.0), RIGHT)
    assert mover.regions[1].arrow is None
    assert not mover.view.overlay.arrows
    mover.do("undo")
    assert mover.regions[1].arrow == (x0, y0, x1, y1)


def test_a_region_that_is_reset_stands_still_and_keeps_its_mask(mover):
    mover.say("water flows")
    said, clicks = mover.regions[1], mover.asset.clicks
    mover.key(Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier)
    assert not mover.regions
    assert mover.asset.clicks == clicks
    assert not mover.enabled("forget_region")
    mover.do("undo")
    assert mover.regions[1] == said


def test_an_arrow_that_is_hardly_one_changes_nothing(mover):
    mover.say("water flows")
    seq = mover.window.workspace.project.last_seq
    mover.key(Qt.Key.Key_D)
    mover.drag((80.0, 60.0), (81.0, 60.0))
    assert mover.window.workspace.project.last_seq == seq


def test_an_arrow_without_a_region_says_what_to_do(mover):
    mover.do("undo")
    mover.key(Qt.Key.Key_D)
    mover.drag((80.0, 60.0), (80.0, 110.0))
    assert not mover.regions
    assert any("no region" in b.headline for b in mover.window.messages.banners)


def test_a_slider_shows_what_it_does_and_is_one_step_once_let_go(mover):
    mover.say("water flows")
    mover.at_rest()
    before, slow = mover.window.workspace.project.last_seq, mover.reel.strongest
    slider = mover.regions_dock.strength.slider
    slider.setSliderDown(True)
    for position in (40, 60, 90):
        slider.setValue(position)
    mover.at_rest()
    assert mover.window.workspace.project.last_seq == before
    assert mover.reel.strongest > 1.5 * slow
    slider.setSliderDown(False)
    assert mover.window.workspace.project.last_seq == before + 1
    tried = mover.regions_dock.strength.value
    assert mover.regions[1].strength == pytest.approx(tried)
    mover.do("undo")
    assert mover.regions[1].strength is None
    assert slider.value() == 0


def test_the_strength_is_the_mean_motion_in_pixels_of_the_photo(mover):
    mover.moving.set(words="flows right", strength=1.5)
    mover.at_rest()
    from annotator.benchmark.clips import region_core

    core = region_core(clip_labels(mover, mover.reel.flow.shape[1:3]))
    lengths = np.linalg.norm(mover.reel.flow, axis=-1)[:, core] * mover.reel.scale
    assert lengths.mean() == pytest.approx(1.5, rel=0.1)


def test_a_confined_region_changes_nothing_outside_and_a_free_one_may(mover):
    changed = {}
    for row in (1, 0):
        mover.regions_dock.lock.setCurrentIndex(row)
        mover.regions_dock.lock.activated.emit(row)
        mover.moving.set(words="sways", strength=0.6)
        mover.at_rest()
        frames = mover.reel.clip.frames
        outside = ~clip_labels(mover, frames.shape[1:3])
        changed[row] = (frames != frames[0]).any((0, 3))[outside].any()
        assert mover.regions[1].confined == bool(row)
    assert changed == {1: False, 0: True}


def test_only_the_newest_of_many_wishes_is_shown(mover):
    heard = []
    mover.moving.preview.ready.connect(lambda: heard.append(mover.reel))
    for degrees in range(6):
        mover.moving.set(words="water flows", arrow=(50.0, 50.0, 60.0 + degrees, 90.0))
    mover.at_rest()
    assert mover.regions[1].arrow == (50.0, 50.0, 65.0, 90.0)
    assert len(heard) < 6
    assert mover.moving.preview._asked.regions[0].arrow == (15.0, 40.0)


def test_what_cannot_be_shown_is_said_in_the_dock_with_what_can(mover):
    mover.say("smiles")
    mover.at_rest()
    note = mover.regions_dock.note
    assert note.isVisible()
    assert "face" in note.text()
    assert "nod" in note.text()
    mover.say("nods")
    mover.at_rest()
    assert not note.isVisible()
    assert mover.reel is not None


def test_nonsense_sways_a_little_and_says_so(mover):
    mover.say("qwrtz")
    mover.at_rest()
    assert "sways a little" in mover.regions_dock.note.text()


def test_another_click_reshapes_the_region_and_the_clip_follows(mover):
    mover.say("water flows")
    mover.at_rest()
    before = mover.reel
    mover.controller.screen.pause()
    mover.click((70.0, 50.0), RIGHT)
    mover.answered()
    mover.at_rest()
    assert mover.reel is not before


def test_masks_are_seen_while_they_are_painted(mover):
    mover.say("water flows")
    mover.at_rest()
    mover.controller.screen.pause()
    hidden = mover.shown()
    mover.key(Qt.Key.Key_B)
    assert np.abs(mover.shown().mean(0) - hidden.mean(0)).max() > 12
    mover.drag((20.0, 130.0), (60.0, 130.0))
    mover.at_rest()
    assert mover.labels[130, 40] == 1
    mover.key(Qt.Key.Key_C)
    assert np.abs(mover.shown().mean(0) - hidden.mean(0)).max() < 12


def test_a_region_stands_still_when_told_and_keeps_its_settings(mover):
    mover.say("water flows")
    mover.at_rest()
    mover.key(Qt.Key.Key_U)
    mover.at_rest()
    assert mover.reel is None
    assert (mover.regions[1].words, mover.regions[1].moves) == ("water flows", False)
    mover.key(Qt.Key.Key_U)
    mover.at_rest()
    assert mover.reel is not None


def test_words_are_edited_in_the_table_too(mover):
    model = mover.controller._regions_model
    assert model.setData(model.index(0, 2), "glows")
    mover.at_rest()
    assert mover.regions[1].words == "glows"
    assert model.setData(model.index(0, 3), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert not mover.regions[1].moves


def test_the_soft_edge_is_seen_while_it_is_set(mover):
    mover.say("water flows")
    mover.at_rest()
    mover.controller.screen.pause()
    before = len(mover.view._stretched)
    slider = mover.regions_dock.edge.slider
    slider.setSliderDown(True)
    slider.setValue(60)
    assert len(mover.view._stretched) == before + 1
    slider.setSliderDown(False)
    assert len(mover.view._stretched) == before
    assert mover.regions[1].softness == pytest.approx(mover.regions_dock.edge.value)
    mover.at_rest()


def test_several_regions_move_each_by_its_own_words(mover):
    mover.say("water flows to the right")
    mover.key(Qt.Key.Key_2)
    mover.click(SHORE)
    mover.answered()
    mover.say("glows")
    mover.at_rest()
    assert {n: p.words for n, p in mover.regions.items()} == {
        1: "water flows to the right", 2: "glows",
    }  # fmt: skip
    frames = mover.reel.clip.frames
    assert (frames[5, 5, 5] != frames[0, 5, 5]).any()
    assert mover.controller._regions_model.rowCount() == 2
    mover.regions_dock.table.selectRow(0)
    assert mover.bench.current_object == 1
    assert mover.regions_dock.words.text() == "water flows to the right"


def test_everything_is_there_again_when_the_photo_is_opened_later(mover, photo):
    mover.moving.set(words="water flows", arrow=(60.0, 60.0, 90.0, 60.0), strength=1.0)
    mover.at_rest()
    plans = dict(mover.regions)
    mover.window.close_workspace()
    mover.window.open_path(photo)
    wait_open(mover.qtbot, mover.window)
    mover.answered()
    mover.at_rest()
    assert mover.regions == plans
    assert mover.reel is not None
    assert len(mover.view.overlay.arrows) == 1


def test_a_read_only_project_shows_its_clip_but_changes_nothing(mover, make_shown_window, photo):
    mover.moving.set(words="water flows")
    mover.at_rest()
    second = make_shown_window()
    second.opener.open(photo, read_only=True)
    wait_open(mover.qtbot, second)
    other = type(mover)(second, mover.qtbot)
    other.at_rest()
    assert other.reel is not None
    assert not other.regions_dock.words.isEnabled()
    seq = second.workspace.project.last_seq
    other.moving.set(words="glows")
    assert second.workspace.project.last_seq == seq


def test_a_replay_shows_the_arrows_as_they_were_set(mover):
    mover.moving.set(words="water flows", arrow=(60.0, 60.0, 90.0, 60.0))
    mover.at_rest()
    mover.do("replay")
    film = mover.window.slot.current.player
    texts = [scene.text for scene in film.film.scenes]
    film.go(texts.index("Change motion"))
    assert len(mover.view.overlay.arrows) == 1
    film.go(0)
    assert not mover.view.overlay.arrows


def test_the_clip_goes_away_with_the_task(mover):
    mover.say("water flows")
    mover.at_rest()
    mover.do("task_masks")
    assert not mover.view._stretched
    assert not mover.view.overlay.arrows
    mover.answered()


def test_the_window_does_not_grow_when_it_turns_to_motion(mover):
    mover.do("task_masks")
    width = mover.window.width()
    mover.do("task_motion")
    mover.qtbot.wait(50)
    assert mover.window.width() == width
    assert mover.bench.shape == SHAPE
    QTest.mouseClick(mover.view, LEFT, pos=mover.at(POND))


def test_the_next_photo_of_a_folder_has_regions_of_its_own(window, qtbot, photo):
    cv2.imwrite(str(photo.with_name("second.png")), pond()[::-1, :, ::-1])
    mover = Mover(window, qtbot)
    mover.open(photo.parent)
    mover.do("task_motion")
    assert mover.window.workspace.path == photo
    mover.at_rest()
    mover.click(POND)
    mover.answered()
    mover.moving.set(words="glows")
    mover.at_rest()
    assert mover.reel is not None
    mover.do("next_asset")
    qtbot.waitUntil(lambda: mover.window.workspace.path.name == "second.png", timeout=10_000)
    mover.at_rest()
    assert mover.reel is None
    assert not mover.regions
    mover.do("previous_asset")
    qtbot.waitUntil(lambda: mover.window.workspace.path == photo, timeout=10_000)
    mover.at_rest()
    assert mover.reel is not None
    assert mover.window.desk.task.name == "motion"
