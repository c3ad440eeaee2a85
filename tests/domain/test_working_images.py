"""Large photos are annotated on a reduced copy, whose labels go back to every pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from annotator.domain import Box, Click, Image, Prompt, WorkingImage, working_factor
from annotator.domain.working import WORKING_PIXELS, reduce, working_size


def photo(width, height):
    rgb = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    return Image(rgb, "photo")


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9))
def test_every_pixel_gets_the_label_of_its_working_pixel(width, height, factor):
    working = WorkingImage.of(photo(width, height), factor)
    labels = np.arange(working.count, dtype=np.int32).reshape(working.shape)

    full = working.to_full(labels)

    rows, columns = np.mgrid[:height, :width]
    np.testing.assert_array_equal(full, labels[rows // factor, columns // factor])
    assert full.dtype == np.int32
    assert working.shape[::-1] == working_size(width, height, factor)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 9))
def test_working_pixels_are_the_mean_of_what_they_stand_for(width, height, factor):
    rgb = photo(width, height).rgb

    reduced = reduce(rgb, factor).astype(int)

    expected = np.asarray(Pillow.fromarray(rgb).reduce(factor)).astype(int)
    assert np.abs(reduced - expected).max() <= 1


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_the_factor_is_the_smallest_that_suffices(width, height):
    factor = working_factor(width, height)
    size = working_size(width, height, factor)
    assert size[0] * size[1] <= WORKING_PIXELS
    if factor > 1:
        larger = working_size(width, height, factor - 1)
        assert larger[0] * larger[1] > WORKING_PIXELS


def test_a_small_photo_is_its_own_working_copy():
    image = photo(30, 20)
    working = WorkingImage.of(image)
    prompt = Prompt.from_clicks([Click((3.0, 4.0), 1)])
    labels = np.ones((20, 30), np.int32)

    assert working.image is image
    assert working.spacing == 0.0
    assert working.to_full(labels) is labels
    assert working.to_working(prompt) is prompt


def test_clicks_and_boxes_of_the_photo_fall_on_the_same_place_of_the_working_copy():
    working = WorkingImage.of(photo(40, 20), 4)
    prompt = Prompt(clicks=(Click((39.9, 7.0), 2),), object_ids=(2,), boxes=(Box(2, 4, 8, 40, 20),))

    seen = working.to_working(prompt)

    assert working.spacing == 4.0
    assert seen.clicks[0].position == pytest.approx((9.975, 1.75))
    assert seen.boxes == (Box(2, 1, 2, 10, 5),)
    assert seen.object_ids == (2,)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7))
def test_labels_go_to_all_pixels_and_back_unchanged(width, height, factor):
    working = WorkingImage.of(photo(width, height), factor)
    labels = np.arange(working.count, dtype=np.int32).reshape(working.shape)

    np.testing.assert_array_equal(WorkingImage.sampled(working.to_full(labels), factor), labels)


def test_probabilities_are_spread_smoothly():
    working = WorkingImage.of(photo(17, 9), 4)
    ramp = np.tile(np.linspace(0, 1, 5, dtype=np.float32), (3, 1))

    full = working.probability_to_full(ramp)

    assert full.shape == (9, 17)
    assert (np.diff(full, axis=1) >= 0).all()
    np.testing.assert_allclose(full[:, 5:7].mean(), 0.25, atol=0.05)
