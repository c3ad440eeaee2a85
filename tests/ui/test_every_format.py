"""Every format of scan opens in the real window, by path or dropped, and takes a click."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QSlider,
)

from tests.formats import corpus
from tests.formats.test_scan_folders import make_room, make_scannet
from tests.ui.test_opening import drop
from tests.ui.test_several_files import wait_shown

FILES = corpus.valid_files()


def open_and_click(qtbot, window, path, dropped):
    if dropped:
        drop(window, path)
    else:
        window.open_path(path)
    wait_shown(qtbot, window, path)
    project, view = window.workspace.project, window.view
    view.camera.look("top")
    x, y, _ = view.camera.projection().project(view.cloud.xyz[:1])
    place = view.rect().center()
    place.setX(round(float(x[0])))
    place.setY(round(float(y[0])))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    runs = window.controller.bench.runs
    qtbot.waitUntil(lambda: not runs.busy and not runs.unanswered, timeout=20_000)
    assert len(window.workspace.asset.clicks) == 1
    assert project.stored_result(window.workspace.asset_id) is not None
    assert not [b.headline for b in window.messages.banners if b.level == "error"]


@pytest.mark.parametrize("dropped", [False, True], ids=["opened", "dropped"])
def test_files_of_every_format(window, qtbot, tmp_path, dropped):
    folder = tmp_path / "all"
    folder.mkdir()
    for name, data in FILES.items():
        path = folder / name
        path.write_bytes(data)
        open_and_click(qtbot, window, path, dropped)
        assert len(window.view.cloud) == len(corpus.XYZ), name


def test_folders_of_s3dis_and_scannet(window, qtbot, tmp_path):
    room = tmp_path / "office_1"
    make_room(room)
    open_and_click(qtbot, window, room, dropped=True)
    assert len(window.view.cloud) == 3
    scene = tmp_path / "scene0001_00"
    make_scannet(scene)
    open_and_click(qtbot, window, scene, dropped=False)
    assert len(window.view.cloud) == len(corpus.XYZ)


def test_every_named_widget_a_person_works_with_tells_a_screen_reader_its_name(opened):
    kinds = (QAbstractButton, QAbstractItemView, QLineEdit, QSlider)
    nameless = [
        f"{type(widget).__name__} {widget.objectName()} in {widget.parent().objectName()}"
        for kind in kinds
        for widget in opened.findChildren(kind)
        if widget.isVisible()
        and not isinstance(widget, QHeaderView)  # is read out as part of its table
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not widget.objectName().startswith("qt_")
    ]
    assert not nameless


def test_keypad_digits_choose_objects_and_zero_the_background(opened):
    keypad = Qt.KeyboardModifier.KeypadModifier
    opened.view.setFocus()
    for digit in (3, 0, 7):
        QTest.keyClick(opened.view, getattr(Qt.Key, f"Key_{digit}"), keypad)
        assert opened.controller.bench.current_object == digit
