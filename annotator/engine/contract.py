"""What every engine promises, as checks that a plugin author and our own tests run."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from annotator.domain import Cancelled, CancelToken, Image, Mask, PointCloud, Prompt
from annotator.engine import contract_conduct as conduct
from annotator.engine import contract_kinds as kinds
from annotator.engine.api import (
    DifferentiableClicks,
    EngineKind,
    PredictsMany,
    StorableEncodings,
)
from annotator.engine.contract_base import (
    BrokenPromiseError,
    Rule,
    prompt_in,
    prompt_on,
    require,
    same,
)
from annotator.engine.opened import OpenEngine
from annotator.engine.warmup import sample_cloud, sample_image, sample_task


def _predict_mask(engine: OpenEngine, cloud: PointCloud, prompt: Prompt) -> Mask:
    result = engine.predict_as_is(engine.encode_uncached(cloud), prompt)
    assert isinstance(result, Mask)  # as OpenEngine.predict has made sure
    return result


def runs(engine: OpenEngine) -> None:
    """A small asset and prompt give a result of the engine's kind."""
    asset, prompt = sample_task(engine.manifest.kind)
    engine.predict_as_is(engine.encode_uncached(asset), prompt)


def is_deterministic(engine: OpenEngine) -> None:
    """The same asset and prompt, encoded twice, give the same result."""
    asset, prompt = sample_task(engine.manifest.kind)
    first, second = (engine.predict_as_is(engine.encode_uncached(asset), prompt) for _ in range(2))
    require(same(first, second), "two runs on the same input differ")


def leaves_input_alone(engine: OpenEngine) -> None:
    """The arrays of the asset are not written to."""
    asset, prompt = sample_task(engine.manifest.kind)
    before = replace(asset).content_hash
    engine.predict_as_is(engine.encode_uncached(asset), prompt)
    require(replace(asset).content_hash == before, "the asset's arrays were changed")


def heeds_cancel(engine: OpenEngine) -> None:
    """Both steps stop when their token is set."""
    asset, prompt = sample_task(engine.manifest.kind)
    encoding = engine.encode_uncached(asset)
    token = CancelToken()
    token.cancel()
    steps: dict[str, Callable[[], object]] = {
        "encode": lambda: engine.encode_uncached(asset, cancel=token),
        "predict": lambda: engine.predict_as_is(encoding, prompt, cancel=token),
    }
    for name, step in steps.items():
        try:
            step()
        except Cancelled:
            continue
        raise BrokenPromiseError(f"{name} ignores its cancel token")


def stores_exactly(engine: OpenEngine) -> None:
    """An encoding rebuilt from its arrays predicts the same."""
    if not isinstance(engine.engine, StorableEncodings):
        return
    asset, prompt = sample_task(engine.manifest.kind)
    encoding = engine.encode_uncached(asset)
    arrays = engine.engine.encoding_to_arrays(encoding)
    objects = [name for name, array in arrays.items() if np.asarray(array).dtype == object]
    require(not objects, f"arrays {objects} have dtype object and cannot be stored")
    rebuilt = engine.engine.encoding_from_arrays(arrays)
    alike = same(engine.predict_as_is(encoding, prompt), engine.predict_as_is(rebuilt, prompt))
    require(alike, "a rebuilt encoding predicts differently")


def labels_every_point(engine: OpenEngine) -> None:
    """A mask has one int32 label a point, of the prompt's objects only."""
    cloud = sample_cloud()
    mask = _predict_mask(engine, cloud, prompt_on(cloud, (0, 5), (len(cloud) - 1, 42)))
    require(mask.labels.shape == (len(cloud),), f"labels have the shape {mask.labels.shape}")
    strange = sorted(set(mask.labels.tolist()) - {0, 5, 42})
    require(not strange, f"labels {strange} are no objects of the prompt")


def is_sure_of_clicks(engine: OpenEngine) -> None:
    """A clicked point has the object of its click."""
    cloud = sample_cloud()
    rows = (0, len(cloud) - 1)
    mask = _predict_mask(engine, cloud, prompt_on(cloud, (rows[0], 1), (rows[1], 2)))
    found = mask.labels[list(rows)].tolist()
    require(found == [1, 2], f"points clicked as 1 and 2 have the labels {found}")


def gives_probabilities(engine: OpenEngine) -> None:
    """A confidence is float32 in [0, 1], a value a point."""
    cloud = sample_cloud()
    confidence = _predict_mask(engine, cloud, prompt_on(cloud, (0, 1))).confidence
    if confidence is None:
        return
    require(confidence.shape == (len(cloud),), f"confidence has the shape {confidence.shape}")
    require(confidence.dtype == np.float32, f"confidence is {confidence.dtype}, not float32")
    inside = bool(((confidence >= 0) & (confidence <= 1)).all())
    require(inside, "confidence leaves [0, 1] or is not a number")


def takes_an_empty_prompt(engine: OpenEngine) -> None:
    """Without clicks on objects everything is background."""
    cloud = sample_cloud()
    for prompt in (Prompt(), Prompt(object_ids=(1, 3)), prompt_on(cloud, (0, 0))):
        labels = _predict_mask(engine, cloud, prompt).labels
        require(not labels.any(), f"{len(prompt.clicks)} background clicks give objects")


def takes_objects_without_clicks(engine: OpenEngine) -> None:
    """An object that has no click yet gets no point and disturbs nothing."""
    cloud = sample_cloud()
    clicked = prompt_on(cloud, (0, 3))
    alone = _predict_mask(engine, cloud, clicked)
    beside = _predict_mask(engine, cloud, replace(clicked, object_ids=(1, 3, 9)))
    require(bool((alone.labels == beside.labels).all()), "an object without a click matters")


def takes_many_clicks(engine: OpenEngine) -> None:
    """250 clicks are fine, unless the manifest says otherwise."""
    limit = engine.manifest.capabilities.max_clicks or 250
    cloud = sample_cloud()
    clicks = [(row % len(cloud), row % 3) for row in range(min(limit, 250))]
    _predict_mask(engine, cloud, prompt_on(cloud, *clicks))


def takes_degenerate_clouds(engine: OpenEngine) -> None:
    """One point, a plane, coincident points, no colour, far from zero."""
    flat = np.zeros((30, 3), np.float32)
    flat[:, 0] = np.linspace(0, 1, 30)
    for xyz in (flat[:1], flat, np.zeros((5, 3), np.float32), flat + np.float32(5000)):
        cloud = PointCloud(np.ascontiguousarray(xyz), name="degenerate")
        labels = _predict_mask(engine, cloud, prompt_on(cloud, (0, 1))).labels
        require(len(labels) == len(cloud), f"{len(labels)} labels for {len(cloud)} points")


def _predict_photo(engine: OpenEngine, image: Image, prompt: Prompt) -> Mask:
    result = engine.predict(engine.encode_uncached(image), prompt)
    assert isinstance(result, Mask)  # as OpenEngine.predict has made sure
    return result


def labels_every_pixel(engine: OpenEngine) -> None:
    """A mask has one label a pixel, of the prompt's objects only."""
    for height, width in ((56, 64), (37, 91)):
        image = sample_image(height, width)
        prompt = prompt_in((width / 2, height / 2, 5), (2.5, 2.5, 42))
        labels = _predict_photo(engine, image, prompt).labels
        require(labels.shape == (height, width), f"labels have the shape {labels.shape}")
        strange = sorted(set(labels.ravel().tolist()) - {0, 5, 42})
        require(not strange, f"labels {strange} are no objects of the prompt")


def gives_a_probability_map(engine: OpenEngine) -> None:
    """The probability of a single object is float32 in [0, 1], and the labels follow it."""
    image = sample_image()
    mask = _predict_photo(engine, image, prompt_in((32.0, 28.0, 1)))
    if engine.manifest.capabilities.many_objects:
        return
    probability = mask.probability
    require(probability is not None, "there is no probability map")
    assert probability is not None  # as just required
    require(probability.shape == mask.labels.shape, f"its shape is {probability.shape}")
    require(probability.dtype == np.float32, f"it is {probability.dtype}, not float32")
    inside = bool(((probability >= 0) & (probability <= 1)).all())
    require(inside, "it leaves [0, 1] or is not a number")
    follow = bool(((probability > engine.threshold) == (mask.labels == 1)).all())
    require(follow, f"labels are not where it exceeds the threshold {engine.threshold:g}")


def takes_an_empty_photo_prompt(engine: OpenEngine) -> None:
    """Without clicks on objects everything is background."""
    image = sample_image()
    for prompt in (Prompt(), Prompt(object_ids=(1, 3)), prompt_in((5.0, 5.0, 0))):
        labels = _predict_photo(engine, image, prompt).labels
        require(not labels.any(), f"{len(prompt.clicks)} background clicks give objects")


def takes_many_photo_clicks(engine: OpenEngine) -> None:
    """40 clicks are fine, unless the manifest says otherwise."""
    limit = engine.manifest.capabilities.max_clicks or 40
    places = [(1.5 * i % 64, 1.1 * i % 56, i % 2) for i in range(min(limit, 40))]
    _predict_photo(engine, sample_image(), prompt_in(*places))


def takes_degenerate_photos(engine: OpenEngine) -> None:
    """One pixel, a line of pixels, one colour."""
    for height, width in ((1, 1), (1, 50), (50, 1), (32, 32)):
        image = Image(np.full((height, width, 3), 128, np.uint8), name="degenerate")
        labels = _predict_photo(engine, image, prompt_in((width / 2, height / 2, 1))).labels
        require(labels.shape == (height, width), f"labels have the shape {labels.shape}")


def predicts_many_alike(engine: OpenEngine) -> None:
    """Prompts answered together give what they give alone."""
    if not isinstance(engine.engine, PredictsMany):
        return
    encoding = engine.encode_uncached(sample_image())
    prompts = [
        prompt_in((32.0, 28.0, 1)),
        prompt_in((32.0, 28.0, 1), (4.0, 4.0, 0)),
        prompt_in((10.0, 40.0, 1)),
    ]
    together = engine.engine.predict_many(encoding, prompts)
    require(len(together) == len(prompts), f"{len(together)} answers for {len(prompts)} prompts")
    for prompt, one in zip(prompts, together, strict=True):
        alone = engine.engine.predict(encoding, prompt)
        apart = float(np.abs(one.probability - alone.probability).max())
        require(apart < 1e-3, f"answers together and alone differ by {apart:.2g}")


def offers_candidates(engine: OpenEngine) -> None:
    """Candidates are masks with a score, best first, and can be chosen by their number."""
    if not engine.manifest.capabilities.candidates:
        return
    encoding = engine.encode_uncached(sample_image())
    prompt = prompt_in((32.0, 28.0, 3))
    first = engine.predict(encoding, prompt)
    assert isinstance(first, Mask)  # as OpenEngine.predict has made sure
    for number, candidate in enumerate(first.candidates):
        require(0 <= candidate.score <= 1, f"candidate {number} has the score {candidate.score}")
        chosen = engine.predict(encoding, replace(prompt, candidates=((3, number),)))
        assert isinstance(chosen, Mask)
        agrees = np.array_equal(chosen.labels == 3, candidate.inside)
        require(agrees, f"choosing candidate {number} gives another mask than it shows")


def differentiates_clicks(engine: OpenEngine) -> None:
    """The soft probability is a map in [0, 1] with a finite gradient to the click."""
    if not engine.manifest.capabilities.differentiable_clicks:
        return
    import torch

    plugin = engine.engine
    if not isinstance(plugin, DifferentiableClicks):
        raise BrokenPromiseError("there is no `soft_probability`")
    encoding = engine.encode_uncached(sample_image(37, 64))
    for places in (((32.5, 18.5, 1),), ((32.5, 18.5, 1), (4.5, 4.5, 0))):
        position = torch.tensor(places[-1][:2], requires_grad=True)
        soft = plugin.soft_probability(encoding, prompt_in(*places), position)
        require(tuple(soft.shape) == (37, 64), f"its shape is {tuple(soft.shape)}")
        require(bool(((soft >= 0) & (soft <= 1)).all()), "it leaves [0, 1] or is not a number")
        (gradient,) = torch.autograd.grad(soft.sum(), position)
        require(bool(gradient.isfinite().all()), f"the gradient is {gradient.tolist()}")


_ALL = tuple(EngineKind)
_IMAGE = (EngineKind.IMAGE,)
_SCENE = (EngineKind.SCENE,)
_POSE = (EngineKind.POSE,)
_ANIMATION = (EngineKind.ANIMATION,)
RULES: tuple[Rule, ...] = (
    Rule("runs", "error", _ALL, runs),
    Rule("deterministic", "error", _ALL, is_deterministic),
    Rule("stateless", "error", _ALL, conduct.is_stateless),
    Rule("input unchanged", "error", _ALL, leaves_input_alone),
    Rule("cancel", "warning", _ALL, heeds_cancel),
    Rule("stops in time", "error", _ALL, conduct.stops_in_time),
    Rule("progress", "error", _ALL, conduct.reports_rising_progress),
    Rule("memory", "error", _ALL, conduct.keeps_its_memory),
    Rule("refusals", "error", _ALL, conduct.is_spared_what_it_cannot),
    Rule("declared prompts", "error", _ALL, conduct.understands_what_it_declares),
    Rule("stored encodings", "error", _ALL, stores_exactly),
    Rule("labels", "error", _SCENE, labels_every_point),
    Rule("clicked points", "warning", _SCENE, is_sure_of_clicks),
    Rule("confidence", "error", _SCENE, gives_probabilities),
    Rule("empty prompt", "error", _SCENE, takes_an_empty_prompt),
    Rule("objects without clicks", "error", _SCENE, takes_objects_without_clicks),
    Rule("many clicks", "error", _SCENE, takes_many_clicks),
    Rule("degenerate clouds", "error", _SCENE, takes_degenerate_clouds),
    Rule("labels", "error", _IMAGE, labels_every_pixel),
    Rule("probability", "error", _IMAGE, gives_a_probability_map),
    Rule("empty prompt", "error", _IMAGE, takes_an_empty_photo_prompt),
    Rule("many clicks", "error", _IMAGE, takes_many_photo_clicks),
    Rule("degenerate photos", "error", _IMAGE, takes_degenerate_photos),
    Rule("many prompts", "error", _IMAGE, predicts_many_alike),
    Rule("candidates", "error", _IMAGE, offers_candidates),
    Rule("soft clicks", "error", _IMAGE, differentiates_clicks),
    Rule("people", "error", _POSE, kinds.gives_people),
    Rule("skeleton", "error", _POSE, kinds.states_its_skeleton),
    Rule("each person", "error", _POSE, kinds.answers_for_each_person),
    Rule("fixed joints", "error", _POSE, kinds.holds_fixed_joints),
    Rule("proposals", "error", _POSE, kinds.proposes_by_falling_score),
    Rule("visibility", "error", _POSE, kinds.gives_coco_visibility),
    Rule("scores", "error", _POSE, kinds.gives_scores_and_boxes),
    Rule("degenerate photos", "error", _POSE + _ANIMATION, kinds.takes_degenerate_photos),
    Rule("frames", "error", _ANIMATION, kinds.gives_frames),
    Rule("flow", "error", _ANIMATION, kinds.gives_flow),
)
"""All rules, in the order that a report shows them."""


def rules_for(kind: EngineKind) -> tuple[Rule, ...]:
    """Return the rules that an engine of a kind has to keep."""
    return tuple(rule for rule in RULES if kind in rule.kinds)


__all__ = ["RULES", "BrokenPromiseError", "Rule", "prompt_in", "prompt_on", "rules_for"]
