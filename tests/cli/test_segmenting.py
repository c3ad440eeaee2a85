"""Scans are segmented, measured and converted without a screen."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from annotator.formats import read_cloud


def test_segment_labels_every_point(run, scan: Path, clicks: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.ply"

    status, out, err = run(
        "segment", scan, "--clicks", clicks, "-o", output, "--engine", "nearest-click"
    )

    assert status == 0, err
    assert "2 objects on 1,500 points" in out
    truth, labelled = read_cloud(scan), read_cloud(output)
    assert set(np.unique(labelled.labels)) == {0, 1, 2}
    assert (labelled.labels[truth.labels == 4] == 1).mean() > 0.95
    assert (labelled.labels[truth.labels == 7] == 2).mean() > 0.95


def test_engine_parameters_reach_the_engine(run, scan: Path, clicks: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.npy"

    status, _, err = run(
        "segment", scan, "--clicks", clicks, "-o", output,
        "--engine", "nearest-click", "--param", "reach=0.1",
    )  # fmt: skip

    assert status == 0, err
    assert 0 < (np.load(output) > 0).sum() < 100


@pytest.mark.parametrize("param", ["reach", "reach=far", "nonsense=1"])
def test_wrong_parameter_is_refused_in_words(run, scan, clicks, tmp_path, param: str) -> None:
    status, _, err = run(
        "segment", scan, "--clicks", clicks, "-o", tmp_path / "o.npy",
        "--engine", "nearest-click", "--param", param,
    )  # fmt: skip

    assert status == 1
    assert "Traceback" not in err
    assert not (tmp_path / "o.npy").exists()


def test_clicks_of_another_scan_are_refused(run, scan: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.json"
    entry = {"position": [0, 0, 0], "object": 1, "index": 999_999}
    foreign.write_text(json.dumps({"clicks": [entry]}))

    status, _, err = run(
        "segment", scan, "--clicks", foreign, "-o", tmp_path / "o.npy", "--engine", "nearest-click"
    )

    assert status == 1
    assert "999999" in err
    assert "1500 points" in err


def test_unknown_engine_lists_the_known_ones(run, scan, clicks, tmp_path: Path) -> None:
    status, _, err = run(
        "segment", scan, "--clicks", clicks, "-o", tmp_path / "o.npy", "--engine", "nobody"
    )

    assert status == 1
    assert "agile3d" in err


def test_benchmark_prints_and_writes_its_figures(run, scan: Path, tmp_path: Path) -> None:
    output = tmp_path / "figures"

    status, out, err = run(
        "benchmark", "scenes", scan, "--plugin", "nearest-click",
        "--objects", 2, "--draws", 3, "--clicks", 4, "-o", output,
    )  # fmt: skip

    assert status == 0, err
    assert "IoU@1" in out
    assert "NoC@80" in out
    content = json.loads((output / "nearest-click.json").read_text())
    assert len(content["samples"]) == 3
    assert 0.3 < content["summary"]["IoU@3"] <= 1.0
    with (output / "nearest-click.csv").open() as file:
        assert len(list(csv.DictReader(file))) == sum(len(s["steps"]) for s in content["samples"])


def test_benchmark_draws_the_first_sample_before_and_after(run, scan: Path, tmp_path: Path) -> None:
    from PIL import Image

    status, _, err = run(
        "benchmark", "scenes", scan, "--plugin", "nearest-click",
        "--objects", 2, "--draws", 2, "--clicks", 3, "-o", tmp_path, "--pictures",
    )  # fmt: skip

    assert status == 0, err
    (picture,) = tmp_path.glob("nearest-click*.png")
    sheet = np.asarray(Image.open(picture))
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 2
    before, after = sheet[:height, :width], sheet[:height, width:]
    assert (before != after).any()


def test_benchmark_pictures_without_a_folder_are_refused(run, scan: Path) -> None:
    status, _, err = run("benchmark", "scenes", scan, "--plugin", "nearest-click", "--pictures")

    assert status == 1
    assert "-o" in err


def test_single_object_benchmark_takes_each_object(run, scan: Path, tmp_path: Path) -> None:
    status, out, _ = run(
        "benchmark", "scenes", scan, "--plugin", "nearest-click", "--single", "--clicks", 3
    )

    assert status == 0
    assert "2 samples" in out


def test_benchmark_without_labels_says_so(run, tmp_path: Path) -> None:
    np.savez(tmp_path / "bare.npz", xyz=np.random.default_rng(0).random((50, 3)))

    status, _, err = run("benchmark", "scenes", tmp_path / "bare.npz", "--plugin", "nearest-click")

    assert status == 1
    assert "bare.npz has no labels" in err


def test_convert_keeps_points_and_labels(run, scan: Path, tmp_path: Path) -> None:
    status, _, err = run("convert", scan, tmp_path / "room.pcd")

    assert status == 0, err
    before, after = read_cloud(scan), read_cloud(tmp_path / "room.pcd")
    np.testing.assert_array_equal(before.labels, after.labels)
    np.testing.assert_allclose(before.xyz, after.xyz, atol=1e-6)
