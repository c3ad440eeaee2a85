"""Opening photos and folders of photos: formats, next and previous, crashes, wrong files."""

import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import Qt

from annotator.project import Project
from annotator.ui.basics.places import beside
from tests.ui.conftest import headlines, wait_open
from tests.ui.image.conftest import BLUE, RED, RIGHT, Person, save, squares
from tests.ui.test_opening import drop, wait_message


@pytest.fixture
def folder(tmp_path):
    """Return a folder of four photos, one of them damaged, and a text file."""
    folder = tmp_path / "holiday"
    folder.mkdir()
    for number, shift in ((1, 0), (2, 5), (10, 9)):
        save(folder / f"photo{number}.png", np.roll(squares(), shift, axis=0))
    (folder / "photo11.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def names(window):
    model = window.photos.dock.model
    return [model.path_at(row).name for row in range(model.rowCount())]


def wait_shown(qtbot, window, name):
    qtbot.waitUntil(
        lambda: window.workspace is not None and window.workspace.path.name == name, timeout=10_000
    )
    wait_open(qtbot, window)


def test_opening_a_photo_shows_it_with_its_size_and_makes_a_project(person, photo):
    assert person.view.accessibleName() == "Photo"
    assert person.window._scan_label.text() == "200 × 120 pixels"
    assert beside(photo).exists()
    assert person.asset.kind == "image"
    assert person.asset.engine_ref == "flood-fill"
    assert not person.window.photos.dock.isVisible()


def test_a_folder_opens_with_thumbnails_in_counting_order(window, folder, qtbot):
    window.open_path(folder)
    wait_shown(qtbot, window, "photo1.png")
    assert names(window) == ["photo1.png", "photo2.png", "photo10.png", "photo11.jpg"]
    assert window.photos.dock.isVisible()
    assert "(1 of 4)" in window.windowTitle()
    assert window.state.recent == (folder,)
    icons = window.photos.dock.model.thumbnails
    for name in ("photo11.jpg", "photo2.png"):
        qtbot.waitUntil(lambda name=name: icons.get(folder / name) is not None, timeout=10_000)


def test_next_and_previous_keep_one_project_and_what_was_done(window, folder, qtbot):
    person = Person(window, qtbot)
    window.open_path(folder)
    wait_shown(qtbot, window, "photo1.png")
    person.click(RED)
    person.answered()
    project, controller = window.workspace.project, window.controller
    person.key(Qt.Key.Key_PageDown, Qt.KeyboardModifier.ShiftModifier)
    wait_shown(qtbot, window, "photo2.png")
    assert window.workspace.project is project
    assert window.controller is controller
    assert not person.asset.clicks
    person.click(BLUE)
    person.answered()
    window.actions_manager.trigger("previous_asset")
    wait_shown(qtbot, window, "photo1.png")
    person.answered()
    assert len(person.asset.clicks) == 1
    assert person.labels[60, 60] == 1
    assert len(project.document.assets) == 2
    assert "✓ photo2.png" in window.photos.dock.model.index(1).data()


def test_a_click_on_a_thumbnail_opens_and_a_damaged_photo_is_named(window, folder, qtbot):
    window.open_path(folder)
    wait_shown(qtbot, window, "photo1.png")
    window.photos.dock.list.clicked.emit(window.photos.dock.model.index(3))
    wait_message(qtbot, window, "photo11.jpg")
    assert window.workspace.path.name == "photo1.png"
    window.photos.dock.list.clicked.emit(window.photos.dock.model.index(2))
    wait_shown(qtbot, window, "photo10.png")


def test_the_next_photo_is_read_and_encoded_ahead(window, folder, qtbot):
    window.open_path(folder)
    wait_shown(qtbot, window, "photo1.png")
    ahead = window.photos._ahead
    qtbot.waitUntil(lambda: ahead.take(folder / "photo2.png") is not None, timeout=10_000)
    slots = window.engines.session._slots
    qtbot.waitUntil(lambda: -1 in slots and slots[-1].encoding is not None, timeout=10_000)
    encoding, photo = slots[-1].encoding, ahead.take(folder / "photo2.png")
    window.actions_manager.trigger("next_asset")
    wait_shown(qtbot, window, "photo2.png")
    assert window.workspace.loaded is photo
    assert slots[window.workspace.asset_id].encoding is encoding


def test_a_folder_opens_where_one_left_off(window, folder, qtbot):
    person = Person(window, qtbot)
    window.open_path(folder)
    wait_shown(qtbot, window, "photo1.png")
    window.actions_manager.trigger("next_asset")
    wait_shown(qtbot, window, "photo2.png")
    person.click(RED)
    project = window.workspace.project.path
    window.close_workspace()
    window.open_path(folder)
    wait_shown(qtbot, window, "photo2.png")
    window.close_workspace()
    window.open_path(project)
    wait_shown(qtbot, window, "photo2.png")
    assert len(names(window)) == 4


def test_dropped_photos_share_a_project(window, folder, qtbot):
    drop(window, folder / "photo1.png", folder / "photo2.png")
    wait_open(qtbot, window)
    qtbot.waitUntil(lambda: len(window.workspace.project.document.assets) == 2, timeout=10_000)


def test_a_dropped_folder_opens(window, folder, qtbot):
    drop(window, folder)
    wait_shown(qtbot, window, "photo1.png")


def test_scans_and_photos_alternate_in_one_window(window, photo, scan, qtbot):
    person = Person(window, qtbot)
    for _ in range(2):
        person.open(photo)
        person.click(RED)
        person.answered()
        window.open_path(scan)
        qtbot.waitUntil(lambda: window.workspace.path == scan, timeout=10_000)
        wait_open(qtbot, window)
        assert window.view.cloud is not None
        assert window.actions_manager.actions["tool_lasso"].isVisible()
    assert window.engines.registry.entries["nearest-click"].state == "loaded"


def test_a_photo_taken_upright_is_shown_and_clicked_upright(window, tmp_path, qtbot):
    path = tmp_path / "upright.jpg"
    exif = Pillow.Exif()
    exif[274] = 6  # stored lying on its side
    lying = np.rot90(squares(), 1).copy()
    Pillow.fromarray(lying).save(path, exif=exif, quality=98)
    person = Person(window, qtbot)
    person.open(path)
    assert person.bench.shape == (120, 200)
    person.click(RED)
    person.answered()
    assert person.labels[60, 60] == 1
    assert person.labels[60, 150] == 0


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("deep.png", squares().astype(np.uint16) * 200),
        ("deep.tif", squares().astype(np.uint16) * 16),
        ("grey.png", squares()[..., 0]),
        ("alpha.png", np.dstack([squares(), np.full((120, 200), 255, np.uint8)])),
        ("photo.webp", squares()),
        ("photo.bmp", squares()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_photo_is_clicked(window, tmp_path, qtbot, name, pixels):
    path = tmp_path / name
    swapped = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    assert cv2.imwrite(str(path), swapped)
    person = Person(window, qtbot)
    person.open(path)
    person.click(RED)
    person.answered()
    assert person.labels[60, 60] == 1
    assert person.labels[110, 100] == 0


def test_a_killed_window_loses_nothing_that_was_shown(photo, own_home, window, qtbot):
    script = f"""
        import os
        from annotator.engine.registry import PluginRegistry
        from annotator.ui.window.app import make_window
        from annotator.ui.basics.settings import Preferences
        from tests.ui.conftest import FIXTURE_PLUGINS
        from tests.ui.image.conftest import BLUE, RED, RIGHT, Person
        from PySide6.QtTest import QTest

        class Waits:
            def waitUntil(self, done, timeout=10_000):
                for _ in range(timeout // 10):
                    if done():
                        return
                    QTest.qWait(10)
                raise AssertionError("timed out")

        preferences = Preferences()
        preferences["image_engine"] = "flood-fill"
        registry = PluginRegistry.discover([FIXTURE_PLUGINS / "flood_fill"], disk=False)
        window = make_window(preferences, "software", registry)
        window.resize(1000, 700)
        window.show()
        person = Person(window, Waits())
        person.open(__import__("pathlib").Path({str(photo)!r}))
        person.click(RED)
        person.answered()
        person.click(BLUE, RIGHT)
        person.answered()
        os.kill(os.getpid(), 9)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, timeout=120
    )
    assert ended.returncode == -9, ended.stderr.decode()
    person = Person(window, qtbot)
    person.open(photo)
    person.answered()
    assert any("Recovered" in line for line in headlines(window))
    assert [c.positive for c in person.asset.clicks] == [True, False]
    assert person.labels[60, 60] == 1
    assert len(person.view.overlay.markers) == 2
    person.do("undo")
    assert len(person.asset.clicks) == 1


def test_a_changed_photo_keeps_its_clicks_and_offers_a_new_project(person, photo, qtbot):
    person.click(RED, RIGHT)
    person.window.close_workspace()
    save(photo, np.roll(squares(), 3, axis=1))
    person.window.open_path(photo)
    wait_message(qtbot, person.window, "has changed")
    assert person.window.workspace is None
    with Project.open(beside(photo), read_only=True) as project:
        assert len(project.asset(1).clicks) == 1


def test_a_read_only_project_shows_but_takes_no_click(person, photo, qtbot):
    person.click(RED)
    person.answered()
    person.window.close_workspace()
    person.window.open_path(photo, read_only=True)
    wait_open(qtbot, person.window)
    person.click(BLUE)
    assert len(person.asset.clicks) == 1
    assert not person.enabled("bigger_mask")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n broken", b"GIF89a"])
def test_wrong_files_are_named_and_the_photo_stays(person, tmp_path, qtbot, content):
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(content)
    person.window.open_path(wrong)
    wait_message(qtbot, person.window, "wrong.png")
    assert person.window.workspace.path.name == "squares.png"
