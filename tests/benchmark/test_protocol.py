"""The benchmark protocol spends its budget as published and measures on all points."""

import json
from pathlib import Path

import numpy as np
import pytest

from annotator.benchmark.metrics import Step, clicks_needed, iou_at, mean_iou, noc_at, object_ious
from annotator.benchmark.protocol import Run, run_sample
from annotator.benchmark.report import summarise, write_csv, write_json
from annotator.benchmark.scenes import draw_samples, instances_of, listed_samples, single_samples
from annotator.domain import AnnotatorError, Mask, PointCloud, Prompt


@pytest.fixture
def room() -> PointCloud:
    """Three cubes of points in a row on a floor."""
    generator = np.random.default_rng(0)
    floor = generator.uniform((0, 0, 0), (4, 2, 0.02), (2000, 3))
    cubes = [
        generator.uniform((x, 0.7, 0.1), (x + 0.6, 1.3, 0.7), (500, 3)) for x in (0.2, 1.6, 3.0)
    ]
    xyz = np.concatenate([floor, *cubes]).astype(np.float32)
    labels = np.repeat([0, 4, 7, 9], [2000, 500, 500, 500]).astype(np.int32)
    return PointCloud(xyz, labels=labels, name="room")


def nearest_click(cloud: PointCloud, prompt: Prompt) -> Mask:
    """An engine that gives every point the object of its nearest click."""
    places = np.array([click.position for click in prompt.clicks])
    owners = np.array([click.object_id for click in prompt.clicks], np.int32)
    distance = np.linalg.norm(cloud.xyz[:, None] - places[None], axis=2)
    return Mask(owners[distance.argmin(axis=1)])


def test_run_spends_the_budget_one_click_at_a_time(room: PointCloud) -> None:
    (sample,) = draw_samples(room, objects=3, draws=1, seed=0)

    run = run_sample(sample, lambda p: nearest_click(room, p), np.arange(len(room)), 4, seed=0)

    assert [round(step.clicks_per_object * 3) for step in run.steps] == list(range(3, 13))
    assert len(run.clicks) == 12
    assert [click.order for click in run.clicks] == list(range(12))
    assert run.steps[-1].iou > run.steps[0].iou


def test_run_stops_when_nothing_is_wrong(room: PointCloud) -> None:
    (sample,) = draw_samples(room, objects=2, draws=1, seed=0)

    run = run_sample(sample, lambda _: Mask(sample.truth), np.arange(len(room)), 10, seed=0)

    assert [step.iou for step in run.steps] == [1.0]
    assert iou_at([run.steps], 10) == 1.0


def test_clicks_land_on_the_points_offered(room: PointCloud) -> None:
    (sample,) = draw_samples(room, objects=3, draws=1, seed=0)
    rows = np.arange(0, len(room), 7)

    run = run_sample(sample, lambda p: nearest_click(room, p), rows, 3, seed=0)

    assert all(click.index in set(rows.tolist()) for click in run.clicks)
    assert all(np.allclose(room.xyz[click.index], click.position) for click in run.clicks)


def test_draws_depend_on_the_seed_only(room: PointCloud) -> None:
    def chosen(seed: int) -> list[tuple[int, ...]]:
        return [s.instances for s in draw_samples(room, objects=2, draws=8, seed=seed)]

    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)
    assert {i for s in chosen(1) for i in s} <= {4, 7, 9}


def test_single_protocol_takes_every_object_once(room: PointCloud) -> None:
    samples = list(single_samples(room))

    assert [s.instances for s in samples] == [(4,), (7,), (9,)]
    assert all(set(np.unique(s.truth)) == {0, 1} for s in samples)


def test_tiny_objects_are_not_drawn(room: PointCloud) -> None:
    assert instances_of(room, min_points=501) == []


def test_published_list_of_samples_is_read(room: PointCloud, tmp_path: Path) -> None:
    np.savez(tmp_path / "room.npz", xyz=room.xyz, labels=room.labels)
    entries = {"room_obj_2": {"obj": {"1": 9, "2": 4}, "clicks": {"0": []}}}
    (tmp_path / "val_list.json").write_text(json.dumps(entries))

    (sample,) = listed_samples(tmp_path / "val_list.json", tmp_path)

    assert sample.instances == (9, 4)
    assert (sample.truth[room.labels == 9] == 1).all()
    assert (sample.truth[room.labels == 4] == 2).all()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"room_obj_1": {}}', '{"room_obj_1": {"obj": 3}}', "\x00"]
)
def test_malformed_list_is_named_in_the_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "val_list.json").write_text(text)

    with pytest.raises(AnnotatorError, match=r"val_list\.json"):
        list(listed_samples(tmp_path / "val_list.json", tmp_path))


def test_iou_counts_points_of_both_masks() -> None:
    truth = np.array([1, 1, 1, 1, 2, 2, 0, 0])
    prediction = np.array([1, 1, 0, 2, 2, 2, 2, 0])

    assert object_ious(truth, prediction) == {1: pytest.approx(2 / 4), 2: pytest.approx(2 / 4)}
    assert mean_iou(truth, prediction) == pytest.approx(0.5)
    assert object_ious(truth, np.zeros_like(truth)) == {1: 0.0, 2: 0.0}


def test_figures_follow_their_definitions() -> None:
    good = [Step(1, 0.6), Step(2, 0.82), Step(3, 0.9)]
    poor = [Step(1, 0.2), Step(2, 0.3), Step(3, 0.4)]

    assert iou_at([good, poor], 2) == pytest.approx(0.56)
    assert clicks_needed(good, 0.8, 20) == 2
    assert noc_at([good, poor], 0.8, 20) == 11


def test_results_are_written_whole(tmp_path: Path) -> None:
    run = Run("a", 2, [Step(1, 0.5), Step(1.5, 0.75)], [], 0.1)

    write_json(tmp_path / "r.json", {"engine": "x"}, [run], 10)
    write_csv(tmp_path / "r.csv", [run])

    content = json.loads((tmp_path / "r.json").read_text())
    assert content["summary"]["IoU@1"] == 0.5
    assert content["summary"] == summarise([run], 10)
    assert content["samples"][0]["steps"] == [[1, 0.5], [1.5, 0.75]]
    assert (tmp_path / "r.csv").read_text().splitlines()[1:] == ["a,2,1,0.5", "a,2,1.5,0.75"]
