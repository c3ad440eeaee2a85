"""Working sets: one point a voxel, and every point stood for by one nearby."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotator.domain import PointCloud, thin
from annotator.domain.thinning import voxel_index

clouds = hnp.arrays(
    np.float32,
    st.integers(0, 60).map(lambda n: (n, 3)),
    elements=st.floats(-50, 50, width=32),
).map(PointCloud)
spacings = st.sampled_from([0.01, 0.1, 0.5, 3.0, 200.0])


@given(clouds, spacings)
def test_every_point_is_stood_for_by_one_of_the_same_voxel(cloud, spacing):
    working = thin(cloud, spacing)
    kept = cloud.xyz[working.rows].astype(np.float64)
    cells = np.floor(kept / spacing)
    assert len(np.unique(cells, axis=0)) == len(working.cloud)
    assert np.array_equal(np.floor(cloud.xyz.astype(np.float64) / spacing), cells[working.inverse])


@given(clouds, spacings)
def test_the_first_point_of_each_voxel_is_kept_in_the_order_of_the_file(cloud, spacing):
    working = thin(cloud, spacing)
    assert (np.diff(working.rows) > 0).all()
    assert np.array_equal(working.inverse[working.rows], np.arange(len(working.rows)))
    assert (working.rows[working.inverse] <= np.arange(len(cloud))).all()
    assert np.array_equal(working.cloud.xyz, cloud.xyz[working.rows])


@given(clouds, spacings, st.randoms())
def test_labels_pushed_back_and_picked_up_again_are_the_same(cloud, spacing, chance):
    working = thin(cloud, spacing)
    labels = np.array([chance.randrange(9) for _ in range(len(working.cloud))], np.int32)
    everywhere = working.push_back(labels)
    assert everywhere.shape == (len(cloud),)
    assert np.array_equal(everywhere[working.rows], labels)


@pytest.mark.parametrize("spacing", [0.0, -1.0])
def test_no_spacing_keeps_all_points(spacing):
    cloud = PointCloud(np.zeros((5, 3), np.float32))
    working = thin(cloud, spacing)
    assert working.cloud is cloud
    assert working.push_back(np.arange(5, dtype=np.int32)).tolist() == [0, 1, 2, 3, 4]


def test_a_voxel_grid_too_fine_for_one_number_is_still_right():
    xyz = np.array([[0, 0, 0], [5e6, 5e6, 5e6], [0, 0, 0], [5e6, 5e6, 5e6]], np.float32)
    rows, inverse = voxel_index(xyz, 1e-3)
    assert rows.tolist() == [0, 1]
    assert inverse.tolist() == [0, 1, 0, 1]


def test_colours_and_ground_truth_are_thinned_too():
    cloud = PointCloud(
        np.array([[0, 0, 0], [0.01, 0, 0], [1, 0, 0]], np.float32),
        rgb=np.arange(9, dtype=np.uint8).reshape(3, 3),
        labels=np.array([4, 5, 6], np.int32),
    )
    working = thin(cloud, 0.5)
    assert working.cloud.rgb.tolist() == [[0, 1, 2], [6, 7, 8]]
    assert working.cloud.labels.tolist() == [4, 6]
