import importlib
import sys

import numpy as np
import pytest
import torch

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Click, Image, Prompt
from annotator.engine.api import DescribesPhotos, DifferentiableClicks, HasThreshold, PredictsMany
from annotator.engine.contract import prompt_in
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import sample_image
from annotator.engine.weights import import_weights, verify_weights
from models.clickseg.disks import PlacedClick
from models.clickseg.predictor import COMPACT, RITM, SIMPLECLICK, ClickPredictor, Recipe
from models.clickseg.ritm import Ritm, RitmConfig
from models.clickseg.simpleclick import SimpleClick, SimpleClickConfig
from models.clickseg.zoom import Zoom
from tests.plugins.weights import install_click_weights, tiny_click_network

CLICKS = [(32.5, 28.5, 1), (10.2, 40.9, 1), (3.0, 3.0, 0)]
PLACED = [PlacedClick(True, 28, 32), PlacedClick(True, 40, 10), PlacedClick(False, 3, 3)]
RECIPES = {"ritm-h18s": RITM, "ritm-h18-baseline": RITM, "compact": COMPACT}


def photo(height=120, width=150):
    return sample_image(height, width)


def network_of(variant):
    if variant == "compact":
        return tiny_click_network("compact")
    return tiny_click_network(previous_mask="baseline" not in variant)


def opened(variant="ritm-h18s", network=None, **parameters):
    name = "clickseg-compact" if variant == "compact" else variant
    install_click_weights(name, network or network_of(variant))
    registry = PluginRegistry.discover(disk=False)
    return registry.open(f"clickseg:{variant}", device="cpu", parameters=parameters)


@pytest.mark.parametrize("variant", RECIPES)
def test_it_gives_what_the_predictor_gives_by_hand(variant):
    image, engine = photo(), opened(variant)
    mask = engine.predict(engine.encode(image), prompt_in(*CLICKS))
    network = network_of(variant).requires_grad_(False)
    predictor = ClickPredictor(network, RECIPES[variant])
    expected = predictor.predict(predictor.open(torch.from_numpy(image.rgb)), PLACED).numpy()
    np.testing.assert_allclose(mask.probability, expected, atol=1e-4)
    np.testing.assert_array_equal(mask.labels, mask.probability > np.float32(0.49))


def recipe_of(engine):
    return engine.engine._predictor.recipe


def test_defaults_are_the_published_ones():
    assert recipe_of(opened()) == Recipe(RITM.zoom, largest=1024)
    simple = opened("simpleclick-b", tiny_click_network("simpleclick"))
    assert recipe_of(simple) == Recipe(SIMPLECLICK.zoom, (448, 448), largest=1024)
    compact = opened("compact")
    assert recipe_of(compact) == Recipe(COMPACT.zoom, 448, 1024, flip=False, corners=False)
    assert compact.threshold == simple.threshold == 0.49


def test_every_part_of_the_recipe_can_be_switched():
    values = {
        "flip": False, "target": 320, "skip_clicks": 0, "expansion": 2.0, "min_crop": 50,
        "keep_above": 0.7, "published_boxes": False, "largest_side": 0, "threshold": 0.6,
        "zoom_threshold": 0.3,
    }  # fmt: skip
    engine = opened(**values)
    zoom = Zoom(0, target=320, expansion=2.0, min_crop=50, keep_above=0.7, threshold=0.3)
    assert recipe_of(engine) == Recipe(zoom, flip=False, keep_box=False)
    assert engine.threshold == 0.6
    assert recipe_of(opened(zoom_in=False)).zoom is None
    with pytest.raises(AnnotatorError, match="SimpleClick cannot look at 400"):
        opened("simpleclick-b", tiny_click_network("simpleclick"), target=400)


def test_a_prompts_own_threshold_wins():
    engine = opened()
    encoding = engine.encode(photo())
    prompt = prompt_in(CLICKS[0])
    usual = engine.predict(encoding, prompt)
    middle = float(np.median(usual.probability))
    moved = Prompt(prompt.clicks, prompt.object_ids, thresholds=((1, middle),))
    mask = engine.predict(encoding, moved)
    np.testing.assert_array_equal(mask.labels > 0, usual.probability > np.float32(middle))


@pytest.mark.parametrize("variant", RECIPES)
def test_prompts_together_and_gradients_are_offered(variant):
    engine = opened(variant)
    plugin, encoding = engine.engine, engine.encode(photo())
    for protocol in (HasThreshold, PredictsMany, DifferentiableClicks):
        assert isinstance(plugin, protocol)
    prompts = [prompt_in(*CLICKS[:k]) for k in range(4)]
    together = plugin.predict_many(encoding, prompts)
    for prompt, mask in zip(prompts, together, strict=True):
        alone = plugin.predict(encoding, prompt)
        np.testing.assert_allclose(mask.probability, alone.probability, atol=1e-4)
    assert not together[0].labels.any()
    position = torch.tensor([10.7, 40.3], requires_grad=True)
    map_ = plugin.soft_probability(encoding, prompts[2], position)
    assert map_.shape == (120, 150)
    (slope,) = torch.autograd.grad(map_.sum(), position)
    assert slope.abs().min() > 0
    # x and y are not confused: at the click's own place the soft map is near the hard one
    own = plugin.soft_probability(encoding, prompts[1], torch.tensor([32.5, 28.5])).numpy()
    hard = together[1].probability
    moved = plugin.soft_probability(encoding, prompts[1], torch.tensor([28.5, 32.5])).numpy()
    assert np.abs(own - hard).mean() < np.abs(moved - hard).mean()


def test_results_do_not_share_memory_with_what_is_remembered():
    engine = opened()
    encoding, prompt = engine.encode(photo()), prompt_in(CLICKS[0])
    first = engine.engine.predict(encoding, prompt)
    kept = first.probability.copy()
    first.probability[:] = 7
    np.testing.assert_array_equal(engine.engine.predict(encoding, prompt).probability, kept)


def test_clicks_outside_of_the_photo_count_at_its_edge():
    engine = opened()
    encoding = engine.encode(photo())
    far = engine.engine.predict(encoding, prompt_in((-30.0, 900.0, 1)))
    edge = engine.engine.predict(encoding, prompt_in((0.5, 119.5, 1)))
    np.testing.assert_array_equal(far.probability, edge.probability)


def test_outside_clicks_of_one_object_are_heard():
    engine = opened()
    encoding = engine.encode(photo())
    clicks = [Click((32.5, 28.5), 4), Click((3.0, 3.0), 4, 1, positive=False)]
    mask = engine.predict(encoding, Prompt.from_clicks(clicks))
    same = engine.engine.predict(encoding, prompt_in((32.5, 28.5, 1), (3.0, 3.0, 0)))
    np.testing.assert_array_equal(mask.probability, same.probability)
    assert set(np.unique(mask.labels)) <= {0, 4}


def test_cancelling_stops_it():
    engine, token = opened(), CancelToken()
    encoding = engine.encode(photo())
    token.cancel()
    with pytest.raises(Cancelled):
        engine.predict(encoding, prompt_in(*CLICKS), cancel=token)
    with pytest.raises(Cancelled):
        engine.encode_uncached(Image(photo().rgb), cancel=token)


def test_a_closed_engine_says_so():
    engine = opened()
    encoding = engine.encode(photo())
    engine.close()
    with pytest.raises(AnnotatorError, match="closed"):
        engine.predict(encoding, prompt_in(CLICKS[0]))


def test_weights_of_another_network_are_refused_in_words():
    with pytest.raises(AnnotatorError, match="no RITM checkpoint"):
        opened("ritm-h18s", tiny_click_network("simpleclick"))
    with pytest.raises(AnnotatorError, match="no SimpleClick checkpoint"):
        opened("simpleclick-b", tiny_click_network())
    with pytest.raises(AnnotatorError, match="not weights of this network"):
        opened("compact", tiny_click_network())


OFFICIAL = {
    "ritm-h18s": (Ritm, RitmConfig.hr18s()),
    "ritm-h18": (Ritm, RitmConfig.hr18()),
    "ritm-h32": (Ritm, RitmConfig.hr32()),
    "ritm-h18-baseline": (Ritm, RitmConfig.hr18(previous_mask=False)),
    "simpleclick-b": (SimpleClick, SimpleClickConfig.base()),
    "simpleclick-l": (SimpleClick, SimpleClickConfig.large()),
    "simpleclick-h": (SimpleClick, SimpleClickConfig.huge()),
}
LOSS = """
import torch


class CrossEntropyLoss(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.use_sigmoid, self.loss_weight, self.cls_criterion = True, 1.0, criterion


def criterion(pred, label):
    raise AssertionError("this ran")
"""


def zeros_of(variant):
    """State dict of a network's full size that takes no room: one number seen many times."""
    kind, config = OFFICIAL[variant]
    with torch.device("meta"):
        state = kind(config).state_dict()
    return {k: torch.zeros((), dtype=v.dtype).expand(v.shape) for k, v in state.items()}


@pytest.fixture
def loss(tmp_path, monkeypatch):
    """An object of a package that is gone when the file is read."""
    folder = tmp_path / "site" / "isegm" / "model"
    folder.mkdir(parents=True)
    (folder / "losses.py").write_text(LOSS)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield importlib.import_module("isegm.model.losses").CrossEntropyLoss()
    for name in [name for name in sys.modules if name.split(".")[0] == "isegm"]:
        del sys.modules[name]


def ritm_config():
    params = {"width": {"type": "builtin", "value": 18, "specified": True}}
    return {"class": "isegm.model.is_hrnet_model.HRNetModel", "params": params}


@pytest.mark.parametrize("variant", [v for v in OFFICIAL if v[-1] not in "lh"])
def test_an_official_file_is_recognised_and_what_it_is_is_said(variant, tmp_path, loss):
    config = ritm_config()
    if variant.startswith("simpleclick"):
        config["params"]["head_params"] = {"value": {"loss_decode": loss, "channels": 256}}
    path = tmp_path / "downloaded.pth"
    torch.save({"state_dict": zeros_of(variant), "config": config}, path)
    for name in [name for name in sys.modules if name.split(".")[0] == "isegm"]:
        del sys.modules[name]
    registry = PluginRegistry.discover(disk=False)
    record = import_weights(path, registry)
    assert (record.plugin, record.spec.name) == ("clickseg", variant)
    assert verify_weights(registry, variant)[0].good
    record.path.unlink()  # up to 400 MB


@pytest.mark.parametrize("variant", ["simpleclick-l", "simpleclick-h"])
def test_the_largest_files_are_recognised_by_layout(variant):
    from annotator.engine.layouts import compare, read_layout
    from annotator.engine.weights import find_record

    record = find_record(PluginRegistry.discover(disk=False), variant)
    layout = read_layout(record.folder / record.spec.layout)
    assert compare(layout, {k: tuple(v.shape) for k, v in zeros_of(variant).items()}).none


def test_an_mae_backbone_is_named_instead_of_refused_blindly(tmp_path):
    keys = ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight")
    torch.save({"model": {key: torch.zeros(2) for key in keys}}, tmp_path / "mae.pth")
    with pytest.raises(AnnotatorError, match=r"mae\.pth is a plain vision transformer") as caught:
        import_weights(tmp_path / "mae.pth", PluginRegistry.discover(disk=False))
    assert "Get a SimpleClick checkpoint" in caught.value.remedy


def test_the_compact_network_tells_how_alike_photos_are():
    install_click_weights("clickseg-compact", tiny_click_network("compact"))
    engine = PluginRegistry.discover(disk=False).open("clickseg:compact").engine
    assert isinstance(engine, DescribesPhotos)
    photo = sample_image()
    vector = engine.describe(photo)
    other = engine.describe(Image(255 - photo.rgb))
    assert vector.ndim == 1
    assert np.isfinite(vector).all()
    assert (vector == engine.describe(photo)).all()
    assert (vector != other).any()


def test_networks_that_see_photos_with_clicks_alone_tell_nothing():
    install_click_weights("ritm-h18s")
    engine = PluginRegistry.discover(disk=False).open("clickseg:ritm-h18s").engine
    with pytest.raises(AnnotatorError, match="together with clicks"):
        engine.describe(sample_image())
