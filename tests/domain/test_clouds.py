"""Point clouds: precision at UTM size, row selection, hashes, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain import Image, PointCloud

UTM = np.array([[691_234.567, 5_335_123.891, 519.123], [691_240.001, 5_335_130.002, 521.5]])


def test_utm_coordinates_survive_to_a_tenth_of_a_millimetre():
    cloud = PointCloud.from_absolute(UTM)
    assert cloud.xyz.dtype == np.float32
    assert np.abs(cloud.absolute() - UTM).max() < 1e-4


@given(
    st.floats(-1e7, 1e7), st.floats(-1e7, 1e7), st.lists(st.floats(0, 500), min_size=1, max_size=20)
)
def test_a_scan_anywhere_on_earth_keeps_its_millimetres(east, north, offsets):
    points = np.array([[east + d, north - d, d] for d in offsets])
    assert np.abs(PointCloud.from_absolute(points).absolute() - points).max() < 1e-3


def test_small_coordinates_keep_a_zero_origin():
    cloud = PointCloud.from_absolute([[1.5, -2.0, 9_999.0]])
    assert cloud.origin.tolist() == [0, 0, 0]
    assert cloud.xyz.tolist() == [[1.5, -2.0, 9_999.0]]


def test_the_origin_is_whole_metres_at_or_below_every_point():
    cloud = PointCloud.from_absolute(UTM)
    assert np.array_equal(cloud.origin, np.floor(UTM.min(axis=0)))
    assert (cloud.xyz >= 0).all()


def test_an_empty_cloud_is_a_cloud():
    cloud = PointCloud.from_absolute(np.zeros((0, 3)))
    assert len(cloud) == 0
    assert [b.tolist() for b in cloud.bounds] == [[0, 0, 0], [0, 0, 0]]
    assert len(cloud.content_hash) == 64


def test_taking_rows_takes_colours_and_labels_along():
    rgb = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    cloud = PointCloud.from_absolute(UTM, rgb=rgb, labels=np.array([7, 8], np.int32))
    part = cloud.take(np.array([1]))
    assert np.allclose(part.absolute(), UTM[1:], atol=1e-3)
    assert part.rgb.tolist() == [[4, 5, 6]]
    assert part.labels.tolist() == [8]


def test_the_hash_depends_on_places_and_colours_but_not_on_labels_or_name():
    xyz = np.zeros((2, 3), np.float32)
    rgb = np.zeros((2, 3), np.uint8)
    plain = PointCloud(xyz, rgb=rgb)
    assert PointCloud(xyz, rgb=rgb, labels=np.ones(2, np.int32), name="x").content_hash == (
        plain.content_hash
    )
    others = [
        PointCloud(xyz + np.float32(1e-6), rgb=rgb),
        PointCloud(xyz, rgb=rgb + np.uint8(1)),
        PointCloud(xyz),
        PointCloud(xyz, origin=np.array([1.0, 0, 0]), rgb=rgb),
    ]
    assert len({cloud.content_hash for cloud in (plain, *others)}) == 5


@pytest.mark.parametrize(
    "parts",
    [
        {"xyz": np.zeros((2, 2), np.float32)},
        {"xyz": np.zeros((2, 3), np.float64)},
        {"xyz": np.zeros((2, 3), np.float32), "rgb": np.zeros((3, 3), np.uint8)},
        {"xyz": np.zeros((2, 3), np.float32), "rgb": np.zeros((2, 3), np.float32)},
        {"xyz": np.zeros((2, 3), np.float32), "labels": np.zeros(3, np.int32)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError, match="must be"):
        PointCloud(**parts)


def test_a_photo_needs_three_channels_of_bytes():
    Image(np.zeros((2, 3, 3), np.uint8))
    for bad in (np.zeros((2, 3), np.uint8), np.zeros((2, 3, 3), np.float32)):
        with pytest.raises(ValueError, match="rgb must be"):
            Image(bad)


def test_photos_with_the_same_bytes_in_another_shape_differ():
    pixels = np.zeros((2, 3, 3), np.uint8)
    assert Image(pixels).content_hash != Image(pixels.reshape(3, 2, 3)).content_hash
