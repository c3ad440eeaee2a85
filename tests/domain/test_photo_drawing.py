"""Drawing parts of photos and masks at any scale, and the camera over them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain.flat_camera import LARGEST_SCALE, FlatCamera
from annotator.domain.pyramid import Pyramid, Window, sample_labels
from annotator.domain.strokes import capsule


def noise(height, width):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


def test_at_one_to_one_a_window_shows_the_pixels_themselves():
    rgb = noise(300, 400)
    drawn, x, y = Pyramid.build(rgb).draw(Window(50, 60, 1.0, 100, 80))
    assert (x, y) == (0, 0)
    assert np.array_equal(drawn, rgb[60:140, 50:150])


def test_enlarged_pixels_are_squares():
    rgb = noise(20, 30)
    drawn, _, _ = Pyramid.build(rgb).draw(Window(3, 4, 8.0, 80, 64))
    assert np.array_equal(drawn, np.repeat(np.repeat(rgb[4:12, 3:13], 8, 0), 8, 1))


@pytest.mark.parametrize("size", [(1000, 1400), (997, 1403), (3, 3000)])
def test_a_reduced_photo_is_averaged(size):
    rows, columns = np.mgrid[: size[0], : size[1]]
    rgb = np.repeat(((rows + columns) % 2 * 200)[..., None], 3, 2).astype(np.uint8)
    pyramid = Pyramid.build(rgb)
    drawn, _, _ = pyramid.draw(Window(0, 0, 0.2, size[1] // 5, max(size[0] // 5, 1)))
    assert drawn.size
    assert abs(float(drawn.mean()) - 100) < 3
    assert drawn.std() < 20


def test_a_photo_wider_than_opencv_takes_is_drawn():
    rgb = np.zeros((8, 40_000, 3), np.uint8)
    rgb[:, 39_000:] = 255
    drawn, _, _ = Pyramid.build(rgb).draw(Window(38_950, 0, 1.0, 100, 8))
    assert drawn[4, 20].tolist() == [0, 0, 0]
    assert drawn[4, 80].tolist() == [255, 255, 255]


@pytest.mark.parametrize("window", [Window(-500, 0, 1.0, 100, 80), Window(0, 9e5, 1.0, 100, 80)])
def test_beside_the_photo_there_is_nothing(window):
    drawn, _, _ = Pyramid.build(noise(40, 40)).draw(window)
    assert not drawn.size
    assert not sample_labels(np.zeros((40, 40), np.uint8), window, (40, 40))[0].size


@given(
    left=st.floats(-30, 60), top=st.floats(-30, 60), scale=st.floats(0.05, 40),
    factor=st.sampled_from([1, 2, 3]),
)  # fmt: skip
def test_labels_are_those_under_the_middle_of_each_screen_pixel(left, top, scale, factor):
    slots = np.arange(20 * 15, dtype=np.uint16).reshape(15, 20).astype(np.uint8)
    size = (20 * factor - factor // 2, 15 * factor - factor // 2)
    window = Window(left, top, scale, 37, 23)
    drawn, x0, y0 = sample_labels(slots, window, size, factor)
    for row in range(0, drawn.shape[0], 7):
        for column in range(0, drawn.shape[1], 7):
            x = left + (x0 + column + 0.5) / scale
            y = top + (y0 + row + 0.5) / scale
            near = {int(slots[min(int(max(v, 0)), 14), min(int(max(u, 0)), 19)])
                    for u in (x / factor - 1e-6, x / factor + 1e-6)
                    for v in (y / factor - 1e-6, y / factor + 1e-6)}  # fmt: skip
            assert int(drawn[row, column]) in near


# The camera ---------------------------------------------------------------------------------


def camera(ratio=1.0):
    made = FlatCamera()
    made.size, made.viewport, made.ratio = (4000, 3000), (800, 600), ratio
    made.fit()
    return made


@given(st.floats(0, 800), st.floats(0, 600), st.floats(0.1, 10))
def test_zooming_keeps_what_is_under_the_pointer(x, y, factor):
    view = camera()
    before = view.to_photo(x, y)
    view.zoom_at(factor, x, y)
    if view.contains(*before):
        assert view.to_view(*before) == pytest.approx((x, y), abs=1e-6) or view.scale < 0.12
    assert view.to_photo(*view.to_view(17.0, 4.0)) == pytest.approx((17.0, 4.0))


def test_a_photo_fits_and_is_shown_one_to_one_in_screen_pixels():
    view = camera(ratio=2.0)
    assert view.to_view(0, 0)[0] >= 0
    assert view.to_view(4000, 3000)[1] <= 600
    view.one_to_one()
    assert view.scale == 0.5


def test_pans_move_by_whole_screen_pixels_and_never_lose_the_photo():
    view = camera(ratio=1.5)
    x, _ = view.to_view(0, 0)
    view.pan(10.4, 0)
    moved = (view.to_view(0, 0)[0] - x) * 1.5
    assert moved == pytest.approx(round(moved))
    for _ in range(50):
        view.pan(5000, -5000)
    assert view.to_view(0, 0)[0] < 800
    assert view.to_view(4000, 3000)[1] > 0


def test_the_zoom_ends_at_both_ends():
    view = camera()
    view.zoom(1e9)
    assert view.scale == LARGEST_SCALE
    view.zoom(1e-9)
    assert view.scale == pytest.approx(0.1)


def test_a_camera_comes_back_from_the_log_and_refuses_nonsense():
    view, other = camera(), camera()
    view.zoom_at(7, 100, 50)
    other.from_json(view.to_json())
    assert (other.centre, other.scale) == (view.centre, view.scale)
    for text in ("", "[]", '{"scale": 1}', json.dumps({"centre": [0, 0], "scale": 0})):
        with pytest.raises(ValueError, match="not a camera"):
            other.from_json(text)
    with pytest.raises(ValueError, match="not a camera"):
        other.from_json('{"centre": [NaN, 0], "scale": 1}')


# Strokes --------------------------------------------------------------------------------------


@given(
    st.tuples(st.floats(-20, 120), st.floats(-20, 90)),
    st.tuples(st.floats(-20, 120), st.floats(-20, 90)),
    st.floats(0.1, 40),
)
def test_a_stroke_touches_what_is_within_its_radius(start, end, radius):
    part, x, y = capsule(start, end, radius, (100, 70))
    height, width = part.shape
    assert 0 <= x <= x + width <= 100 or not part.size
    a, b = np.array(start), np.array(end)
    length = max(float(((b - a) ** 2).sum()), 1e-12)
    for row in range(0, height, 5):
        for column in range(0, width, 5):
            place = np.array([x + column + 0.5, y + row + 0.5])
            share = np.clip(((place - a) @ (b - a)) / length, 0, 1)
            distance = float(np.hypot(*(a + share * (b - a) - place)))
            if distance < radius - 1.8:
                assert part[row, column]
            elif distance > max(radius, 0.5) + 1.8:
                assert not part[row, column]


def test_the_smallest_brush_touches_the_pixel_under_it():
    part, x, y = capsule((5.2, 6.7), (5.2, 6.7), 0.01, (20, 20))
    assert [(x + c, y + r) for r, c in np.argwhere(part)] == [(5, 6)]
