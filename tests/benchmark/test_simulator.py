"""The simulated annotator clicks where the published one does."""

import random
from pathlib import Path

import numpy as np
import pytest

from annotator.benchmark.metrics import object_ious
from annotator.benchmark.simulator import error_regions, first_clicks, next_click, relabel

HERE = Path(__file__).resolve()
DATA = HERE.parents[1] / "data" / "agile3d"
PARITY = HERE.parents[3] / "shared" / "parity" / "agile3d"
SHUFFLE_SEEDS = {"sceneA": 3, "sceneB": 4}


def load(scene: str, name: str) -> dict[str, np.ndarray]:
    for folder in (PARITY, DATA):
        path = folder / f"{scene}_{name}.npz"
        if path.exists():
            return dict(np.load(path))
    pytest.skip(f"{scene}_{name}.npz is not here: the golden numbers are not beside the checkout")


@pytest.mark.parametrize("scene", ["sceneA", "sceneB"])
def test_first_clicks_equal_the_published_ones(scene: str) -> None:
    golden = load(scene, "clicksim")
    xyz = load(scene, "input")["voxel_raw_coords"]
    truth = golden["gt"].astype(np.int32)

    clicks = first_clicks(xyz, truth, random.Random(SHUFFLE_SEEDS[scene]))

    assert [c.object_id for c in clicks] == golden["r0_object"].tolist()
    by_object = {c.object_id: c.point for c in clicks}
    assert by_object == dict(
        zip(golden["r0_object"].tolist(), golden["r0_voxel"].tolist(), strict=True)
    )


@pytest.mark.parametrize("scene", ["sceneA", "sceneB"])
def test_next_clicks_equal_the_published_ones(scene: str) -> None:
    golden = load(scene, "clicksim")
    xyz = load(scene, "input")["voxel_raw_coords"]
    truth = golden["gt"].astype(np.int32)

    for prediction, true_object, voxel, exact in zip(
        golden["pred"],
        golden["next_object"],
        golden["next_voxel"],
        golden["exact_best"],
        strict=True,
    ):
        click = next_click(xyz, truth, prediction.astype(np.int32))
        assert click is not None
        assert (click.object_id, click.point) == (true_object, voxel)
        depth = error_regions(xyz, truth, prediction.astype(np.int32))[0].depth
        assert depth == pytest.approx(exact[0], abs=1e-6)


@pytest.mark.parametrize("scene", ["sceneA", "sceneB"])
def test_ious_equal_the_published_ones(scene: str) -> None:
    golden = load(scene, "clicksim")
    points = load(scene, "input")
    inverse = points["inverse_map"]
    truth = relabel(points["labels_point"], [1, 2, 3])  # the annotated ones of all objects

    for prediction, expected in zip(golden["pred"], golden["iou_per_object"], strict=True):
        ious = object_ious(truth, prediction[inverse])
        assert list(ious.values()) == pytest.approx(expected.tolist(), abs=1e-6)


def test_no_error_means_no_click() -> None:
    xyz = np.random.default_rng(0).random((20, 3)).astype(np.float32)
    truth = np.ones(20, np.int32)

    assert next_click(xyz, truth, truth) is None


def test_region_that_fills_the_scan_is_clicked() -> None:
    xyz = np.random.default_rng(0).random((20, 3)).astype(np.float32)

    click = next_click(xyz, np.ones(20, np.int32), np.zeros(20, np.int32))

    assert click is not None
    assert click.object_id == 1


def test_wrong_background_gives_a_negative_click() -> None:
    xyz = np.stack([np.arange(10), np.zeros(10), np.zeros(10)], axis=1).astype(np.float32)
    truth = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], np.int32)
    prediction = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], np.int32)

    click = next_click(xyz, truth, prediction)

    assert click is not None
    assert click.object_id == 0
    assert click.point == 5  # the middle of 3..7, first of equals


def test_relabel_numbers_chosen_instances_in_order() -> None:
    assert relabel(np.array([7, 3, 0, 7, 9]), [9, 7]).tolist() == [2, 0, 0, 2, 1]


@pytest.mark.parametrize("size", [0.3, 6.0])
def test_depths_equal_those_of_the_full_matrix(size: float) -> None:
    rng = np.random.default_rng(0)
    xyz = rng.uniform(0, size, (1500, 3)).astype(np.float32)
    truth = (xyz[:, 0] > size / 3).astype(np.int32)
    prediction = np.where(xyz[:, 1] > size / 2, truth, 0)
    (region,) = error_regions(xyz, truth, prediction)
    inside = truth != prediction
    matrix = np.linalg.norm(xyz[inside][:, None] - xyz[~inside][None], axis=2).min(axis=1)
    assert region.depth == pytest.approx(float(matrix.max()), rel=1e-5)
    assert region.point == int(np.flatnonzero(inside)[matrix.argmax()])
