"""What reading and writing a million points costs, beside open3d. Prints, never judges."""

import time

import numpy as np
import pytest

from annotator.domain import PointCloud
from annotator.formats import read_cloud, write_cloud

POINTS = 1_000_000


@pytest.fixture(scope="module")
def cloud():
    random = np.random.default_rng(0)
    return PointCloud(
        random.uniform(-5, 5, (POINTS, 3)).astype(np.float32),
        rgb=random.integers(0, 256, (POINTS, 3), dtype=np.uint8),
        labels=random.integers(0, 50, POINTS).astype(np.int32),
    )


def seconds(action):
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


@pytest.mark.parametrize("suffix", [".ply", ".pcd", ".npz", ".las", ".laz"])
def test_a_million_points(suffix, cloud, tmp_path):
    path = tmp_path / f"scan{suffix}"
    writing, _ = seconds(lambda: write_cloud(path, cloud))
    reading, again = seconds(lambda: read_cloud(path))
    line = f"{suffix}: write {writing:.2f} s, read {reading:.2f} s"
    if suffix in (".ply", ".pcd"):
        open3d = pytest.importorskip("open3d", reason="open3d is not installed")
        theirs, _ = seconds(lambda: open3d.io.read_point_cloud(str(path)))
        line += f", {theirs / reading:.1f} times as fast as open3d ({theirs:.2f} s)"
    print(f"\n{line}")  # noqa: T201
    np.testing.assert_array_equal(again.labels, cloud.labels)


def test_a_million_rows_of_text(cloud, tmp_path):
    path = tmp_path / "scan.xyz"
    with path.open("w") as file:
        np.savetxt(file, np.hstack([cloud.xyz, cloud.rgb]), fmt="%.4f %.4f %.4f %d %d %d")
    reading, again = seconds(lambda: read_cloud(path))
    bare, _ = seconds(lambda: np.loadtxt(path))
    print(f"\n.xyz: read {reading:.2f} s, {reading / bare:.2f} of numpy.loadtxt")  # noqa: T201
    np.testing.assert_array_equal(again.rgb, cloud.rgb)
