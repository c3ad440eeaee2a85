"""A region of a photo moves, without a screen."""

import numpy as np
import pytest
from PIL import Image as Pillow


@pytest.fixture
def photo(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (16, 20, 3), np.uint8)
    rgb = np.asarray(Pillow.fromarray(rgb).resize((80, 64)))
    Pillow.fromarray(rgb).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def mask(tmp_path):
    inside = np.zeros((64, 80), np.uint8)
    inside[12:50, 15:65] = 255
    Pillow.fromarray(inside).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def first_frame(path):
    if path.is_dir():
        path = path / "frame-0000.png"
    with Pillow.open(path) as picture:
        return getattr(picture, "n_frames", 1), np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("name", ["clip.apng", "clip.png", "folder"])
def test_lossless_clips_begin_with_the_photo(run, photo, mask, tmp_path, name):
    status, out, err = run(
        "animate", photo, "--region", mask, "--prompt", "water flows left",
        "--strength", "1", "--frames", "8", "-o", tmp_path / name,
    )  # fmt: skip
    assert status == 0, err
    assert "8 frames of 80 x 64, optical flow" in out
    count, first = first_frame(tmp_path / name)
    assert count == (1 if name == "folder" else 8)
    assert (first == np.asarray(Pillow.open(photo))).all()


def test_a_gif_has_all_frames(run, photo, mask, tmp_path):
    status, _, err = run(
        "animate", photo, "--region", mask, "--prompt", "sway", "--strength", "1",
        "--frames", "9", "-o", tmp_path / "clip.gif",
    )  # fmt: skip
    assert status == 0, err
    assert first_frame(tmp_path / "clip.gif")[0] == 9


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--prompt", "smiles"], "nearest"),
        (["--strength", "-1"], "strength"),
        (["--direction", "nan"], "direction"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_written(run, photo, mask, tmp_path, more, words):
    output = tmp_path / "clip.gif"
    status, _, err = run("animate", photo, "--region", mask, *more, "-o", output)
    assert status == 1
    assert words in err
    assert not output.exists()


def test_a_region_is_needed_and_a_format_known(run, photo, mask, tmp_path):
    assert "--region" in run("animate", photo, "-o", tmp_path / "a.gif")[2]
    assert ".gif" in run("animate", photo, "--region", mask, "-o", tmp_path / "a.xyz")[2]
