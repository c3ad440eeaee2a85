"""The photo view itself: what is drawn again after pans and changes equals a fresh picture."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.domain.pyramid import Pyramid, Window
from annotator.ui.image import ImageView
from annotator.ui.image.frame import Frame, Layers
from annotator.ui.image.tints import Tints


def labels(seed=0, size=(90, 140)):
    rng = np.random.default_rng(seed)
    made = np.zeros(size, np.int32)
    for object_id in range(1, 5):
        y, x = rng.integers(0, size[0] - 30), rng.integers(0, size[1] - 30)
        made[y : y + 30, x : x + 25] = object_id
    return made


@pytest.fixture
def layers():
    rgb = np.random.default_rng(1).integers(0, 256, (180, 280, 3), np.uint8)
    tints = Tints()
    layers = Layers(Pyramid.build(rgb), tints=tints, factor=2, outline=2)
    layers.slots = tints.slots_of(labels())
    return layers


def picture(frame):
    return frame._photo.copy(), frame._masks.copy()


@pytest.mark.parametrize("scale", [0.37, 1.0, 2.6, 9.0])
@pytest.mark.parametrize("step", [(7, 0), (-5, 3), (0, -11), (40, 40)])
def test_a_pan_draws_what_a_fresh_picture_has(layers, scale, step):
    start = Window(20.27, 11.53, scale, 120, 90)
    moved = Window(start.left - step[0] / scale, start.top - step[1] / scale, scale, 120, 90)
    panned, fresh = Frame(layers), Frame(layers)
    panned.show(start)
    panned.show(moved)
    fresh.show(moved)
    for a, b in zip(picture(panned), picture(fresh), strict=True):
        assert np.mean(a != b) < 0.002  # resampling may round differently by the last bit


@pytest.mark.parametrize("scale", [0.4, 1.0, 7.0])
def test_a_changed_box_draws_what_a_fresh_picture_has(layers, scale):
    window = Window(-8.0, -6.0, scale, 150, 110)
    changed, fresh = Frame(layers), Frame(layers)
    changed.show(window)
    layers.slots[20:50, 40:77] = layers.tints.slot(3)
    changed.redraw_masks((80, 40, 154, 100))
    fresh.show(window)
    assert np.array_equal(changed._masks, fresh._masks)


@pytest.fixture
def view(qtbot):
    view = ImageView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.set_photo(Pyramid.build(np.full((60, 100, 3), 200, np.uint8)))
    return view


def test_a_photo_fits_until_somebody_moves_it(view, qtbot):
    scale = view.camera.scale
    view.resize(800, 600)
    qtbot.waitUntil(lambda: view.camera.scale > scale)
    view.camera.zoom(2)
    moved = view.camera.scale
    view.resize(400, 300)
    qtbot.wait(20)
    assert view.camera.scale == moved


def test_the_wheel_zooms_to_the_pointer(view):
    before = view.camera.to_photo(130, 140)
    wheel = QWheelEvent(
        QPointF(130, 140), view.mapToGlobal(QPointF(130, 140)), QPoint(), QPoint(0, 240),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    scale = view.camera.scale
    QApplication.sendEvent(view, wheel)
    assert view.camera.scale > scale
    assert view.camera.to_photo(130, 140) == pytest.approx(before)


def test_picks_name_the_pixel_that_is_drawn_there(view):
    rgb = np.zeros((60, 100, 3), np.uint8)
    rgb[30, 50] = 255
    view.set_photo(Pyramid.build(rgb))
    view.camera.show(45, 25, 56, 36)
    image = view.grab_image()
    ratio = image.devicePixelRatio()
    x, y = view.camera.to_view(50.5, 30.5)
    assert image.pixelColor(round(x * ratio), round(y * ratio)).lightness() > 200
    place = view.pick(x, y)
    assert (int(place[0]), int(place[1])) == (50, 30)


def test_the_pixel_grid_shows_at_high_zoom_only(view):
    view.camera.show(40, 20, 46, 26)
    close = view.grab_image()
    colours = {close.pixelColor(x, 150).rgb() for x in range(100, 300)}
    assert len(colours) > 1
    view.camera.fit()
    far = view.grab_image()
    assert len({far.pixelColor(x, 150).rgb() for x in range(100, 300)}) == 1


def test_more_objects_than_colours_have_slots():
    tints = Tints()
    slots = tints.slots_of(np.arange(400, dtype=np.int32).reshape(20, 20))
    assert slots[0, 0] == 0
    assert slots.ravel()[1:].min() == 1
    assert slots.max() < 128


def test_a_view_without_a_photo_takes_everything_calmly(qtbot):
    view = ImageView()
    qtbot.addWidget(view)
    view.show()
    view.set_labels(None)
    view.set_confidence(None)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton)
    assert view.pick(10, 10) is None
    view.repaint()
