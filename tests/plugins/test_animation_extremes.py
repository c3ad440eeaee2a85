"""Both animation engines on masks, photos, strengths and words at the edge of sense."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Image, Prompt, Region
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import sample_image
from tests.plugins.diffusion_folder import write_folder, write_followclick

ENGINES = ("followclick", "followclick-diffusion")
HEIGHT, WIDTH = 56, 64


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    pytest.importorskip("diffusers", reason="needs the extra `diffusion`")
    folder = tmp_path_factory.mktemp("extremes")
    return {
        "checkpoint": str(write_followclick(folder / "f.ckpt")),
        "stable_diffusion": str(write_folder(folder / "sd")),
    }


@pytest.fixture(params=ENGINES)
def engine(request):
    values = {"frames": 8}
    if request.param == "followclick-diffusion":
        values |= {"size": 64, "steps": 1} | request.getfixturevalue("files")
    else:
        values |= {"force": True}
    return PluginRegistry.discover(disk=False).open(request.param, device="cpu", parameters=values)


def animated(engine, photo, mask, words="sways", **region):
    region = {"confined": True} | region
    prompt = Prompt(object_ids=(1,), words=((1, words),), regions=(Region(1, mask, **region),))
    return engine.predict(engine.encode(photo), prompt)


def masks(height, width):
    one, border = np.zeros((2, height, width), bool)
    one[height // 2, width // 2] = True
    border[:, : width // 2 + 1] = True
    return {
        "empty": np.zeros((height, width), bool),
        "full": np.ones((height, width), bool),
        "one pixel": one,
        "at the border": border,
    }


@pytest.mark.parametrize("words", ["sways", "flows left"])
def test_any_mask_gives_a_clip_that_keeps_the_rest(engine, words):
    photo = sample_image(HEIGHT, WIDTH)
    for name, mask in masks(HEIGHT, WIDTH).items():
        clip = animated(engine, photo, mask, words)
        assert clip.frames.shape == (8, HEIGHT, WIDTH, 3), name
        assert (clip.frames[0] == photo.rgb).all(), name
        assert (clip.frames[:, ~mask] == photo.rgb[~mask]).all(), name


def test_an_empty_mask_moves_nothing_and_says_so(engine):
    photo = sample_image(HEIGHT, WIDTH)
    clip = animated(engine, photo, masks(HEIGHT, WIDTH)["empty"])
    assert (clip.frames == photo.rgb).all()
    assert any("empty" in note for note in clip.notes)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 5)])
def test_any_photo_gives_a_clip_of_its_size(engine, shape):
    photo = Image(np.full((*shape, 3), 90, np.uint8))
    for mask in masks(*shape).values():
        clip = animated(engine, photo, mask)
        assert clip.frames.shape == (8, *shape, 3)
        assert (clip.frames[0] == photo.rgb).all()
        assert (clip.frames[:, ~mask] == photo.rgb[~mask]).all()


@pytest.mark.parametrize("strength", [0.0, 1e-9, 1e6])
def test_absurd_strengths_still_give_a_clip(engine, strength):
    photo, mask = sample_image(HEIGHT, WIDTH), masks(HEIGHT, WIDTH)["at the border"]
    clip = animated(engine, photo, mask, strength=strength)
    assert (clip.frames[:, ~mask] == photo.rgb[~mask]).all()
    if strength == 0:
        assert (clip.frames == photo.rgb).all()


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_strengths_that_are_none_are_refused(engine, strength):
    mask = masks(HEIGHT, WIDTH)["full"]
    with pytest.raises(AnnotatorError, match="strength"):
        animated(engine, sample_image(HEIGHT, WIDTH), mask, strength=strength)


@pytest.mark.parametrize("words", ["   ", "漢字 \x00 🙃 asdf", "flow " * 500, "<|endoftext|>"])
def test_nonsense_gives_a_clip(engine, words):
    mask = masks(HEIGHT, WIDTH)["at the border"]
    clip = animated(engine, sample_image(HEIGHT, WIDTH), mask, words)
    assert len(clip.frames) == 8
    if engine.ref == "followclick" and "flow" not in words:
        assert any("sways" in note for note in clip.notes)


def test_an_arrow_that_points_nowhere_is_no_direction(engine):
    mask = masks(HEIGHT, WIDTH)["full"]
    clip = animated(engine, sample_image(HEIGHT, WIDTH), mask, arrow=(0.0, 0.0))
    assert len(clip.frames) == 8
    with pytest.raises(AnnotatorError, match="direction"):
        animated(engine, sample_image(HEIGHT, WIDTH), mask, arrow=(float("nan"), 1.0))
