import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain import PointCloud
from annotator.domain.camera import OrbitCamera
from annotator.domain.raster import (
    BLOCK,
    EMPTY,
    PointBlocks,
    ZBuffer,
    points_under,
    robust_bounds,
    running_minimum,
    splat_rectangles,
    typical_spacing,
)

WIDTH, HEIGHT = 90, 60


def make_cloud(count, seed=0, offset=(0, 0, 0)):
    xyz = np.random.default_rng(seed).normal(size=(count, 3)) + np.asarray(offset)
    return PointCloud(xyz.astype(np.float32))


def make_camera(cloud):
    camera = OrbitCamera((WIDTH, HEIGHT))
    camera.set_bounds(*robust_bounds(cloud))
    camera.fit()
    return camera


def draw(cloud, projection, size=1, turns=None, rejected=None):
    blocks = PointBlocks(cloud)
    buffer = ZBuffer(projection.width, projection.height, size)
    for turn in turns if turns is not None else range(blocks.count):
        buffer.add(blocks.block(turn), projection, rejected)
    return buffer.resolve()


def draw_slowly(cloud, projection, size):
    """The oracle: one point after the other, in float64."""
    ids = np.full((HEIGHT, WIDTH), EMPTY)
    depths = np.full((HEIGHT, WIDTH), np.inf)
    for row, (x, y, depth) in enumerate(zip(*projection.project(cloud.xyz), strict=True)):
        if not np.isfinite(x):
            continue
        for width, height in splat_rectangles(size):
            left = int(np.floor(x)) - (width - 1 - width // 2)
            top = int(np.floor(y)) - (height - 1 - height // 2)
            for j in range(max(0, top), min(HEIGHT, top + height)):
                for i in range(max(0, left), min(WIDTH, left + width)):
                    if depth < depths[j, i]:
                        ids[j, i], depths[j, i] = row, depth
    return ids


@pytest.mark.parametrize("size", [1, 2, 3, 6, 11])
@pytest.mark.parametrize("inside", [False, True])
def test_every_pixel_shows_the_nearest_point(size, inside):
    cloud = make_cloud(600)
    camera = make_camera(cloud)
    if inside:
        camera.zoom(8)
    frame = draw(cloud, camera.projection(), size)
    expected = draw_slowly(cloud, camera.projection(), size)
    # A float32 projection may land on the other side of a pixel's edge.
    assert (frame.ids != expected).sum() <= 2 * size
    assert (expected != EMPTY).sum() > 100


def test_depth_is_that_of_the_point_shown():
    cloud = make_cloud(500)
    projection = make_camera(cloud).projection()
    frame = draw(cloud, projection)
    shown = ~frame.empty
    depth = projection.project(cloud.xyz[frame.ids[shown]])[2]
    np.testing.assert_allclose(frame.depth[shown], depth, rtol=1e-5)
    assert np.isnan(frame.depth[~shown]).all()


def test_slices_in_any_order_converge_to_the_same_picture():
    cloud = make_cloud(2 * BLOCK + 1000)
    projection = make_camera(cloud).projection()
    forwards = draw(cloud, projection, turns=[0, 1, 2])
    backwards = draw(cloud, projection, turns=[2, 0, 1, 1])
    np.testing.assert_array_equal(forwards.ids, backwards.ids)
    np.testing.assert_array_equal(forwards.depth, backwards.depth)


def test_a_slice_already_samples_the_whole_picture_evenly():
    cloud = make_cloud(4 * BLOCK)
    projection = make_camera(cloud).projection()
    whole, first = draw(cloud, projection), draw(cloud, projection, turns=[0])
    assert (~first.empty).sum() > 0.75 * (~whole.empty).sum()


@pytest.mark.parametrize("count", [1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
def test_blocks_hold_every_point_once(count):
    blocks = PointBlocks(PointCloud(np.zeros((count, 3), np.float32)))
    rows = np.concatenate([np.arange(count)[blocks.rows(turn)] for turn in range(blocks.count)])
    np.testing.assert_array_equal(np.sort(rows), np.arange(count))
    total = sum(blocks.block(turn).columns.shape[1] for turn in range(blocks.count))
    assert total == count


def test_points_behind_the_camera_or_at_the_eye_are_not_drawn():
    camera = make_camera(make_cloud(10))
    projection = camera.projection()
    hidden = np.stack([projection.eye, projection.eye - 3 * projection.forward])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = draw(PointCloud(hidden.astype(np.float32)), projection)
    assert frame.empty.all()


def test_points_just_outside_reach_in_only_as_far_as_their_size():
    camera = make_camera(make_cloud(10))
    projection = camera.projection()
    outside = projection.eye + projection.ray(-1.5, 30) * 5
    cloud = PointCloud(outside[None].astype(np.float32))
    assert draw(cloud, projection, 1).empty.all()
    assert np.flatnonzero((~draw(cloud, projection, 5).empty).any(axis=0)).tolist() == [0]
    far = projection.eye + projection.ray(-400, 30) * 5
    assert draw(PointCloud(far[None].astype(np.float32)), projection, 9).empty.all()


def test_rejected_points_leave_what_is_behind_them():
    near_and_far = PointCloud(np.array([[0, -1, 0], [0, 0, 0]], np.float32))
    camera = OrbitCamera((WIDTH, HEIGHT))
    camera.azimuth, camera.elevation = -90, 0
    assert set(np.unique(draw(near_and_far, camera.projection()).ids)) == {0, EMPTY}
    without = draw(
        near_and_far, camera.projection(), rejected=lambda block, part: np.array([True, False])
    )
    assert set(np.unique(without.ids)) == {1, EMPTY}


def test_clear_forgets_all_points():
    cloud = make_cloud(100)
    projection, blocks = make_camera(cloud).projection(), PointBlocks(cloud)
    buffer = ZBuffer(WIDTH, HEIGHT)
    buffer.add(blocks.block(0), projection)
    assert not buffer.resolve().empty.all()
    buffer.clear()
    assert buffer.resolve().empty.all()


def test_large_coordinates_keep_their_pixels():
    near, far = make_cloud(400), make_cloud(400, offset=(9000, -9000, 50))
    pictures = []
    for cloud in (near, far):
        camera = make_camera(cloud)
        camera.zoom(3)
        pictures.append(draw(cloud, camera.projection()).ids)
    # The coordinates themselves are only good to half a millimetre at nine kilometres.
    assert (pictures[0] != pictures[1]).mean() < 0.02


@given(
    st.lists(st.integers(0, 99), min_size=30, max_size=60),
    st.integers(1, 24),
    st.sampled_from([0, 1]),
)
def test_running_minimum_is_that_of_every_window(values, window, axis):
    array = np.array([values, values[::-1]])
    array = array if axis == 1 else array.T
    expected = np.lib.stride_tricks.sliding_window_view(array, window, axis=axis).min(axis=-1)
    np.testing.assert_array_equal(running_minimum(array, window, axis), expected)


@pytest.mark.parametrize("through", [False, True])
def test_points_under_a_mask_are_those_that_project_into_it(through):
    cloud = make_cloud(3000, seed=3)
    projection = make_camera(cloud).projection()
    frame = draw(cloud, projection)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[20:40, 30:50] = True
    deepest = None if through else frame.depth * np.float32(1.001)
    found = points_under(PointBlocks(cloud), projection, mask, deepest=deepest)
    x, y, depth = projection.project(cloud.xyz)
    expected = (x >= 30) & (x < 50) & (y >= 20) & (y < 40)
    if not through:
        limit = frame.depth[np.clip(y, 0, 59).astype(int), np.clip(x, 0, 89).astype(int)]
        expected &= depth <= limit * 1.001
        assert expected.sum() < len(points_under(PointBlocks(cloud), projection, mask))
    assert len(np.setxor1d(found, np.flatnonzero(expected))) <= 2
    assert len(found) > 50


def test_an_empty_mask_selects_nothing():
    cloud = make_cloud(50)
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    assert len(points_under(PointBlocks(cloud), make_camera(cloud).projection(), nothing)) == 0


def test_stray_points_do_not_rule_the_bounds():
    xyz = np.random.default_rng(1).uniform(-1, 1, (5000, 3)).astype(np.float32)
    xyz[0] = 1e6
    low, high = robust_bounds(PointCloud(xyz))
    assert (low > -1.2).all()
    assert (high < 1.2).all()


def test_spacing_of_a_plane_is_about_that_of_its_grid():
    side = np.arange(100) * 0.05
    plane = np.stack(np.meshgrid(side, side, [0.0]), axis=-1).reshape(-1, 3)
    spacing = typical_spacing(PointBlocks(PointCloud(plane.astype(np.float32))))
    assert 0.03 < spacing < 0.08
