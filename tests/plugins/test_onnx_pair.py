"""ONNX pairs exported here from random networks: SAM's own export, and a home-made one."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import annotator
from annotator.domain import AnnotatorError, Box, Cancelled, CancelToken, Image, Prompt
from annotator.engine.contract import prompt_in, rules_for
from annotator.engine.manifest import read_manifest
from annotator.engine.registry import PluginRegistry
from annotator.engine.requirements import unmet
from tests.plugins.sam_networks import SIDE, open_tiny, require, tiny_network

MANIFEST = read_manifest(
    Path(annotator.__file__).parents[1] / "plugins" / "onnx_pair" / "plugin.toml"
)
RULES = [rule.name for rule in rules_for(MANIFEST.kind)]
OWN_SETTINGS = """
[encoder]
size = 64
resize = "stretch"
layout = "HWC"
scale = 0.00392156862745098
mean = [0.5, 0.5, 0.5]
deviation = [0.25, 0.25, 0.25]
[decoder]
points = "clicks"
labels = "kinds"
mask = "before"
has_mask = ""
photo_size = ""
masks = "masks"
scores = "scores"
low_masks = ""
first_is_single = false
pad = false
rename = { picture = "features" }
"""


class OwnEncoder(torch.nn.Module):
    """Halves a photo [64, 64, 3]; gives a map and one thing that no decoder wants."""

    def forward(self, pixels):
        features = functional.avg_pool2d(pixels.permute(2, 0, 1)[None], 2)
        return features, pixels.mean()


class OwnDecoder(torch.nn.Module):
    """Likes places near inside clicks whose colour is like there, and the mask before."""

    def forward(self, picture, clicks, kinds, before):
        grid = torch.stack(
            torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="xy"), dim=-1
        )
        offsets = grid[None] * 2 - clicks[0, :, None, None, :]
        near = torch.exp(-offsets.pow(2).sum(-1) / 300)
        signed = ((kinds[0] * 2 - 1)[:, None, None] * near).sum(0)
        base = 6 * signed - 1 + 0.1 * before[0, 0] + 0.3 * picture[0].mean(0)
        masks = torch.stack([base, base + 1, base - 1])[None]
        return masks, torch.tensor([[0.4, 0.9, 0.6]]) + 0 * base.mean()


def export(module, path, inputs, outputs, several=()):
    """Write a network as ONNX; the inputs named in `several` take any number of clicks."""
    axes = {name: {1: "clicks"} for name in several}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


@pytest.fixture(scope="module")
def own_pair(tmp_path_factory):
    """Export a home-made pair and write the settings that it needs; return its parameters."""
    require_onnx()
    folder = tmp_path_factory.mktemp("own")
    photo = {"pixels": torch.zeros(64, 64, 3)}
    export(OwnEncoder(), folder / "encoder.onnx", photo, ["features", "average"])
    inputs = {
        "picture": torch.zeros(1, 3, 32, 32),
        "clicks": torch.zeros(1, 3, 2),
        "kinds": torch.ones(1, 3),
        "before": torch.zeros(1, 1, 32, 32),
    }
    export(OwnDecoder(), folder / "decoder.onnx", inputs, ["masks", "scores"], ("clicks", "kinds"))
    (folder / "settings.toml").write_text(OWN_SETTINGS)
    return parameters(folder, "settings.toml")


@pytest.fixture(scope="module")
def sam_pair(tmp_path_factory):
    """Export a tiny random SAM as its package does; return the plugin's parameters for it."""
    require_onnx()
    require("sam-b")
    from segment_anything.utils.onnx import SamOnnxModel

    folder = tmp_path_factory.mktemp("sam")
    sam = tiny_network("sam-b").module
    photo = {"image": torch.zeros(1, 3, SIDE, SIDE)}
    export(sam.image_encoder, folder / "encoder.onnx", photo, ["image_embeddings"])
    side = SIDE // 16
    inputs = {
        "image_embeddings": torch.randn(1, sam.prompt_encoder.embed_dim, side, side),
        "point_coords": torch.zeros(1, 5, 2),
        "point_labels": torch.ones(1, 5),
        "mask_input": torch.zeros(1, 1, 4 * side, 4 * side),
        "has_mask_input": torch.ones(1),
        "orig_im_size": torch.tensor([60.0, 97.0]),
    }
    export(
        SamOnnxModel(sam, return_single_mask=False),
        folder / "decoder.onnx",
        inputs,
        ["masks", "iou_predictions", "low_res_masks"],
        ("point_coords", "point_labels"),
    )
    (folder / "settings.toml").write_text(f"[encoder]\nsize = {SIDE}\n")
    return parameters(folder, "settings.toml")


def require_onnx():
    pytest.importorskip("onnx", reason="onnx, which writes the test's networks, is missing")
    problems = unmet(MANIFEST.requires)
    if problems:
        pytest.skip(f"onnx-pair requires {', '.join(problems)}")


def parameters(folder, settings=""):
    chosen = {name: str(folder / f"{name}.onnx") for name in ("encoder", "decoder")}
    return chosen | {"settings": str(folder / settings) if settings else ""}


def open_pair(values, **more):
    registry = PluginRegistry.discover(disk=False)
    return registry.open("onnx-pair", device="cpu", parameters={**values, **more})


def photo(height=60, width=97):
    coarse = np.random.default_rng(3).integers(0, 256, (6, 10, 3), np.uint8)
    rgb = np.kron(coarse, np.ones((height // 6 + 1, width // 10 + 1, 1), np.uint8))
    return Image(np.ascontiguousarray(rgb[:height, :width]), name="photo")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pair", ["own_pair", "sam_pair"])
def test_pairs_keep_the_contract(pair, rule, request):
    engine = open_pair(request.getfixturevalue(pair))
    next(r for r in rules_for(MANIFEST.kind) if r.name == rule).check(engine)


def test_sams_export_gives_what_sam_gives(sam_pair, monkeypatch):
    pair, (sam, _) = open_pair(sam_pair), open_tiny(monkeypatch, "sam-b")
    image = photo()
    box = Box(1, 10, 12, 40, 46)
    clicks = [(40.5, 30.5, 1), (70.5, 12.5, 0), (20.5, 50.5, 1)]
    prompts = [
        prompt_in(clicks[0]),
        prompt_in(*clicks),
        Prompt(object_ids=(1,), boxes=(box,)),
        Prompt(prompt_in(*clicks).clicks, (1,), boxes=(box,)),
        Prompt(prompt_in(*clicks).clicks, (1,), candidates=((1, 2),)),
    ]
    first, second = pair.encode(image), sam.encode(image)
    for prompt in prompts:
        ours, theirs = pair.predict(first, prompt), sam.predict(second, prompt)
        np.testing.assert_allclose(ours.probability, theirs.probability, atol=1e-3)
        assert len(ours.candidates) == len(theirs.candidates)
    alone = open_pair(sam_pair, previous_mask=False).predict(first, prompts[1])
    assert np.abs(alone.probability - pair.predict(first, prompts[1]).probability).max() > 1e-3


def test_a_pair_of_another_kind_is_described_by_settings(own_pair):
    engine = open_pair(own_pair)
    image = Image(np.full((50, 100, 3), 128, np.uint8), name="grey")
    encoding = engine.encode(image)
    assert encoding.embeddings["features"].shape == (1, 3, 32, 32)
    np.testing.assert_allclose(
        encoding.embeddings["features"], 2 * (128 / 255 - 0.5) * 2, atol=1e-5
    )
    mask = engine.predict(encoding, prompt_in((80.5, 10.5, 1)))
    row, column = np.unravel_index(mask.probability.argmax(), mask.probability.shape)
    assert abs(row - 10) <= 2
    assert abs(column - 80) <= 3
    assert [c.score for c in mask.candidates] == pytest.approx([0.9, 0.6, 0.4])
    areas = [int(c.inside.sum()) for c in mask.candidates]
    assert areas[0] > areas[2] > areas[1]
    further = engine.predict(encoding, prompt_in((80.5, 10.5, 1), (60.5, 20.5, 0)))
    assert not further.candidates
    assert further.labels.sum() < areas[0]


def test_the_files_content_counts_not_only_its_name(own_pair, tmp_path):
    import onnx

    values = dict(own_pair)
    values["encoder"] = str(tmp_path / "encoder.onnx")
    onnx.save(onnx.load(own_pair["encoder"]), values["encoder"])
    image = photo()
    before = open_pair(values).identity.key(image)
    assert open_pair(values).identity.key(image) == before
    network = onnx.load(values["encoder"])
    network.doc_string = "other"
    onnx.save(network, values["encoder"])
    assert open_pair(values).identity.key(image) != before


def test_encoding_heeds_its_cancel_token(own_pair):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        open_pair(own_pair).encode(photo(), cancel=token)


def test_missing_and_damaged_files_are_named(own_pair, tmp_path):
    require_onnx()
    with pytest.raises(AnnotatorError, match=r"encoder of onnx-pair is no file.*`encoder`"):
        open_pair({})
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(AnnotatorError, match=r"bad.onnx is no readable ONNX decoder"):
        open_pair(own_pair, decoder=str(tmp_path / "bad.onnx"))


def test_names_that_do_not_fit_are_listed(own_pair):
    with pytest.raises(AnnotatorError, match=r"decoder.onnx does not fit: missing point_coords"):
        open_pair(own_pair, settings="")
    with pytest.raises(AnnotatorError, match=r"decoder.onnx has the inputs picture, clicks"):
        open_pair(own_pair, encoder=own_pair["decoder"])


def test_a_photo_of_a_size_that_the_encoder_does_not_take_is_explained(own_pair, tmp_path):
    (tmp_path / "s.toml").write_text(OWN_SETTINGS.replace("size = 64", "size = 32"))
    engine = open_pair(own_pair, settings=str(tmp_path / "s.toml"))
    with pytest.raises(AnnotatorError, match=r"encoder.onnx cannot compute"):
        engine.encode(photo())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[encoder]\nsizes = 3\n", "encoder.sizes"),
        ("[encoder]\nsize = -1\n", "encoder.size"),
        ("[encoder]\ndeviation = [1.0, 0.0, 1.0]\n", "deviation"),
        ("[decoder]\nlow_masks = ''\n", "low_masks"),
        ("[decoder]\nscores = ''\n", "need names"),
        ("not toml", "cannot be read"),
    ],
)
def test_wrong_settings_are_named(own_pair, tmp_path, text, complaint):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(AnnotatorError, match=complaint):
        open_pair(own_pair, settings=str(tmp_path / "s.toml"))


def test_without_onnxruntime_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("annotator.engine.requirements._reason", lambda name: f"{name} (absent)")
    with pytest.raises(AnnotatorError, match=r"onnx-pair.*click-annotator\[onnx\]"):
        PluginRegistry.discover(disk=False).open("onnx-pair")
