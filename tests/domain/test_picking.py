import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain.picking import disc_mask, pick_in_window, polygon_mask
from annotator.domain.raster import EMPTY

NEAR, FAR = 1.0, 3.0


def window(size=15, far=True):
    ids = np.full((size, size), 100 if far else EMPTY)
    depth = np.full((size, size), FAR if far else np.nan)
    return ids, depth


def pick(ids, depth, radius=7):
    middle = len(ids) / 2
    return pick_in_window(ids, depth, middle, middle, radius)


def test_nothing_within_the_radius_is_nothing():
    ids, depth = window(far=False)
    ids[0, 0], depth[0, 0] = 5, NEAR
    assert pick(ids, depth) is None
    assert pick(ids, depth, radius=12) == 5


def test_a_near_point_beside_an_empty_pixel_wins_over_a_nearer_but_farther_back_one():
    ids, depth = window(far=False)
    ids[7, 12], depth[7, 12] = 1, NEAR
    ids[7, 8], depth[7, 8] = 2, FAR
    assert pick(ids, depth) == 1


def test_of_one_surface_the_point_nearest_to_the_pointer_wins():
    ids = np.arange(225).reshape(15, 15)
    depth = np.full((15, 15), 2.0) + np.linspace(0.01, 0, 15)[:, None]  # lower rows are nearer
    assert pick(ids, depth) == ids[7, 7]


def test_through_a_sparse_near_surface_the_near_surface_is_meant():
    ids, depth = window()
    for place in [(3, 3), (3, 11), (11, 3), (11, 11)]:
        ids[place], depth[place] = 7, NEAR
    assert pick(ids, depth) == 7


def test_beside_the_rim_of_a_near_object_the_point_under_the_pointer_is_meant():
    ids, depth = window()
    ids[:, :4], depth[:, :4] = 7, NEAR
    assert pick(ids, depth) == 100


def test_a_pixel_without_a_point_ignores_its_depth():
    ids, depth = window(far=False)
    ids[7, 7], depth[7, 7] = 3, FAR
    depth[7, 8] = 0.1
    assert pick(ids, depth) == 3


def crossings(polygon, x, y):
    """How far to the right of a place (negative: left) the edges cross its row."""
    return [
        x0 + (y - y0) * (x1 - x0) / (y1 - y0) - x
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True)
        if (y0 <= y) != (y1 <= y)
    ]


coordinate = st.floats(-8, 28, allow_nan=False).map(lambda v: round(v, 2) + 0.003)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9))
def test_polygon_mask_holds_the_pixels_whose_centre_is_inside(polygon):
    mask = polygon_mask(polygon, 20, 16)
    for (j, i), marked in np.ndenumerate(mask):
        edges = crossings(polygon, i + 0.5, j + 0.5)
        if min(map(abs, edges), default=1) > 1e-6:  # a centre on the edge may be either
            assert marked == (sum(edge > 0 for edge in edges) % 2 == 1)


@pytest.mark.parametrize("polygon", [[], [(1, 1)], [(1, 1), (9, 9)], [(5, 5)] * 4])
def test_a_polygon_without_area_holds_nothing(polygon):
    assert not polygon_mask(polygon, 20, 16).any()


def test_disc_mask_is_round_and_in_place():
    mask = disc_mask(10.5, 7.5, 3, 20, 16)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 10, 7, 13)
    assert not mask[4, 7]
    assert mask.sum() == pytest.approx(np.pi * 9, rel=0.1)
