"""Rules on how an engine behaves, whatever its kind: memory of prompts, haste, honesty."""

import contextlib
import ctypes
import gc
import itertools
import random
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from annotator.domain import (
    AnnotatorError,
    Box,
    Cancelled,
    CancelToken,
    Click,
    Prompt,
)
from annotator.engine.api import EngineKind
from annotator.engine.contract_base import BrokenPromiseError, require, same
from annotator.engine.opened import Asset, OpenEngine
from annotator.engine.warmup import sample_cloud, sample_image, sample_task
from annotator.engine.worker.server import resident_bytes

STOP_SECONDS = 2.0
"""Within this time after a cancellation each step has to end."""
GROWTH_BYTES = 32 << 20
"""By how much the process may grow over `PREDICTIONS` predictions on one small asset."""
PREDICTIONS = 20
_LARGE_POINTS, _LARGE_PIXELS = 20_000, 320


def is_stateless(engine: OpenEngine) -> None:
    """The same prompt gives the same result twice, and after any others in any order."""
    asset, prompt = sample_task(engine.manifest.kind)
    encoding = engine.encode_uncached(asset)
    first = engine.predict_as_is(encoding, prompt)
    again = engine.predict_as_is(encoding, prompt)
    require(same(first, again), "the same prompt twice gives two results")
    history = [_shortened(prompt, n) for n in range(len(prompt.clicks) + 1)]
    other = replace(prompt.clicks[0], object_id=1 if engine.manifest.kind is not SCENE else 2)
    history += [Prompt.from_clicks([other]), prompt]
    for order in _orders(history):
        results = {number: engine.predict_as_is(encoding, history[number]) for number in order}
        last = len(history) - 1
        require(same(first, results[last]), "an earlier prompt changes the result")
    fresh = engine.predict_as_is(engine.encode_uncached(asset), prompt)
    require(same(first, fresh), "earlier prompts change a new encoding's result")


SCENE = EngineKind.SCENE


def _shortened(prompt: Prompt, clicks: int) -> Prompt:
    return Prompt.from_clicks(prompt.clicks[:clicks])


def _orders(history: list[Prompt]) -> list[list[int]]:
    """Return three orders of the history, always the same ones."""
    numbers = list(range(len(history)))
    shuffled = numbers[:]
    random.Random(0).shuffle(shuffled)
    return [numbers, numbers[::-1], shuffled]


def large_asset(kind: EngineKind) -> Asset:
    """Return an asset on which an encoding takes a moment."""
    if kind is SCENE:
        return sample_cloud(_LARGE_POINTS)
    return sample_image(_LARGE_PIXELS, _LARGE_PIXELS)


def stops_in_time(engine: OpenEngine) -> None:
    """Both steps end soon after their token is set, whether they heed it or are done anyway."""
    asset, prompt = large_asset(engine.manifest.kind), sample_task(engine.manifest.kind)[1]
    _require_stop("encode", lambda token: engine.encode_uncached(asset, cancel=token))
    encoding = engine.encode_uncached(asset)
    _require_stop("predict", lambda token: engine.predict_as_is(encoding, prompt, token))


def _require_stop(name: str, step: Any) -> None:  # noqa: ANN401 - a function of a token
    token = CancelToken()
    asked: list[float] = []

    def cancel() -> None:
        asked.append(time.monotonic())
        token.cancel()

    timer = threading.Timer(0.05, cancel)
    timer.start()
    try:
        step(token)
    except Cancelled:
        pass
    finally:
        timer.cancel()
    late = time.monotonic() - asked[0] if asked else 0.0
    require(late < STOP_SECONDS, f"{name} went on for {late:.1f} s after it was cancelled")


def reports_rising_progress(engine: OpenEngine) -> None:
    """Progress stays within 0 and 1 and never goes back."""
    heard: list[float] = []

    def progress(fraction: float, message: str = "") -> None:
        heard.append(float(fraction))

    engine.encode_uncached(large_asset(engine.manifest.kind), progress)
    outside = [fraction for fraction in heard if not 0 <= fraction <= 1]
    require(not outside, f"progress leaves 0..1: {outside[:3]}")
    for before, after in itertools.pairwise(heard):
        require(after >= before, f"progress goes back from {before:.3g} to {after:.3g}")


def keeps_its_memory(engine: OpenEngine) -> None:
    """Predictions leave nothing behind: the process does not grow with them."""
    asset, prompt = large_asset(engine.manifest.kind), sample_task(engine.manifest.kind)[1]
    encoding = engine.encode_uncached(asset)
    for _ in range(3):  # until what is made once is made
        engine.predict_as_is(encoding, prompt)
    before = _resident(engine)
    for _ in range(PREDICTIONS):
        engine.predict_as_is(encoding, prompt)
    growth = _resident(engine) - before
    words = f"{PREDICTIONS} predictions left {growth >> 20} MiB behind"
    require(growth < GROWTH_BYTES, words)


def _resident(engine: OpenEngine) -> int:
    gc.collect()
    _give_back_freed()
    torch = sys.modules.get("torch")
    if torch is not None and engine.device.startswith("cuda"):
        return int(torch.cuda.memory_allocated())
    return resident_bytes()


def _give_back_freed() -> None:
    """Let the C library return what was freed, which else hides leaks and passes for them."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def is_spared_what_it_cannot(engine: OpenEngine) -> None:
    """A prompt beyond the declared capabilities is refused before the plugin sees it."""
    seen: list[Prompt] = []
    asset, _ = sample_task(engine.manifest.kind)
    encoding = engine.encode_uncached(asset)
    original = engine.engine
    engine.engine = _Watched(original, seen)
    try:
        for prompt in _beyond(engine):
            try:
                engine.predict(encoding, prompt)
            except AnnotatorError:
                require(not seen, "a prompt beyond its capabilities reached the plugin")
                continue
            raise BrokenPromiseError("a prompt beyond its capabilities was not refused")
    finally:
        engine.engine = original


class _Watched:
    """Notes what prompts come through."""

    def __init__(self, engine: Any, seen: list[Prompt]) -> None:  # noqa: ANN401
        self._engine, self._seen = engine, seen

    def predict(self, encoding: Any, prompt: Prompt, **options: Any) -> Any:  # noqa: ANN401
        self._seen.append(prompt)
        return self._engine.predict(encoding, prompt, **options)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._engine, name)


def _beyond(engine: OpenEngine) -> list[Prompt]:
    """Return a prompt for each capability that the engine does not declare."""
    can = engine.manifest.capabilities
    _, prompt = sample_task(engine.manifest.kind)
    first = prompt.clicks[0]
    plain = Prompt.from_clicks([replace(first, object_id=1)])
    prompts = []
    if not can.boxes:
        prompts.append(replace(plain, boxes=(Box(1, 1.0, 1.0, 9.0, 9.0),)))
    if not can.words:
        prompts.append(replace(plain, words=((1, "sways"),)))
    if not can.candidates:
        prompts.append(replace(plain, candidates=((1, 1),)))
    if not can.negative_clicks:
        prompts.append(Prompt.from_clicks([first, replace(first, object_id=0, order=1)]))
    if can.max_clicks:
        prompts.append(Prompt.from_clicks(_repeated(first, can.max_clicks + 1)))
    return prompts


def _repeated(click: Click, count: int) -> list[Click]:
    return [replace(click, object_id=1, order=order) for order in range(count)]


def understands_what_it_declares(engine: OpenEngine) -> None:
    """Boxes, words and candidates that the manifest declares are taken, and used."""
    can = engine.manifest.capabilities
    asset, prompt = sample_task(engine.manifest.kind)
    encoding = engine.encode_uncached(asset)
    plain = Prompt.from_clicks([replace(prompt.clicks[0], object_id=1)])
    prompts = {
        "boxes": replace(plain, boxes=(Box(1, 18.0, 14.0, 46.0, 42.0),)) if can.boxes else None,
        "words": replace(plain, words=((1, "sways in the wind"),)) if can.words else None,
        "candidates": plain if can.candidates else None,
    }
    for name, declared in prompts.items():
        if declared is None:
            continue
        try:
            result = engine.predict_as_is(encoding, declared)
        except AnnotatorError as error:
            raise BrokenPromiseError(f"it declares {name} but fails on them: {error}") from error
        if name == "candidates":
            found = getattr(result, "candidates", ())
            require(bool(found), "it declares candidates but offers none")
