import numpy as np
import pytest

from annotator.domain.camera import VIEW_DIRECTIONS, OrbitCamera


@pytest.fixture
def camera():
    camera = OrbitCamera((800, 600))
    camera.set_bounds([-2, -1, 0], [2, 1, 1])
    camera.fit()
    return camera


def test_pivot_is_in_the_middle_at_the_camera_distance(camera):
    x, y, depth = camera.projection().project(camera.pivot)
    assert (x[0], y[0], depth[0]) == pytest.approx((400, 300, camera.distance))


def test_axes_are_orthonormal_and_right_handed_from_every_side(camera):
    for azimuth, elevation in [*VIEW_DIRECTIONS.values(), (17.0, -62.0)]:
        camera.azimuth, camera.elevation = azimuth, elevation
        right, up, forward = camera.axes()
        np.testing.assert_allclose(
            np.stack([right, up, forward]) @ np.stack([right, up, forward]).T, np.eye(3), atol=1e-12
        )
        np.testing.assert_allclose(np.cross(right, up), -forward, atol=1e-12)


def test_from_the_front_x_is_right_and_z_is_up(camera):
    camera.look("front")
    px, py, depth = camera.projection().project([[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert px[1] > px[0]
    assert px[2] == pytest.approx(px[0])
    assert py[2] < py[0]
    assert py[1] == pytest.approx(py[0])
    assert depth[3] > depth[0]


def test_from_the_top_y_is_up(camera):
    camera.look("top")
    px, py, depth = camera.projection().project([[0, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert py[1] < py[0]
    assert px[1] == pytest.approx(px[0])
    assert depth[2] < depth[0]


@pytest.mark.parametrize("side", sorted(VIEW_DIRECTIONS))
@pytest.mark.parametrize("viewport", [(800, 600), (300, 900), (1600, 200)])
def test_fit_shows_the_whole_scene_and_fills_the_picture(camera, side, viewport):
    camera.viewport = viewport
    camera.look(side)
    corners = np.array([[x, y, z] for x in (-2, 2) for y in (-1, 1) for z in (0, 1)])
    x, y, _ = camera.projection().project(corners)
    assert min(x.min(), y.min()) >= 0
    assert x.max() <= viewport[0]
    assert y.max() <= viewport[1]
    assert max(np.ptp(x) / viewport[0], np.ptp(y) / viewport[1]) > 0.85


def test_fit_of_a_single_point_stays_finite(camera):
    camera.set_bounds([5, 5, 5], [5, 5, 5])
    camera.fit()
    assert 0 < camera.distance < 1
    assert camera.pivot == pytest.approx((5, 5, 5))


def test_zoom_keeps_what_is_under_the_pointer(camera):
    point = np.array([1.5, 0.2, 0.9])
    before = [float(v[0]) for v in camera.projection().project(point)[:2]]
    camera.zoom_at(3.0, *before, point)
    after = [float(v[0]) for v in camera.projection().project(point)[:2]]
    assert after == pytest.approx(before)


def test_zoom_without_a_target_keeps_the_pivot_plane_under_the_pointer(camera):
    projection = camera.projection()
    point = projection.eye + projection.ray(100, 120) * camera.distance
    camera.zoom_at(2.0, 100, 120)
    x, y, _ = camera.projection().project(point)
    assert (x[0], y[0]) == pytest.approx((100, 120))


def test_zoom_stops_before_it_reaches_zero_or_infinity(camera):
    camera.zoom(1e12)
    assert camera.distance > 0
    camera.zoom(1e-12)
    assert camera.distance <= camera.radius * 51


def test_pan_moves_the_pivot_with_the_pointer(camera):
    old = camera.pivot
    camera.pan(40, -25)
    x, y, _ = camera.projection().project(old)
    assert (x[0], y[0]) == pytest.approx((440, 275))


def test_orbit_turns_around_the_pivot_and_stops_at_the_poles(camera):
    pivot = camera.pivot
    camera.orbit(30, 500)
    assert camera.elevation == 90
    assert camera.pivot == pivot


def test_every_move_is_announced(camera):
    moves = []
    camera.changed.connect(lambda: moves.append(1))
    camera.orbit(1, 1), camera.pan(1, 1), camera.zoom(1.1), camera.zoom_at(1.1, 3, 3)
    camera.set_pivot([0, 0, 0]), camera.fit(), camera.look("left")
    camera.from_json(camera.to_json())
    assert len(moves) == 8


def test_pose_survives_json(camera):
    camera.orbit(12, 7)
    other = OrbitCamera()
    other.from_json(camera.to_json())
    assert other.to_json() == camera.to_json()


REST = '"azimuth": 0, "elevation": 0, "field_of_view": 45}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"pivot": [1, 2], "distance": 1, ' + REST,
        '{"pivot": [1, 2, NaN], "distance": 1, ' + REST,
        '{"pivot": [1, 2, 3], "distance": -1, ' + REST,
    ],
)
def test_text_that_is_no_pose_is_refused_and_changes_nothing(camera, text):
    before = camera.to_json()
    with pytest.raises(ValueError, match="not a camera"):
        camera.from_json(text)
    assert camera.to_json() == before


def test_points_behind_the_eye_have_no_place(camera):
    behind = camera.projection().eye - camera.axes()[2]
    x, y, depth = camera.projection().project(behind)
    assert np.isnan([x[0], y[0]]).all()
    assert depth[0] < 0
