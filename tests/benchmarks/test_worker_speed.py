"""What a click costs on its way through a worker and back. Prints, never judges."""

import statistics
import time

import numpy as np

from annotator.domain import Click, PointCloud, Prompt
from tests.engine.helpers import write_plugin
from tests.engine.workers import opened

BUDGET_MS = 5.0  # beyond the same click in process
POINTS = 1_000_000
ROUNDS = 60

MANIFEST = """
api = 1
id = "instant"
version = "1.0"
title = "Answers at once"
kind = "scene"
target = "adapter:create"
"""

ADAPTER = """
import numpy as np
from annotator.domain import Mask


class Instant:
    def encode(self, asset, *, progress=None, cancel=None):
        n = len(asset)
        return np.arange(n, dtype=np.int32), np.linspace(0, 1, n, dtype=np.float32)

    def predict(self, encoding, prompt, *, cancel=None):
        labels, confidence = encoding
        return Mask(labels, confidence)

    def close(self):
        pass


def create(context):
    return Instant()
"""


def milliseconds(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def say(name, times, budget=None):
    middle, slow = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    ratio = f", {middle / budget:.2f} of the budget" if budget else ""
    best = min(times)  # on a busy machine the rest is waiting for a processor
    print(f"\n{name}: median {middle:.2f} ms, best {best:.2f} ms, 95 % below {slow:.2f} ms{ratio}")  # noqa: T201


def prompt_of(count):
    clicks = [Click((float(i), 0.0, 0.0), i % 5 + 1, i, 10**18, i, i + 1) for i in range(count)]
    return Prompt.from_clicks(clicks)


def test_a_click_through_a_worker(tmp_path):
    """Labels and confidences of a million points; the engine itself takes no time."""
    folder = write_plugin(tmp_path / "p", MANIFEST, ADAPTER)
    cloud = PointCloud(np.zeros((POINTS, 3), np.float32), rgb=np.zeros((POINTS, 3), np.uint8))
    with (
        opened("instant", [folder], isolation="process") as there,
        opened("instant", [folder], isolation="inprocess") as here,
    ):
        encode = [milliseconds(lambda: there.encode_uncached(cloud)) for _ in range(5)]
        say("a million points into a worker", encode)
        for name, engine in (("in process", here), ("through a worker", there)):
            encoding = engine.encode_uncached(cloud)
            for clicks in (1, 20, 200):
                prompt = prompt_of(clicks)
                times, mask = [], None
                for _ in range(ROUNDS):
                    start = time.perf_counter()
                    mask = engine.predict(encoding, prompt)
                    times.append((time.perf_counter() - start) * 1000)
                budget = BUDGET_MS if engine is there else None
                say(f"{name}, {clicks} clicks, labels of {POINTS:,} points", times, budget)
                assert np.array_equal(mask.labels, np.arange(POINTS, dtype=np.int32))
