"""Holes, edges, crumbs, run lengths and outlines of masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from annotator.domain import masks, polygons, rle

SHAPES = st.tuples(st.integers(1, 14), st.integers(1, 14))
MASKS = arrays(np.bool_, SHAPES)


def disc(size, radius, centre=None):
    centre = centre or (size / 2, size / 2)
    rows, columns = np.mgrid[:size, :size] + 0.5
    return (columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 < radius**2


def filled_by_flooding(mask):
    """Fill holes the slow way: grow the outside from beyond the border."""
    wide = np.pad(mask, 1)
    outside = np.zeros_like(wide)
    outside[0, 0] = True
    while True:
        grown = outside.copy()
        grown[1:] |= outside[:-1]
        grown[:-1] |= outside[1:]
        grown[:, 1:] |= outside[:, :-1]
        grown[:, :-1] |= outside[:, 1:]
        grown &= ~wide
        if (grown == outside).all():
            return ~outside[1:-1, 1:-1]
        outside = grown


@given(MASKS)
def test_holes_are_what_the_outside_cannot_reach(mask):
    before = mask.copy()
    np.testing.assert_array_equal(masks.fill_holes(mask), filled_by_flooding(mask))
    np.testing.assert_array_equal(mask, before)


def test_only_small_holes_are_filled_if_asked():
    mask = np.ones((20, 20), np.bool_)
    mask[2:4, 2:4] = False
    mask[8:14, 8:14] = False

    filled = masks.fill_holes(mask, largest=4)

    assert filled[2:4, 2:4].all()
    assert not filled[8:14, 8:14].any()


def test_the_largest_part_stays_and_corners_connect():
    mask = np.zeros((10, 10), np.bool_)
    mask[0:2, 0:2] = mask[2:4, 2:4] = True  # 8 pixels, joined at a corner
    mask[6:9, 6:8] = True  # 6 pixels

    kept = masks.keep_largest(mask)

    assert kept.sum() == 8
    assert kept[3, 3]
    assert masks.remove_small(mask, 7).sum() == 8
    assert not masks.keep_largest(np.zeros((3, 3), np.bool_)).any()


@given(arrays(np.bool_, st.tuples(st.integers(5, 14), st.integers(5, 14))), st.floats(0.5, 6))
def test_smoothing_keeps_the_shape_and_even_masks(mask, radius):
    assert masks.smooth(mask, radius).shape == mask.shape
    assert not masks.smooth(np.zeros_like(mask), radius).any()
    assert masks.smooth(np.ones_like(mask), radius).all()


def test_smoothing_takes_bumps_and_notches_and_leaves_straight_edges():
    mask = np.zeros((60, 60), np.bool_)
    mask[:, :30] = True
    rough = mask.copy()
    rough[20, 30:33] = True
    rough[40, 27:30] = False

    np.testing.assert_array_equal(masks.smooth(rough, 4), mask)
    np.testing.assert_array_equal(masks.smooth(mask, 4), mask)


def test_smoothing_keeps_the_area_of_a_large_disc():
    mask = disc(200, 70)
    assert abs(int(masks.smooth(mask, 5).sum()) / int(mask.sum()) - 1) < 0.01


@given(MASKS)
def test_runs_equal_those_of_the_coco_api(mask):
    runs = rle.encode(mask)
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))

    assert rle.to_text(runs) == theirs["counts"].decode()
    np.testing.assert_array_equal(rle.from_text(theirs["counts"]), runs)
    np.testing.assert_array_equal(rle.decode(runs, *mask.shape), mask)


@given(st.lists(st.integers(0, 2**30), min_size=1, max_size=12))
def test_long_runs_pass_through_text(runs):
    assert rle.from_text(rle.to_text(runs)).tolist() == runs


@given(st.text(max_size=30))
def test_any_text_is_runs_or_refused(text):
    try:
        runs = rle.from_text(text)
    except ValueError:
        return
    assert (runs >= 0).all()


@pytest.mark.parametrize("runs", [[5], [-1, 7], [3, 3, 3], [2**62, 2**62]])
def test_runs_that_do_not_fit_are_refused(runs):
    with pytest.raises(ValueError, match="runs"):
        rle.decode(runs, 2, 3)


@settings(max_examples=300)
@given(MASKS, st.sampled_from([0.0, 0.3, 0.49]))
def test_an_exact_outline_gives_the_mask_again(mask, tolerance):
    found = polygons.polygons_of(mask, tolerance)

    np.testing.assert_array_equal(polygons.mask_of(found, *mask.shape), mask)
    for polygon in found:
        assert all(len(ring) >= 3 for ring in polygon.rings)


@given(MASKS)
def test_a_single_ring_through_all_parts_gives_the_mask_again(mask):
    rings = [ring for polygon in polygons.polygons_of(mask) for ring in polygon.rings]
    if rings:
        drawn = np.zeros_like(mask)
        polygons.draw(drawn, [polygons.joined(rings)])
        np.testing.assert_array_equal(drawn, mask)


def test_a_ring_shape_has_one_outline_and_one_hole():
    mask = disc(60, 25) & ~disc(60, 12)
    (polygon,) = polygons.polygons_of(mask)
    assert len(polygon.holes) == 1


def test_simplified_outlines_have_few_corners_and_nearly_the_same_pixels():
    mask = disc(400, 150)
    exact = polygons.polygons_of(mask)
    fewer = polygons.polygons_of(mask, tolerance=1.0)

    again = polygons.mask_of(fewer, 400, 400)

    assert len(fewer[0].outline) < len(exact[0].outline) / 5
    assert (again & mask).sum() / (again | mask).sum() > 0.99


def test_a_single_pixel_survives_any_simplification():
    mask = np.zeros((9, 9), np.bool_)
    mask[4, 5] = True
    (polygon,) = polygons.polygons_of(mask, tolerance=3.0)
    np.testing.assert_array_equal(polygons.mask_of([polygon], 9, 9), mask)


def test_polygons_drawn_by_hand_take_the_pixels_whose_centres_they_contain():
    triangle = polygons.Polygon(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]))
    drawn = polygons.mask_of([triangle], 4, 4)
    rows, columns = np.mgrid[:4, :4] + 0.5
    np.testing.assert_array_equal(drawn, rows + columns < 4)

    beyond = polygons.Polygon(np.array([[-5.0, -5.0], [90.0, -5.0], [90.0, 90.0], [-5.0, 90.0]]))
    assert polygons.mask_of([beyond], 4, 4).all()


FLOATS = st.floats(-20, 30)


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=3, max_size=8))
def test_drawing_agrees_with_counting_crossings_at_each_centre(corners):
    drawn = polygons.mask_of([polygons.Polygon(np.array(corners))], 8, 9)

    expected = np.zeros((8, 9), np.bool_)
    for row in range(8):
        for column in range(9):
            x, y = column + 0.5, row + 0.5
            inside = False
            for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
                if (ay > y) != (by > y) and x >= ax + (y - ay) / (by - ay) * (bx - ax):
                    inside = not inside
            expected[row, column] = inside
    # Where an edge runs through a centre, rounding decides.
    assert (drawn != expected).sum() <= 1


@pytest.mark.parametrize(
    "ring", [[], [[1, 1], [2, 2]], [[0, 0], [np.nan, 1], [4, 4]], [[1, 1]] * 5]
)
def test_lines_and_broken_rings_draw_nothing(ring):
    polygon = polygons.Polygon(np.array(ring, np.float64).reshape(-1, 2))
    assert not polygons.mask_of([polygon], 4, 4).any()
