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


def test_flow_and_masks_come_beside_the_clip(run, photo, mask, tmp_path):
    from annotator.formats.flow import read_flo, read_flow_png

    status, out, err = run(
        "animate", photo, "--region", mask, "--prompt", "water flows right", "--strength", "1",
        "--frames", "8", "-o", tmp_path / "clip.gif", "--flow", tmp_path / "flow",
        "--mask", tmp_path / "moves.png",
    )  # fmt: skip
    assert status == 0, err
    assert "clip.gif" in out
    files = sorted((tmp_path / "flow").iterdir())
    assert [file.name for file in files] == [f"flow-{n:04d}.flo" for n in range(7)]
    flow = read_flo(files[2])
    assert flow.shape == (64, 80, 2)
    assert flow[30, 40, 0] == pytest.approx(1.0, abs=0.4)
    moves = np.asarray(Pillow.open(tmp_path / "moves.png"))
    assert ((moves == 1) == (np.asarray(Pillow.open(mask)) > 0)).all()
    run(
        "animate", photo, "--region", mask, "--prompt", "water flows right", "--strength", "1",
        "--frames", "8", "-o", tmp_path / "b.gif", "--flow", tmp_path / "png",
        "--flow-format", "png",
    )  # fmt: skip
    again = read_flow_png(tmp_path / "png" / "flow-0002.png")
    assert np.abs(again - flow).max() <= 1 / 128 + 1e-6


def test_an_unknown_form_of_flow_is_refused_before_the_work(run, photo, mask, tmp_path):
    output = tmp_path / "clip.gif"
    status, _, err = run(
        "animate", photo, "--region", mask, "-o", output, "--flow", tmp_path / "f",
        "--flow-format", "tiff",
    )  # fmt: skip
    assert status == 1
    assert "colour" in err
    assert not output.exists()


@pytest.fixture
def project(photo, tmp_path):
    """Return the path of a project in which the middle of the photo flows to the right."""
    from annotator.domain import Image, RegionPlan
    from annotator.project import Project

    path = tmp_path / "photo.png.annotator"
    image = Image(np.asarray(Pillow.open(photo)))
    inside = np.zeros((64, 80), bool)
    inside[12:50, 15:65] = True
    with Project.create(path) as opened:
        asset = opened.add_asset(photo, "image", image.content_hash, inside.size)
        opened.paint(asset, np.flatnonzero(inside), 3)
        opened.set_engine(asset, "followclick", {"frames": 9, "force": True}, "motion")
        opened.set_regions(asset, RegionPlan(3, "flows", (0.0, 0.0, 5.0, 0.0), 1.0))
    return path


def test_a_project_is_rendered_as_it_says(run, project, photo, tmp_path):
    status, out, err = run(
        "animate", project, "-o", tmp_path / "clip.apng", "--mask", tmp_path / "moves.png"
    )
    assert status == 0, err
    assert "9 frames of 80 x 64" in out
    count, first = first_frame(tmp_path / "clip.apng")
    assert count == 9
    assert (first == np.asarray(Pillow.open(photo))).all()
    assert np.unique(np.asarray(Pillow.open(tmp_path / "moves.png"))).tolist() == [0, 3]


def test_several_photos_of_a_project_get_a_clip_each(run, project, tmp_path):
    from annotator.domain import RegionPlan
    from annotator.project import Project

    with Project.open(project) as opened:
        second = opened.add_asset(tmp_path / "mask.png", "image", "other", 64 * 80)
        opened.paint(second, np.arange(2000), 1)
        opened.set_regions(second, RegionPlan(1, "glows"))
    Pillow.fromarray(np.full((64, 80, 3), 90, np.uint8)).save(tmp_path / "mask.png")
    status, out, err = run("animate", project, "-o", tmp_path / "clip.gif", "--frames", "8")
    assert status == 0, err
    assert (tmp_path / "photo-clip.gif").exists()
    assert (tmp_path / "mask-clip.gif").exists()
    assert out.count("8 frames") == 2


def test_what_moves_in_a_project_is_said_there_only(run, project, mask, tmp_path):
    status, _, err = run("animate", project, "--region", mask, "-o", tmp_path / "a.gif")
    assert status == 1
    assert "project" in err
    from annotator.project import Project

    with Project.open(project) as opened:
        opened.remove_region(1, 3)
    status, _, err = run("animate", project, "-o", tmp_path / "a.gif")
    assert status == 1
    assert "Nothing moves" in err
