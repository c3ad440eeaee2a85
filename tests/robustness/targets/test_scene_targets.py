"""Attacks on scans: candidates are voxels of the error region, scores are those of the decoder."""

from pathlib import Path

import numpy as np
import pytest

from annotator.benchmark.metrics import mean_iou
from annotator.benchmark.scenes import find_scans, load_scene
from annotator.benchmark.simulator import next_click
from annotator.domain import PointCloud, Prompt
from annotator.engine.registry import PluginRegistry
from annotator.robustness.attacks.attacking import attack
from annotator.robustness.settings import Mode, Permitted, Settings
from annotator.robustness.targets.scene import TOUCHING, SceneTarget
from tests.ui.conftest import FIXTURE_PLUGINS

ROOM = Path(__file__).parents[4] / "shared" / "data" / "room"


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))
    registry = PluginRegistry.discover([FIXTURE_PLUGINS / "nearest_click"], disk=False)
    one = registry.open("nearest-click", device="cpu", parameters={"reach": 0.8})
    yield one
    one.close()


def two_boxes(points=600):
    """Two boxes of a metre, side by side; the first is the object."""
    rng = np.random.default_rng(5)
    xyz = np.concatenate(
        [rng.uniform(0, 1, (points, 3)), rng.uniform((1, 0, 0), (2, 1, 1), (points, 3))]
    )
    return PointCloud(xyz.astype(np.float32)), np.repeat([1, 0], points).astype(np.int8)


@pytest.fixture
def target(engine):
    cloud, truth = two_boxes()
    return SceneTarget(engine, engine.encode(cloud), cloud, truth, "nearest-click", "boxes")


def test_the_baseline_is_the_click_of_the_benchmarks_simulated_user(target):
    round_ = target.round((), Permitted.CENTRE)
    xyz, truth = target.cloud.xyz[target.rows], target.truth[target.rows]
    expected = next_click(xyz, truth, np.zeros_like(truth))
    click = round_.click(round_.region.baseline)
    assert click.index == target.rows[expected.point]
    assert click.object_id == expected.object_id == 1
    assert len(round_.region) == (truth == 1).sum()


def test_scores_are_those_of_asking_the_engine_for_each_click(target):
    round_ = target.round((), Permitted.CENTRE)
    rows = np.arange(0, len(round_.region), 7)
    for row, score in zip(rows, round_.score(rows).quality, strict=True):
        labels = target.engine.predict(target.encoding, Prompt((round_.click(row),), (1,))).labels
        assert score == pytest.approx(mean_iou(target.truth, labels))
        assert target.judge((round_.click(row),)).quality == pytest.approx(score)


def test_enumeration_finds_the_extremes_and_the_search_comes_close(target):
    settings = Settings(clicks=2)
    exact = attack(target, Mode.EXHAUSTIVE, settings)
    ours = attack(target, Mode.OURS, Settings(clicks=2, evaluations=200))
    assert exact.ordered
    assert ours.ordered
    field = exact.fields[0]
    assert field.exact
    assert field.indices is not None
    assert field.positions.shape[1] == 3
    assert exact.paths["min"][0].quality == pytest.approx(field.quality.min())
    assert exact.paths["max"][0].quality == pytest.approx(field.quality.max())
    for path in ("min", "max"):
        regret = abs(ours.paths[path][0].quality - exact.paths[path][0].quality)
        assert regret <= 0.01
    assert len(exact.paths["base"][-1].clicks) == 2


def test_narrower_rules_permit_fewer_voxels(target):
    everywhere = target.round((), Permitted.CENTRE).region
    disk = target.round((), Permitted.DISK).region
    assert set(disk.indices) < set(everywhere.indices)
    apart = disk.depth[np.arange(len(disk)) != disk.baseline]
    assert (apart > TOUCHING * target.edge).all()
    part = target.round((), Permitted.COMPONENT).region
    assert set(part.indices) <= set(everywhere.indices)
    assert everywhere.weight.sum() == pytest.approx(1)


def test_points_that_do_not_count_are_neither_clicked_nor_measured(engine):
    cloud, truth = two_boxes()
    truth[:100] = -1
    target = SceneTarget(engine, engine.encode(cloud), cloud, truth, "nearest-click", "boxes")
    assert not set(target.rows) & set(range(100))
    labels = np.where(truth == 1, 1, 0).astype(np.int32)
    labels[:100] = 1
    assert target.quality(labels) == 1.0


def test_nothing_is_left_to_click_when_all_is_right(engine):
    cloud, truth = two_boxes(4)
    target = SceneTarget(engine, engine.encode(cloud), cloud, truth, "nearest-click", "boxes")
    record = attack(target, Mode.EXHAUSTIVE, Settings(clicks=12))
    assert record.ordered
    assert len(record.paths["base"]) == 12


@pytest.mark.slow
@pytest.mark.skipif(not ROOM.is_dir(), reason="the scanned room is not beside the repository")
def test_an_object_of_a_real_room_with_the_embedded_network(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))
    cloud = load_scene(find_scans(ROOM)[0])
    engine = PluginRegistry.discover(disk=False).open("agile3d:compact", device="cpu")
    try:
        truth = (cloud.labels == 1).astype(np.int8)
        target = SceneTarget(engine, engine.encode(cloud), cloud, truth, "agile3d", "room-1")
        record = attack(target, Mode.EXHAUSTIVE, Settings(clicks=1, stride=8))
    finally:
        engine.close()
    assert record.ordered
    assert record.fields[0].quality.max() > record.fields[0].quality.min()
