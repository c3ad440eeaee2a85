"""What every engine promises, as checks that a plugin author and our own tests run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from annotator.domain import Cancelled, CancelToken, Click, Mask, PointCloud, Prompt
from annotator.engine.api import EngineKind, StorableEncodings
from annotator.engine.opened import OpenEngine
from annotator.engine.warmup import sample_cloud, sample_task


class BrokenPromiseError(Exception):
    """An engine does not keep a rule; the message says how."""


@dataclass(frozen=True)
class Rule:
    """One promise.

    Attributes:
        name: Short name in reports.
        severity: Whether breaking it is an error or only unwise.
        kinds: Kinds of engines that it holds for.
        check: Raises `BrokenPromiseError`, or whatever the plugin raises.
    """

    name: str
    severity: Literal["error", "warning"]
    kinds: tuple[EngineKind, ...]
    check: Callable[[OpenEngine], None]


def _require(kept: bool, message: str) -> None:
    if not kept:
        raise BrokenPromiseError(message)


def prompt_on(cloud: PointCloud, *rows_and_objects: tuple[int, int]) -> Prompt:
    """Return the prompt of clicks on rows of a cloud, given as (row, object id)."""
    clicks = [
        Click(tuple(map(float, cloud.xyz[row])), object_id, order, index=row, click_id=order + 1)
        for order, (row, object_id) in enumerate(rows_and_objects)
    ]
    return Prompt.from_clicks(clicks)


def _same(first: Any, second: Any) -> bool:  # noqa: ANN401 - any result type
    """Whether two results are equal, array by array."""
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return all(
        np.array_equal(a, b) if isinstance(a, np.ndarray) else a is b or a == b for a, b in pairs
    )


def _predict_mask(engine: OpenEngine, cloud: PointCloud, prompt: Prompt) -> Mask:
    result = engine.predict(engine.encode_uncached(cloud), prompt)
    assert isinstance(result, Mask)  # as OpenEngine.predict has made sure
    return result


def runs(engine: OpenEngine) -> None:
    """A small asset and prompt give a result of the engine's kind."""
    asset, prompt = sample_task(engine.manifest.kind)
    engine.predict(engine.encode_uncached(asset), prompt)


def is_deterministic(engine: OpenEngine) -> None:
    """The same asset and prompt, encoded twice, give the same result."""
    asset, prompt = sample_task(engine.manifest.kind)
    first, second = (engine.predict(engine.encode_uncached(asset), prompt) for _ in range(2))
    _require(_same(first, second), "two runs on the same input differ")


def is_stateless(engine: OpenEngine) -> None:
    """A prediction in between changes nothing."""
    asset, prompt = sample_task(engine.manifest.kind)
    other = Prompt.from_clicks([replace(prompt.clicks[0], object_id=2)])
    encoding = engine.encode_uncached(asset)
    first = engine.predict(encoding, prompt)
    engine.predict(encoding, other)
    _require(_same(first, engine.predict(encoding, prompt)), "an earlier prompt changes the result")


def leaves_input_alone(engine: OpenEngine) -> None:
    """The arrays of the asset are not written to."""
    asset, prompt = sample_task(engine.manifest.kind)
    before = replace(asset).content_hash
    engine.predict(engine.encode_uncached(asset), prompt)
    _require(replace(asset).content_hash == before, "the asset's arrays were changed")


def heeds_cancel(engine: OpenEngine) -> None:
    """Both steps stop when their token is set."""
    asset, prompt = sample_task(engine.manifest.kind)
    encoding = engine.encode_uncached(asset)
    token = CancelToken()
    token.cancel()
    steps: dict[str, Callable[[], object]] = {
        "encode": lambda: engine.encode_uncached(asset, cancel=token),
        "predict": lambda: engine.predict(encoding, prompt, cancel=token),
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
    _require(not objects, f"arrays {objects} have dtype object and cannot be stored")
    rebuilt = engine.engine.encoding_from_arrays(arrays)
    same = _same(engine.predict(encoding, prompt), engine.predict(rebuilt, prompt))
    _require(same, "a rebuilt encoding predicts differently")


def labels_every_point(engine: OpenEngine) -> None:
    """A mask has one int32 label a point, of the prompt's objects only."""
    cloud = sample_cloud()
    mask = _predict_mask(engine, cloud, prompt_on(cloud, (0, 5), (len(cloud) - 1, 42)))
    _require(mask.labels.shape == (len(cloud),), f"labels have the shape {mask.labels.shape}")
    strange = sorted(set(mask.labels.tolist()) - {0, 5, 42})
    _require(not strange, f"labels {strange} are no objects of the prompt")


def is_sure_of_clicks(engine: OpenEngine) -> None:
    """A clicked point has the object of its click."""
    cloud = sample_cloud()
    rows = (0, len(cloud) - 1)
    mask = _predict_mask(engine, cloud, prompt_on(cloud, (rows[0], 1), (rows[1], 2)))
    found = mask.labels[list(rows)].tolist()
    _require(found == [1, 2], f"points clicked as 1 and 2 have the labels {found}")


def gives_probabilities(engine: OpenEngine) -> None:
    """A confidence is float32 in [0, 1], a value a point."""
    cloud = sample_cloud()
    confidence = _predict_mask(engine, cloud, prompt_on(cloud, (0, 1))).confidence
    if confidence is None:
        return
    _require(confidence.shape == (len(cloud),), f"confidence has the shape {confidence.shape}")
    _require(confidence.dtype == np.float32, f"confidence is {confidence.dtype}, not float32")
    inside = bool(((confidence >= 0) & (confidence <= 1)).all())
    _require(inside, "confidence leaves [0, 1] or is not a number")


def takes_an_empty_prompt(engine: OpenEngine) -> None:
    """Without clicks on objects everything is background."""
    cloud = sample_cloud()
    for prompt in (Prompt(), Prompt(object_ids=(1, 3)), prompt_on(cloud, (0, 0))):
        labels = _predict_mask(engine, cloud, prompt).labels
        _require(not labels.any(), f"{len(prompt.clicks)} background clicks give objects")


def takes_objects_without_clicks(engine: OpenEngine) -> None:
    """An object that has no click yet gets no point and disturbs nothing."""
    cloud = sample_cloud()
    clicked = prompt_on(cloud, (0, 3))
    alone = _predict_mask(engine, cloud, clicked)
    beside = _predict_mask(engine, cloud, replace(clicked, object_ids=(1, 3, 9)))
    _require(bool((alone.labels == beside.labels).all()), "an object without a click matters")


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
        _require(len(labels) == len(cloud), f"{len(labels)} labels for {len(cloud)} points")


_ALL = tuple(EngineKind)
_SCENE = (EngineKind.SCENE,)
RULES: tuple[Rule, ...] = (
    Rule("runs", "error", _ALL, runs),
    Rule("deterministic", "error", _ALL, is_deterministic),
    Rule("stateless", "error", _ALL, is_stateless),
    Rule("input unchanged", "error", _ALL, leaves_input_alone),
    Rule("cancel", "warning", _ALL, heeds_cancel),
    Rule("stored encodings", "error", _ALL, stores_exactly),
    Rule("labels", "error", _SCENE, labels_every_point),
    Rule("clicked points", "warning", _SCENE, is_sure_of_clicks),
    Rule("confidence", "error", _SCENE, gives_probabilities),
    Rule("empty prompt", "error", _SCENE, takes_an_empty_prompt),
    Rule("objects without clicks", "error", _SCENE, takes_objects_without_clicks),
    Rule("many clicks", "error", _SCENE, takes_many_clicks),
    Rule("degenerate clouds", "error", _SCENE, takes_degenerate_clouds),
)
"""All rules, in the order that a report shows them."""


def rules_for(kind: EngineKind) -> tuple[Rule, ...]:
    """Return the rules that an engine of a kind has to keep."""
    return tuple(rule for rule in RULES if kind in rule.kinds)
