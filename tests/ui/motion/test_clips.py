"""The clip in the real window: playing, flow, two settings, full quality, export."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain import Clip
from annotator.formats.clips import CLIP_WRITERS
from annotator.formats.flow import read_flo
from annotator.ui.files.export_dialog import ExportDialog
from annotator.ui.motion.exporting import MASKS_FORMAT
from annotator.ui.motion.player import ReelPlayer
from annotator.ui.motion.reel import make_reel
from tests.ui.conftest import headlines
from tests.ui.image.conftest import LEFT
from tests.ui.motion.conftest import FRAMES, INSIDE, SHAPE, pond


@pytest.fixture
def flowing(mover):
    """Return the person once the pond flows to the right."""
    mover.moving.set(words="flows to the right", strength=1.0)
    mover.at_rest()
    return mover


def rendered(mover):
    mover.qtbot.waitUntil(lambda: mover.moving.render.clip is not None, timeout=30_000)
    return mover.moving.render.clip


def test_a_player_keeps_to_the_clock_and_goes_round(qtbot, window):
    player, seen = ReelPlayer(window), []
    player.moved.connect(seen.append)
    player.load(5, 100.0)
    player.play()
    qtbot.waitUntil(lambda: len(seen) > 12)
    player.stop()
    assert set(seen) == set(range(5))
    player.go(-1)
    assert player.frame == 4
    player.load(3, 24.0)
    assert player.frame == 0
    player.forget()
    player.play()
    assert not player.running


def test_keys_and_buttons_play_pause_and_step(flowing):
    player = flowing.controller.screen.player
    assert player.running
    QTest.keyClick(flowing.view, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert not player.running
    frame = player.frame
    flowing.key(Qt.Key.Key_Period, Qt.KeyboardModifier.AltModifier)
    assert player.frame == (frame + 1) % FRAMES
    flowing.key(Qt.Key.Key_Comma, Qt.KeyboardModifier.AltModifier)
    assert player.frame == frame
    flowing.reel_dock.slider.setValue(7)
    assert player.frame == 7
    assert flowing.reel_dock.place.text().startswith(f"8 of {FRAMES}")
    QTest.mouseClick(flowing.reel_dock.buttons.button("play_clip"), LEFT)
    assert player.running


def test_a_paused_clip_stays_paused_when_another_one_comes(flowing):
    flowing.do("play_clip")
    flowing.controller.screen.player.go(5)
    flowing.moving.set(strength=2.0)
    flowing.at_rest()
    assert not flowing.controller.screen.player.running
    assert flowing.controller.screen.player.frame == 5


def test_the_flow_is_drawn_where_and_whither_it_goes(flowing):
    flowing.controller.screen.pause()
    flowing.key(Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    lines = flowing.view.overlay.flow
    assert len(lines.tails) > 20
    went = lines.tips - lines.tails
    assert (went[:, 0] > 0).all()
    assert abs(went[:, 1].mean()) < 0.2 * went[:, 0].mean()
    rows, columns = INSIDE
    assert (lines.tails[:, 0] >= columns.start - 2).all()
    assert (lines.tails[:, 0] <= columns.stop + 2).all()
    assert (lines.tails[:, 1] >= rows.start - 2).all()
    flowing.reel_dock.switches["flow"].click()
    assert flowing.view.overlay.flow is None


def test_an_engine_that_states_no_flow_gets_its_frames_measured():
    frames = np.stack([np.roll(pond(), n, axis=1) for n in range(4)])
    reel = make_reel(Clip(frames), 1.0)
    assert reel.estimated
    middle = reel.flow[1][50:90, 70:130].mean((0, 1))
    assert middle == pytest.approx([1.0, 0.0], abs=0.2)


def test_a_clip_is_transparent_where_nothing_changes(flowing):
    picture = flowing.reel.pictures[5]
    assert picture.pixelColor(3, 3).alpha() == 0
    assert picture.pixelColor(picture.width() // 2, picture.height() // 2).alpha() == 255


def test_an_onion_skin_lets_frames_around_shine_through(flowing):
    flowing.controller.screen.pause()
    plain = flowing.shown()
    flowing.do("show_onion")
    assert len(flowing.view._stretched) == 3
    assert (flowing.shown() != plain).any()


def test_two_settings_are_compared_and_the_kept_one_comes_back_in_one_step(flowing):
    flowing.controller.screen.pause()
    slow = flowing.reel
    flowing.do("keep_b")
    flowing.moving.set(strength=3.0)
    flowing.at_rest()
    fast = flowing.reel
    assert flowing.controller.screen.reel is fast
    flowing.do("side_b")
    assert flowing.controller.screen.reel is slow
    flowing.do("side_split")
    left, right = flowing.view._stretched
    assert (left.right, right.left) == (0.5, 0.5)
    flowing.reel_dock.split.setValue(30)
    assert flowing.view._stretched[0].right == 0.3
    seq = flowing.window.workspace.project.last_seq
    flowing.do("use_b")
    assert flowing.regions[1].strength == 1.0
    assert flowing.window.workspace.project.last_seq == seq + 1
    assert flowing.moving.kept.reel is fast, "what was the present one can be taken back"
    flowing.do("undo")
    assert flowing.regions[1].strength == 3.0
    flowing.at_rest()


def test_full_quality_has_all_pixels_of_the_photo_and_begins_with_it(flowing):
    heard = []
    flowing.moving.render.changed.connect(lambda: heard.append(flowing.moving.render.fraction))
    QTest.mouseClick(flowing.reel_dock.render_button, LEFT)
    assert flowing.reel_dock.render_button.text() == "Stop"
    clip = rendered(flowing)
    assert clip.frames.shape == (FRAMES, *SHAPE, 3)
    assert (clip.frames[0] == pond()).all()
    assert (clip.frames[9] != pond())[INSIDE].any()
    assert max(heard) > 0.5
    assert "full quality" in flowing.reel_dock.place.text()
    assert flowing.controller.screen.reel.clip is clip, "it plays in the place of the preview"
    flowing.controller.screen.pause()
    flowing.controller.screen.player.go(0)
    at = flowing.at((75.0, 85.0))
    shown = flowing.view.grab_image().pixelColor(at).getRgb()[:3]
    assert np.abs(np.array(shown) - pond()[85, 75]).max() < 12
    flowing.moving.set(strength=2.0)
    assert flowing.moving.render.clip is None, "it is of other settings"
    assert flowing.controller.screen.reel is flowing.moving.preview.reel
    flowing.at_rest()


def test_a_rendering_can_be_stopped_and_begun_again(flowing):
    flowing.do("render_clip")
    assert flowing.moving.render.rendering
    flowing.do("render_clip")
    flowing.qtbot.waitUntil(lambda: not flowing.moving.render.rendering, timeout=10_000)
    flowing.do("render_clip")
    assert len(rendered(flowing).frames) == FRAMES


def test_a_clip_that_does_not_fit_into_memory_is_not_begun(flowing, monkeypatch):
    monkeypatch.setattr("annotator.ui.motion.render.LARGEST", 1000)
    flowing.do("render_clip")
    assert not flowing.moving.render.rendering
    assert any("memory" in text for text in headlines(flowing.window))


def exported(mover, format_id, target):
    mover.do("export_clip")
    dialog = mover.window.findChild(ExportDialog)
    dialog.choose_format(format_id)
    dialog.path_field.setText(str(target))
    dialog.accept()
    mover.qtbot.waitUntil(
        lambda: any(text.startswith("Exported") for text in headlines(mover.window)),
        timeout=30_000,
    )
    mover.window.messages.clear()
    return target


def test_clip_flow_and_masks_are_exported(flowing, tmp_path):
    frames = exported(flowing, "frames", tmp_path / "frames")
    assert len(list(frames.iterdir())) == FRAMES
    first = np.asarray(Pillow.open(frames / "frame-0000.png"))
    assert (first == pond()).all()
    apng = exported(flowing, "apng", tmp_path / "clip.apng")
    with Pillow.open(apng) as picture:
        assert picture.n_frames == FRAMES
        assert (np.asarray(picture.convert("RGB")) == pond()).all()
    flow = exported(flowing, "flow-flo", tmp_path / "flow")
    assert len(list(flow.iterdir())) == FRAMES - 1
    assert read_flo(flow / "flow-0003.flo")[70, 100, 0] > 0.5
    mask = exported(flowing, MASKS_FORMAT, tmp_path / "moves.png")
    assert (np.asarray(Pillow.open(mask)) == np.where(flowing.labels == 1, 1, 0)).all()
    assert exported(flowing, "gif", tmp_path / "clip.gif").stat().st_size > 1000


def test_flow_is_exported_also_where_the_engine_would_not_keep_it(flowing, tmp_path):
    settings = {"force": True, "frames": FRAMES, "flow": "never"}
    project = flowing.window.workspace.project
    project.set_engine(1, "followclick", settings, "motion")
    flowing.at_rest()
    flowing.do("render_clip")
    assert rendered(flowing).flow is None
    flow = exported(flowing, "flow-png", tmp_path / "flow")
    assert len(list(flow.iterdir())) == FRAMES - 1
    assert flowing.asset.engine_for("motion").parameters["flow"] == "never"


def test_the_dialog_offers_every_format(flowing):
    dialog = flowing.window.files.export_clip()
    offered = {dialog.format_box.itemData(i) for i in range(dialog.format_box.count())}
    assert offered == {writer.format_id for writer in CLIP_WRITERS} | {MASKS_FORMAT}
    assert dialog.windowTitle() == "Export Clip"
    dialog.reject()


def test_leaving_while_a_clip_is_rendered_leaves_nothing_running(flowing):
    flowing.do("render_clip")
    flowing.do("task_masks")
    assert not hasattr(flowing.window.controller, "moving")
    flowing.answered()
