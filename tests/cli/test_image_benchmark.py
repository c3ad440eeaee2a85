"""`annotator benchmark images` runs the published protocol on any image engine."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow


@pytest.fixture
def photos(tmp_path) -> Path:
    """Write two photos of a bright rectangle, with masks; one has a seam to be ignored."""
    for name in ("images", "masks"):
        (tmp_path / "set" / name).mkdir(parents=True)
    for number, stem in enumerate(("one", "two")):
        rgb = np.full((40, 60, 3), 30, np.uint8)
        mask = np.zeros((40, 60), np.uint8)
        rgb[10:25, 10 : 30 + 10 * number] = (220, 180, 60)
        mask[10:25, 10 : 30 + 10 * number] = 255
        mask[25, 10:30] = 128 * number
        Pillow.fromarray(rgb).save(tmp_path / "set" / "images" / f"{stem}.png")
        Pillow.fromarray(mask).save(tmp_path / "set" / "masks" / f"{stem}.png")
    return tmp_path / "set"


def test_it_prints_a_column_an_engine_and_writes_every_click(run, photos, tmp_path):
    status, out, err = run(
        "benchmark", "images", photos, "--plugin", "flood-fill", "--clicks", 5,
        "-o", tmp_path / "result",
    )  # fmt: skip
    assert (status, err) == (0, "")
    for name in ("NoC@80", "NoC@90", "NoF@90 strict", "IoU@1", "IoU@5", "seconds a click"):
        assert name in out
    content = json.loads((tmp_path / "result" / "flood-fill.json").read_text())
    assert content["settings"]["plugin"] == "flood-fill"
    assert content["settings"]["threshold"] == 0.5
    assert [sample["sample"] for sample in content["samples"]] == ["one", "two"]
    assert content["summary"]["NoC@90"] == 1.0
    assert content["summary"]["IoU@1"] == 1.0
    assert all(sample["encode_seconds"] > 0 for sample in content["samples"])
    rows = (tmp_path / "result" / "flood-fill.csv").read_text().splitlines()
    assert len(rows) == 3


def test_above_one_the_target_is_never_reached(run, photos, tmp_path):
    arguments = ("--plugin", "flood-fill", "--clicks", 3, "--target", 1.01, "--limit", 1)
    status, out, _ = run("benchmark", "images", photos, *arguments, "-o", tmp_path / "r")
    assert status == 0
    assert "NoC@95" in out
    (sample,) = json.loads((tmp_path / "r" / "flood-fill.json").read_text())["samples"]
    assert sample["ious"] == [1.0, 1.0, 1.0]
    assert sample["clicks"][1:] == [[False, 0, 0]] * 2  # nothing is wrong any more


def test_engines_for_scans_are_refused_in_words(run, photos):
    status, _, err = run("benchmark", "images", photos, "--plugin", "nearest-click")
    assert status == 1
    assert "nearest-click" in err
    assert "not for photos" in err


def test_a_folder_of_another_layout_is_named(run, tmp_path):
    status, _, err = run("benchmark", "images", tmp_path, "--plugin", "flood-fill")
    assert status == 1
    assert "images/ + masks/" in err
