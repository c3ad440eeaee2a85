"""Every kind of engine has its target: made from a sample as datasets give it."""

import numpy as np
import pytest

from annotator.domain import COCO_17, AnnotatorError, Image, PointCloud
from annotator.engine.registry import PluginRegistry
from annotator.robustness.attacks.attacking import attack
from annotator.robustness.datasets import People, Sample
from annotator.robustness.settings import Settings
from annotator.robustness.targets.making import make_target
from tests.ui.conftest import FIXTURE_PLUGINS

NAMES = ("flood_fill", "nearest_click", "stick_figure")


@pytest.fixture
def open_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))
    registry = PluginRegistry.discover([FIXTURE_PLUGINS / name for name in NAMES], disk=False)
    opened = []

    def open_(ref):
        opened.append(registry.open(ref, device="cpu"))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()


def a_photo():
    rgb = np.full((40, 60, 3), 128, np.uint8)
    rgb[5:25, 10:40] = (200, 40, 40)
    return Sample("photo", Image(rgb), (rgb[..., 0] == 200).astype(np.int8))


def a_scan():
    xyz = np.random.default_rng(1).uniform(0, 2, (500, 3)).astype(np.float32)
    return Sample("scan", PointCloud(xyz), (xyz[:, 0] > 1).astype(np.int8))


def some_people():
    joints = np.random.default_rng(2).uniform(5, 95, (2, 17, 2)).astype(np.float32)
    boxes = np.array([[0, 0, 100, 100]] * 2, np.float32)
    people = People(
        joints, np.full((2, 17), 2, np.uint8), boxes, np.full(2, 1e4, np.float32), COCO_17.joints
    )
    return Sample("people", Image(np.zeros((100, 100, 3), np.uint8)), people)


@pytest.mark.parametrize(
    ("ref", "sample", "kind"),
    [
        ("flood-fill", a_photo(), "image"),
        ("nearest-click", a_scan(), "scene"),
        ("stick-figure", some_people(), "pose"),
    ],
)
@pytest.mark.parametrize("mode", ["ours", "exhaustive"])
def test_the_worst_clicks_are_never_better_than_the_best(open_engine, ref, sample, kind, mode):
    settings = Settings(clicks=2, stride=5, evaluations=12)
    target = make_target(open_engine(ref), sample, settings)
    record = attack(target, mode, settings)
    assert record.about.kind == kind
    assert record.ordered
    assert len(record.paths["min"]) == 2


def test_an_engine_without_gradients_says_so(open_engine):
    settings = Settings(clicks=1)
    target = make_target(open_engine("nearest-click"), a_scan(), settings)
    with pytest.raises(AnnotatorError, match="no gradients"):
        attack(target, "tetris", settings)
