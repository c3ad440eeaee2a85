import numpy as np
import pytest

from annotator.domain import PointCloud
from annotator.domain.labels import object_colour
from annotator.domain.raster import EMPTY, Frame, PointBlocks
from annotator.domain.shading import (
    COLOUR_MODES,
    Look,
    PointColours,
    Shader,
    eye_dome,
    label_slots,
    pack,
    palette_table,
    ramp_table,
    unpack,
)

BACKGROUND = (10, 20, 30)


@pytest.fixture
def cloud():
    rng = np.random.default_rng(5)
    xyz = rng.uniform(0, 1, (64, 3)).astype(np.float32)
    rgb = rng.integers(0, 256, (64, 3)).astype(np.uint8)
    return PointCloud(xyz, rgb=rgb, labels=np.arange(64, dtype=np.int32) % 5)


def colours_of(cloud):
    colours = PointColours(PointBlocks(cloud))
    colours.prepare(0)
    return colours


def frame_of(count):
    ids = np.append(np.arange(count), EMPTY).reshape(1, -1)
    return Frame(ids, np.ones(ids.shape, np.float32))


def paint(cloud, look, labels=None, confidence=None, brightness=None):
    colours = colours_of(cloud)
    colours.set_labels(labels)
    colours.confidence = confidence
    out = np.zeros((1, len(cloud) + 1), np.uint32)
    Shader(colours, look).paint(frame_of(len(cloud)), brightness, out)
    return unpack(out)[0]


def test_packing_and_unpacking_agree():
    rgb = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    np.testing.assert_array_equal(unpack(pack(rgb)), rgb)
    assert pack((1, 2, 3)) == 0xFF010203


def test_rgb_shows_the_scans_colours_and_the_background(cloud):
    picture = paint(cloud, Look("rgb", background=BACKGROUND))
    np.testing.assert_array_equal(picture[:-1], cloud.rgb)
    assert tuple(picture[-1]) == BACKGROUND


def test_label_colours_are_mixed_in_by_their_opacity_on_labelled_points_only(cloud):
    labels = cloud.labels.copy()
    palette = palette_table({i: object_colour(i) for i in range(1, 5)})
    picture = paint(cloud, Look("rgb", 0.25, palette=palette), labels).astype(float)
    own = np.array([object_colour(i) for i in labels])
    expected = np.where(labels[:, None] > 0, cloud.rgb * 0.75 + own * 0.25, cloud.rgb)
    assert np.abs(picture[:-1] - expected).max() <= 2


def test_label_mode_shows_labels_alone(cloud):
    palette = palette_table({3: (1, 2, 3)})
    picture = paint(cloud, Look("label", palette=palette), np.full(64, 3, np.int32))
    assert (picture[:-1] == (1, 2, 3)).all()


def test_ground_truth_mode_shows_the_clouds_own_labels(cloud):
    picture = paint(cloud, Look("ground_truth"), np.full(64, 1, np.int32))
    assert tuple(picture[2]) == object_colour(2)
    assert tuple(picture[4]) == object_colour(4)


def test_height_rises_along_the_ramp(cloud):
    picture = paint(cloud, Look("height", 0.0))[:-1]
    table = {tuple(c): i for i, c in enumerate(unpack(ramp_table()))}
    levels = np.array([table[tuple(c)] for c in picture])
    order = np.argsort(cloud.xyz[:, 2])
    assert (np.diff(levels[order]) >= 0).all()
    assert np.ptp(levels) > 200


def test_confidence_uses_the_ends_of_the_ramp(cloud):
    confidence = np.zeros(64, np.float32)
    confidence[1] = 1.0
    picture = paint(cloud, Look("confidence"), confidence=confidence)
    ramp = unpack(ramp_table())
    np.testing.assert_array_equal(picture[0], ramp[0])
    np.testing.assert_array_equal(picture[1], ramp[255])


@pytest.mark.parametrize("mode", COLOUR_MODES)
def test_every_mode_works_without_colour_labels_or_confidence(mode):
    flat = PointCloud(np.zeros((3, 3), np.float32))
    picture = paint(flat, Look(mode, background=BACKGROUND))
    assert tuple(picture[-1]) == BACKGROUND
    assert (picture[:-1] == picture[0]).all()


def test_painting_some_pixels_equals_painting_all(cloud):
    colours, look, frame = colours_of(cloud), Look("rgb", 0.5), frame_of(64)
    brightness = np.full(frame.ids.shape, 200, np.uint32)
    partly, wholly = np.zeros((2, 1, 65), np.uint32)
    Shader(colours, look).paint(frame, brightness, partly)
    changed = np.array([3, 9, 40])
    colours.set_labels(np.full(64, 2, np.int32), changed)
    assert set(np.flatnonzero(colours.slots)) == {3, 9, 40}
    Shader(colours, look).paint(frame, brightness, partly, where=changed)
    Shader(colours, look).paint(frame, brightness, wholly)
    np.testing.assert_array_equal(partly, wholly)


def test_labels_above_the_palette_keep_a_colour_and_negative_ones_are_none():
    slots = label_slots(np.array([-1, 0, 7, 65535, 65536, 2_000_000_000], np.int32))
    assert slots[:4].tolist() == [0, 0, 7, 65535]
    assert (slots[4:] > 0).all()


def test_a_plane_seen_straight_on_is_not_shaded():
    assert (eye_dome(np.full((40, 50), 3.0, np.float32)) == 256).all()


def test_only_the_far_side_of_a_step_is_darkened():
    depth = np.full((40, 50), 3.0, np.float32)
    depth[:, 25:] = 2.0
    brightness = eye_dome(depth)
    assert (brightness[:, 24] < 200).all()
    assert (np.delete(brightness, 24, axis=1) == 256).all()


def test_pixels_without_points_neither_darken_nor_warn():
    depth = np.full((40, 50), 3.0, np.float32)
    depth[10:20] = np.nan
    brightness = eye_dome(depth)
    assert (brightness[np.isfinite(depth)] == 256).all()


def test_shading_looks_the_same_at_every_scale():
    rng = np.random.default_rng(2)
    depth = rng.uniform(2, 3, (40, 50)).astype(np.float32)
    np.testing.assert_allclose(
        eye_dome(depth).astype(int), eye_dome(depth * 1000).astype(int), atol=1
    )
