"""Enumerating clicks: a batch of candidates against one prediction after another; prints ratios.

No time is asserted. Both are timed in turns, so that other work on the machine disturbs both.
"""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from annotator.benchmark.images.samples import find_samples
from annotator.engine import threads
from annotator.engine.registry import PluginRegistry
from annotator.formats import read_image
from annotator.robustness.attacks.scored import Scored
from annotator.robustness.settings import Permitted
from annotator.robustness.targets.photo import PhotoTarget

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "grabcut"
CANDIDATES = 12
TURNS = 5


def seconds(work):
    wall, process = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - process


@pytest.fixture(autouse=True)
def two_threads():
    # automatic would leave processors that others use to them
    before = torch.get_num_threads()
    threads.prefer(2)
    yield
    threads.prefer(0)
    torch.set_num_threads(before)


@pytest.mark.parametrize("clicks", [0, 1])
def test_a_batch_of_candidates_against_one_after_another(capsys, clicks):
    if not FOLDER.is_dir():
        pytest.skip("no photos beside the repository")
    sample = find_samples(FOLDER)[3]
    image = read_image(sample.photo)
    engine = PluginRegistry.discover().open("clickseg:compact", device="cpu")
    truth = sample.read_truth(image.rgb.shape[:2])
    target = PhotoTarget(engine, engine.encode_uncached(image), truth, "compact", sample.name)
    history = ()
    for _ in range(clicks):
        round_ = target.round(history, Permitted.CENTRE)
        history = (*history, round_.click(round_.region.baseline))
    round_ = target.round(history, Permitted.CENTRE)
    rows = np.random.default_rng(0).permutation(len(round_.region))
    alone, together = [], []
    for _ in range(TURNS):
        part, rows = rows[:CANDIDATES], rows[CANDIDATES:]
        alone.append(seconds(lambda p=part: [round_.score(p[k : k + 1]) for k in range(len(p))]))
        part, rows = rows[:CANDIDATES], rows[CANDIDATES:]
        together.append(seconds(lambda p=part: Scored(round_, 32).quality(p)))
    one_by_one, at_once = np.array(alone), np.array(together)
    rates = [CANDIDATES / np.median(taken[:, 0]) for taken in (one_by_one, at_once)]
    wall, process = np.median(one_by_one / at_once, axis=0)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n  click {clicks + 1}: one by one {rates[0]:.1f} evaluations/s, together "
            f"{rates[1]:.1f}; {wall:.2f} x as many, {process:.2f} x for the same processor time",
            end="",
        )
