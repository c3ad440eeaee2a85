import logging
import tomllib
from importlib import metadata

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from annotator.domain import AnnotatorError, Box, Cancelled, CancelToken, Click, Image, Prompt
from annotator.engine.contract import prompt_in, rules_for
from annotator.engine.layouts import compare, read_layout
from annotator.engine.registry import PluginRegistry
from annotator.engine.store import user_weights
from annotator.engine.weights import import_weights, pull_weights
from annotator.testing import contract_cases
from tests.plugins.sam_networks import (
    FOLDER,
    MANIFEST,
    VARIANTS,
    install_tiny,
    open_tiny,
    plugin_module,
    require,
    tiny_network,
)

QUICK = ("sam-b", "hq-sam-b", "sam2-t")


def photo(height=60, width=97, seed=3):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 10, 3), np.uint8)
    rgb = np.kron(coarse, np.ones((height // 6 + 1, width // 10 + 1, 1), np.uint8))
    return Image(np.ascontiguousarray(rgb[:height, :width]), name="photo")


def official_predictor(variant, module, image):
    """Return (predict(clicks, box, mask, several) -> logits, scores, low) of the package."""
    if variant.startswith("sam2"):
        from sam2.sam2_image_predictor import SAM2ImagePredictor

        predictor = SAM2ImagePredictor(module)
        side = module.image_size
        predictor._bb_feat_sizes = [(side // 4,) * 2, (side // 8,) * 2, (side // 16,) * 2]
    elif variant == "sam-b":
        from segment_anything import SamPredictor

        predictor = SamPredictor(module)
    else:
        package = plugin_module("of_segment_anything_hq").import_quietly()
        if variant == "mobile-sam":
            pytest.skip("the HQ predictor has no MobileSAM; see the comparison with its package")
        predictor = package.SamPredictor(module)
    predictor.set_image(image.rgb)

    def predict(clicks, box=None, mask=None, several=False):
        points = np.array([[x, y] for x, y, _ in clicks]) if clicks else None
        labels = np.array([label for *_, label in clicks]) if clicks else None
        with torch.no_grad():
            return predictor.predict(
                point_coords=points,
                point_labels=labels,
                box=None if box is None else np.array(box, float),
                mask_input=mask,
                multimask_output=several,
                return_logits=True,
            )

    return predict


def sigmoid(logits):
    return torch.from_numpy(np.asarray(logits, np.float32)).sigmoid().numpy()


CASES = [case for variant in QUICK for case in contract_cases(f"sam:{variant}")]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_family_keeps_the_contract(case, monkeypatch):
    install_tiny(monkeypatch, case.ref.partition(":")[2])
    case.run()


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["mobile-sam", "hq-sam-tiny"])
def test_the_small_encoders_keep_the_contract_too(variant, monkeypatch):
    engine, _ = open_tiny(monkeypatch, variant)
    for rule in rules_for(MANIFEST.kind):
        rule.check(engine)


@pytest.mark.parametrize("variant", QUICK)
def test_two_clicks_give_what_the_packages_own_predictor_gives(variant, monkeypatch):
    engine, network = open_tiny(monkeypatch, variant)
    image = photo()
    predict = official_predictor(variant, network.module, image)
    encoding = engine.encode(image)
    several = not variant.startswith("hq")  # the HQ predictor itself keeps the best only
    logits, scores, low = predict([(40, 30, 1)], several=True)
    first = engine.predict(encoding, prompt_in((40.5, 30.5, 1)))
    best = int(np.argmax(scores))
    np.testing.assert_allclose(first.probability, sigmoid(logits[best]), atol=1e-4)
    if several:
        order = np.argsort(-scores, kind="stable")
        for candidate, number in zip(first.candidates, order, strict=True):
            assert candidate.score == pytest.approx(np.clip(scores[number], 0, 1), abs=1e-4)
            assert (candidate.inside == (sigmoid(logits[number]) > 0.5)).mean() > 0.999
    second = engine.predict(encoding, prompt_in((40.5, 30.5, 1), (70.5, 12.5, 0)))
    logits, _, _ = predict([(40, 30, 1), (70, 12, 0)], mask=low[best][None])
    np.testing.assert_allclose(second.probability, sigmoid(logits[0]), atol=1e-4)
    assert not second.candidates
    assert np.abs(first.probability - second.probability).max() > 1e-3


@pytest.mark.parametrize("variant", QUICK)
def test_a_box_and_a_click_in_it_give_what_the_packages_predictor_gives(variant, monkeypatch):
    engine, network = open_tiny(monkeypatch, variant)
    image = photo(80, 60)
    predict = official_predictor(variant, network.module, image)
    encoding = engine.encode(image)
    boxed = Prompt(object_ids=(1,), boxes=(Box(1, 10, 12, 40, 66),))
    logits, _, low = predict([], box=(10, 12, 40, 66))
    mask = engine.predict(encoding, boxed)
    np.testing.assert_allclose(mask.probability, sigmoid(logits[0]), atol=1e-4)
    clicked = Prompt((Click((25.5, 30.5), 1),), (1,), boxes=boxed.boxes)
    logits, _, _ = predict([(25, 30, 1)], box=(10, 12, 40, 66), mask=low)
    mask = engine.predict(encoding, clicked)
    np.testing.assert_allclose(mask.probability, sigmoid(logits[0]), atol=1e-4)


@pytest.mark.slow
def test_mobilesam_is_what_its_own_package_computes(monkeypatch):
    mobile_sam = pytest.importorskip("mobile_sam", reason="MobileSAM's own package is missing")
    require("mobile-sam")
    torch.manual_seed(0)
    own = mobile_sam.sam_model_registry["vit_t"]().eval()
    ours = plugin_module("adapter").build_network("mobile-sam")
    ours.module.load_state_dict(own.state_dict())
    monkeypatch.setattr(plugin_module("adapter"), "build_network", lambda _: ours)
    user_weights().mkdir(parents=True)
    save_file(own.state_dict(), user_weights() / "mobile-sam.safetensors")
    engine = PluginRegistry.discover(disk=False).open("sam:mobile-sam", device="cpu")
    image = photo()
    predictor = mobile_sam.SamPredictor(own)
    predictor.set_image(image.rgb)
    logits, scores, _ = predictor.predict(
        np.array([[40, 30]]), np.array([1]), multimask_output=True, return_logits=True
    )
    mask = engine.predict(engine.encode(image), prompt_in((40.5, 30.5, 1)))
    np.testing.assert_allclose(mask.probability, sigmoid(logits[scores.argmax()]), atol=1e-4)


@pytest.mark.parametrize("variant", QUICK)
def test_the_gradient_to_a_click_is_the_slope_of_the_probability(variant, monkeypatch):
    engine, _ = open_tiny(monkeypatch, variant)
    encoding = engine.encode(photo())
    prompt = prompt_in((40.5, 30.5, 1), (60.5, 20.5, 1))

    def total(x, y):
        moved = prompt_in((40.5, 30.5, 1), (x, y, 1))
        return float(engine.engine.predict(encoding, moved).probability.astype(np.float64).sum())

    position = torch.tensor([60.5, 20.5], requires_grad=True)
    soft = engine.engine.soft_probability(encoding, prompt, position)
    hard = engine.engine.predict(encoding, prompt).probability
    np.testing.assert_allclose(soft.detach().numpy(), hard, atol=1e-6)
    soft.double().sum().backward()
    step = 0.005  # the networks have kinks
    slopes = [
        (total(60.5 + step, 20.5) - total(60.5 - step, 20.5)) / (2 * step),
        (total(60.5, 20.5 + step) - total(60.5, 20.5 - step)) / (2 * step),
    ]
    assert np.abs(slopes).max() > 5
    np.testing.assert_allclose(position.grad.numpy(), slopes, rtol=0.05, atol=0.5)


def test_moving_a_click_needs_a_click(monkeypatch):
    engine, _ = open_tiny(monkeypatch, "sam-b")
    encoding = engine.encode(photo())
    boxed = Prompt(object_ids=(1,), boxes=(Box(1, 10, 12, 40, 46),))
    for prompt in (Prompt(), boxed, prompt_in((4.5, 4.5, 0))):
        with pytest.raises(AnnotatorError, match="no click"):
            engine.engine.soft_probability(encoding, prompt, torch.zeros(2))


def test_the_candidate_chosen_for_the_first_click_leads_the_second(monkeypatch):
    engine, network = open_tiny(monkeypatch, "sam-b")
    image = photo()
    predict = official_predictor("sam-b", network.module, image)
    _, scores, low = predict([(40, 30, 1)], several=True)
    worst = int(np.argmin(scores))
    logits, _, _ = predict([(40, 30, 1), (70, 12, 0)], mask=low[worst][None])
    prompt = Prompt(prompt_in((40.5, 30.5, 1), (70.5, 12.5, 0)).clicks, (1,), candidates=((1, 2),))
    mask = engine.predict(engine.encode(image), prompt)
    np.testing.assert_allclose(mask.probability, sigmoid(logits[0]), atol=1e-4)


def test_without_the_previous_mask_only_the_clicks_count(monkeypatch):
    engine, network = open_tiny(monkeypatch, "sam-b", previous_mask=False)
    image = photo()
    predict = official_predictor("sam-b", network.module, image)
    logits, _, _ = predict([(40, 30, 1), (70, 12, 0)])
    mask = engine.predict(engine.encode(image), prompt_in((40.5, 30.5, 1), (70.5, 12.5, 0)))
    np.testing.assert_allclose(mask.probability, sigmoid(logits[0]), atol=1e-4)


@pytest.mark.parametrize("variant", QUICK)
def test_many_prompts_of_all_forms_together_are_what_they_are_alone(variant, monkeypatch):
    engine, _ = open_tiny(monkeypatch, variant)
    encoding = engine.encode(photo())
    box = Box(1, 10, 12, 40, 46)
    start = [(30.5, 30.5, 1), (60.5, 20.5, 0)]
    prompts = [
        *(prompt_in(*start, (x + 0.5, 40.5, 1)) for x in range(5, 90, 4)),
        prompt_in((8.5, 8.5, 0)),
        Prompt(),
        Prompt(object_ids=(1,), boxes=(box,)),
        Prompt(prompt_in((20.5, 20.5, 1)).clicks, (1,), boxes=(box,)),
        prompt_in((8.5, 8.5, 0), (20.5, 20.5, 1)),
        prompt_in((20.5, 20.5, 1), (8.5, 8.5, 0)),
    ]
    together = engine.engine.predict_many(encoding, prompts)
    for prompt, mask in zip(prompts, together, strict=True):
        alone = engine.engine.predict(encoding, prompt)
        np.testing.assert_allclose(mask.probability, alone.probability, atol=1e-4)
        assert len(mask.candidates) == len(alone.candidates)
    assert not together[-6].labels.any()


def test_a_further_click_costs_one_pass_through_the_decoder(monkeypatch):
    engine, _ = open_tiny(monkeypatch, "sam-b")
    encoding = engine.encode(photo())
    places = [(20.5 + 7 * i, 30.5, 1) for i in range(6)]
    engine.predict(encoding, prompt_in(*places[:4]))
    passes = []
    decoder = engine.engine._network.module.mask_decoder.transformer
    hook = decoder.register_forward_hook(lambda *_: passes.append(1))
    engine.predict(encoding, prompt_in(*places[:5]))
    assert len(passes) == 1
    engine.predict(encoding, prompt_in(*places))
    assert len(passes) == 2
    hook.remove()


@pytest.mark.parametrize("variant", QUICK)
def test_encoding_reports_progress_and_stops_between_blocks(variant, monkeypatch):
    engine, _ = open_tiny(monkeypatch, variant)
    token, fractions = CancelToken(), []

    def stop_at_the_first_block(fraction, message=""):
        fractions.append(fraction)
        if "block" in message:
            token.cancel()

    with pytest.raises(Cancelled):
        engine.encode(photo(), progress=stop_at_the_first_block, cancel=token)
    assert fractions == sorted(fractions)
    assert len(fractions) == 2
    assert fractions[-1] < 0.9
    engine.encode(photo())


def test_a_threshold_moves_the_border(monkeypatch):
    engine, _ = open_tiny(monkeypatch, "sam-b")
    encoding = engine.encode(photo())
    prompt = prompt_in((40.5, 30.5, 1))
    plain = engine.predict(encoding, prompt)
    for threshold in (0.2, 0.8):
        moved = engine.predict(encoding, Prompt(prompt.clicks, (1,), thresholds=((1, threshold),)))
        np.testing.assert_array_equal(moved.probability, plain.probability)
        np.testing.assert_array_equal(moved.labels == 1, plain.probability > threshold)


def test_half_precision_on_a_cpu_is_declined_and_said(monkeypatch, caplog):
    engine, _ = open_tiny(monkeypatch, "sam-b")
    with caplog.at_level(logging.WARNING):
        other = PluginRegistry.discover(disk=False).open(
            "sam:sam-b", device="cpu", dtype="bfloat16"
        )
    assert "slow on a CPU" in caplog.text
    prompt = prompt_in((40.5, 30.5, 1))
    first, second = (e.predict(e.encode(photo()), prompt) for e in (engine, other))
    np.testing.assert_array_equal(first.probability, second.probability)


def test_half_precision_encodes_nearly_the_same(monkeypatch):
    engine, _ = open_tiny(monkeypatch, "sam-b")
    whole = engine.encode_uncached(photo()).features["image"]
    engine.engine._dtype = torch.bfloat16
    half = engine.encode_uncached(photo()).features["image"]
    assert half.dtype == torch.float32
    assert 0 < float((half - whole).abs().max()) < 0.2 * float(whole.abs().max())


@pytest.mark.parametrize(
    ("variant", "extra"),
    [("sam-h", "sam"), ("hq-sam-l", "hq-sam"), ("sam2-b", "sam2"), ("mobile-sam", "mobile-sam")],
)
def test_a_missing_package_is_named_with_its_extra_before_anything_else(
    variant, extra, monkeypatch
):
    known = metadata.version

    def version(name):
        if name in {"segment-anything", "segment-anything-hq", "sam2", "sam-2"}:
            raise metadata.PackageNotFoundError(name)
        return "99" if name in {"timm", "torchvision"} else known(name)

    monkeypatch.setattr(metadata, "version", version)
    registry = PluginRegistry.discover(disk=False)
    with pytest.raises(AnnotatorError) as caught:
        registry.open(f"sam:{variant}")
    assert f"sam:{variant}" in caught.value.message
    assert f"click-annotator[{extra}]" in caught.value.remedy
    assert registry.entry("sam").state == "found"


def test_every_extra_is_offered_by_the_application():
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text())["project"]
    for variant in MANIFEST.variants:
        offered = {
            requirement.partition(">")[0]
            for requirement in project["optional-dependencies"][variant.extra]
        }
        for requirement in variant.requires:
            assert offered & {name.strip() for name in requirement.split("|")}


@pytest.mark.parametrize("variant", ["sam-b", "hq-sam-tiny", "mobile-sam", "sam2-t"])
def test_the_declared_layout_is_that_of_the_packages_network(variant):
    require(variant)
    module = plugin_module("adapter").build_network(variant).module
    shapes = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    assert compare(read_layout(FOLDER / f"{variant}.layout.tsv"), shapes).none


def test_the_official_mobilesam_layout_has_its_published_size():
    layout = read_layout(FOLDER / "mobile-sam.layout.tsv")
    weights = [
        shape
        for key, shape in layout.items()
        if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))
        and "gaussian_matrix" not in key
    ]
    assert len(layout) == 439
    assert sum(int(np.prod(shape)) for shape in weights) == 10_130_092


def test_layouts_of_different_variants_differ():
    layouts = [read_layout(FOLDER / spec.layout) for spec in MANIFEST.weights]
    for number, first in enumerate(layouts):
        for second in layouts[number + 1 :]:
            assert not compare(first, second).none


def test_an_official_checkpoint_is_recognised_on_import(tmp_path):
    layout = read_layout(FOLDER / "mobile-sam.layout.tsv")
    torch.save({key: torch.zeros(shape) for key, shape in layout.items()}, tmp_path / "m.pt")
    record = import_weights(tmp_path / "m.pt", PluginRegistry.discover(disk=False))
    assert record.spec.name == "mobile-sam"
    assert record.state == "installed"


def test_missing_weights_name_the_official_file_and_its_import(monkeypatch):
    monkeypatch.setattr("annotator.engine.requirements.unmet", lambda _: [])
    with pytest.raises(AnnotatorError) as caught:
        PluginRegistry.discover(disk=False).open("sam:hq-sam-b")
    assert "annotator weights import sam_hq_vit_b.pth" in caught.value.remedy
    with pytest.raises(AnnotatorError, match="hq-sam-b"):
        pull_weights("hq-sam-b", PluginRegistry.discover(disk=False))


def test_weights_of_another_network_are_refused_in_words(monkeypatch):
    install_tiny(monkeypatch, "sam-b")
    path = user_weights() / "sam-b.safetensors"
    save_file({"other": torch.zeros(3)}, path)
    with pytest.raises(AnnotatorError, match=r"sam:sam-b cannot be used"):
        PluginRegistry.discover(disk=False).open("sam:sam-b", device="cpu")
    path.write_bytes(b"damaged")
    with pytest.raises(AnnotatorError, match=r"sam:sam-b cannot be used"):
        PluginRegistry.discover(disk=False).open("sam:sam-b", device="cpu")


def test_tiny_networks_exist_for_each_family():
    for variant in VARIANTS:
        require(variant)
        assert tiny_network(variant).blocks
