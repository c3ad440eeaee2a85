"""`annotator benchmark clips` measures what an engine makes of photos."""

import csv
import json

import numpy as np
import pytest
from PIL import Image as Pillow


@pytest.fixture
def folder(tmp_path):
    """Write a photo, a mask and a list of three clips, the last of which is refused."""
    noise = np.random.default_rng(0).integers(60, 200, (96, 128, 3), np.uint8)
    Pillow.fromarray(noise).resize((256, 192), Pillow.Resampling.BICUBIC).save(tmp_path / "p.png")
    mask = np.zeros((192, 256), np.uint8)
    mask[40:160, 40:220] = 255
    Pillow.fromarray(mask).save(tmp_path / "m.png")
    write(
        tmp_path,
        {"name": "flow", "photo": "p.png", "mask": "m.png", "prompt": "flows", "strength": 1.0,
         "direction": 0, "confined": True},
        {"name": "sway", "photo": "p.png", "ellipse": [128, 96, 40, 60], "prompt": "sways"},
        {"name": "smile", "photo": "p.png", "polygon": [[60, 60], [180, 60], [120, 160]],
         "prompt": "smiles"},
    )  # fmt: skip
    return tmp_path


def write(folder, *clips):
    (folder / "clips.json").write_text(json.dumps({"clips": clips}))


def test_every_clip_is_measured_and_refusals_are_told(run, folder, tmp_path):
    out_folder = tmp_path / "out"
    status, out, err = run(
        "benchmark", "clips", folder, "--frames", 12, "--param", "force=true",
        "--features", "pixels", "-o", out_folder, "--sheets",
    )  # fmt: skip
    assert status == 0, err
    assert "consistency by pixels" in out
    assert "smile: refused" in out
    content = json.loads((out_folder / "followclick.json").read_text())
    flow, sway, smile = content["samples"]
    assert flow["figures"]["flow / asked"] == pytest.approx(1, rel=0.1)
    assert flow["figures"]["turned from asked"] < 5
    assert flow["figures"]["I1-MSE"] == flow["figures"]["outside error"] == 0
    assert 0.9 < flow["figures"]["temporal consistency"] <= 1
    assert sway["figures"]["flow"] > 0
    assert smile["measures"] is None
    assert "nearest" not in smile["refusal"]
    assert content["summary"]["refused"] == 1
    assert content["settings"]["features"] == "pixels"
    rows = list(csv.DictReader((out_folder / "followclick.csv").open()))
    assert [row["clip"] for row in rows] == ["flow", "sway", "smile"]
    sheets = sorted(path.name for path in out_folder.glob("*.jpg"))
    assert sheets == ["followclick-flow.jpg", "followclick-sway.jpg"]


def test_the_bundled_networks_features_tell_consistency(run, folder):
    write(folder, {"photo": "p.png", "mask": "m.png", "prompt": "glows"})
    status, out, err = run("benchmark", "clips", folder, "--frames", 8)
    assert status == 0, err
    assert "consistency by clickseg:compact" in out


def test_engines_that_tell_no_features_are_refused(run, folder):
    status, _, err = run("benchmark", "clips", folder, "--features", "flood-fill")
    assert status == 1
    assert "tells no features" in err


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ({}, "no `photo`"),
        ({"photo": "p.png"}, "one of mask, polygon and ellipse"),
        ({"photo": "p.png", "ellipse": [1, 2]}, "ellipse"),
        ({"photo": "p.png", "polygon": [[1, 2], [3, 4]]}, "polygon"),
        ({"photo": "p.png", "mask": "m.png", "strength": "much"}, "strength"),
        ({"photo": "p.png", "mask": "m.png", "speed": 1}, "speed"),
        ({"photo": "p.png", "ellipse": [500, 500, 2, 2]}, "empty"),
        ({"photo": "p.png", "mask": "p.png"}, ""),
    ],
)
def test_what_is_wrong_with_a_list_is_named(run, folder, clip, words):
    write(folder, clip)
    status, _, err = run("benchmark", "clips", folder, "--features", "pixels", "--frames", 8)
    assert status == 1 or not words
    assert words in err


def test_a_list_that_is_none_is_named(run, tmp_path):
    assert "clips.json" in run("benchmark", "clips", tmp_path)[2]
    (tmp_path / "clips.json").write_text("[]")
    assert "lists no clips" in run("benchmark", "clips", tmp_path)[2]
