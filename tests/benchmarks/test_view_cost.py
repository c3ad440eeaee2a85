"""What further views of a scan cost; prints ratios to a single view. No time is asserted."""

import time

import numpy as np
import pytest

from annotator.domain import PointCloud
from annotator.engine.contract import prompt_on
from annotator.engine.registry import PluginRegistry
from tests.benchmarks.test_sparse_speed import say, surface

pytestmark = pytest.mark.slow


@pytest.fixture
def room():
    cells = surface(20_000)[0].numpy()
    rng = np.random.default_rng(0)
    xyz = (cells + rng.random(cells.shape)).astype(np.float32) * np.float32(0.05)
    return PointCloud(xyz, rgb=rng.integers(0, 256, cells.shape, np.uint8), name="room")


def test_time_to_encode_and_click_by_views(capsys, room):
    prompt = prompt_on(room, *((n * 733, 1 + n % 3) for n in range(10)))
    base: dict[str, float] = {}
    for views in (1, 2, 4):
        values = {"voxel_size": 0.05, "views": views}
        engine = PluginRegistry.discover(disk=False).open("agile3d", parameters=values)
        started = time.perf_counter()
        encoding = engine.encode_uncached(room)
        took = {"encode": time.perf_counter() - started}
        engine.predict_as_is(encoding, prompt)  # finds the paths of the clicks
        started = time.perf_counter()
        mask = engine.predict_as_is(encoding, prompt)
        took["click"] = time.perf_counter() - started
        base = base or took
        ratios = {what: f"{1e3 * t:.0f} ms ({t / base[what]:.2f} x)" for what, t in took.items()}
        say(capsys, f"{views} views, {len(encoding.voxels.rows)} voxels: {ratios}")
        assert set(np.unique(mask.labels)) <= {0, 1, 2, 3}
        engine.close()
