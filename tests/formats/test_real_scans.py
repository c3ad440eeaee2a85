"""Real scans, where the shared data are at hand."""

from pathlib import Path

import numpy as np
import pytest

from annotator.formats import read_cloud, write_cloud

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SCANS = sorted([*DATA.glob("room/*.npz"), *DATA.glob("tabletop/*.pcd"), *DATA.glob("scans/*.pcd")])

pytestmark = pytest.mark.skipif(not SCANS, reason="the shared data are absent")


@pytest.mark.parametrize("path", SCANS, ids=lambda p: p.stem)
def test_a_real_scan_is_read_as_open3d_reads_it(path):
    open3d = pytest.importorskip("open3d", reason="open3d is not installed")
    cloud = read_cloud(path)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            np.testing.assert_array_equal(cloud.xyz, archive["xyz"])
            np.testing.assert_array_equal(cloud.rgb, archive["rgb"])
            np.testing.assert_array_equal(cloud.labels, archive["instance"])
        return
    theirs = open3d.io.read_point_cloud(str(path), remove_nan_points=True)
    np.testing.assert_array_equal(cloud.xyz, np.asarray(theirs.points, np.float32))
    if theirs.has_colors():
        np.testing.assert_array_equal(cloud.rgb, np.rint(np.asarray(theirs.colors) * 255))


@pytest.mark.parametrize("path", [p for p in SCANS if p.parent.name == "tabletop"][:2],
                         ids=lambda p: p.stem)  # fmt: skip
def test_a_tabletop_scan_has_its_labels_and_its_grid(path, tmp_path):
    cloud = read_cloud(path)
    assert cloud.source.shape == (640, 480)
    assert {1, 20} <= set(np.unique(cloud.labels).tolist())
    write_cloud(tmp_path / "again.pcd", cloud)
    again = read_cloud(tmp_path / "again.pcd")
    np.testing.assert_array_equal(again.xyz, cloud.xyz)
    np.testing.assert_array_equal(again.labels, cloud.labels)
    np.testing.assert_array_equal(again.source.rows, cloud.source.rows)
