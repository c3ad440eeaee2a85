"""Clicks on photos: what a click costs, and what remembering and folding save; prints ratios.

No time is asserted: process time of two threads, which other work on the machine disturbs least.
"""

import copy
import time

import pytest
import torch

from models.clickseg.compact import CompactClickNet
from models.clickseg.disks import PlacedClick
from models.clickseg.folding import fold_norms
from models.clickseg.predictor import COMPACT, RITM, ClickPredictor
from models.clickseg.ritm import Ritm, RitmConfig

pytestmark = pytest.mark.slow
CLICKS = tuple(PlacedClick(k % 3 > 0, 40.0 + 30 * k, 60.0 + 45 * k) for k in range(6))


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def seconds(work, repeats=3):
    """Least process time: other work on the machine only ever adds."""
    took = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def say(capsys, text):
    with capsys.disabled():
        print(f"\n  {text}", end="")  # noqa: T201


@torch.no_grad()
def test_folded_norms_and_channels_last(capsys):
    torch.manual_seed(0)
    plain = Ritm(RitmConfig.hr18s()).eval()
    folded = copy.deepcopy(plain)
    fold_norms(folded)
    folded.to(memory_format=torch.channels_last)
    inputs = torch.rand(1, 3, 400, 400), torch.zeros(1, 2, 400, 400), torch.rand(1, 1, 400, 400)
    before, after = (seconds(lambda n=n: n(*inputs)) for n in (plain, folded))
    say(
        capsys,
        f"HRNet-18s at 400 x 400: {after * 1e3:.0f} ms, {after / before:.2f} x the plain one",
    )
    torch.testing.assert_close(plain(*inputs), folded(*inputs), atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("name", ["ritm", "compact"])
def test_one_more_click_against_all_clicks_again(capsys, name):
    torch.manual_seed(0)
    network = Ritm(RitmConfig.hr18s()) if name == "ritm" else CompactClickNet()
    predictor = ClickPredictor(network.eval(), RITM if name == "ritm" else COMPACT)
    rgb = torch.randint(0, 256, (360, 480, 3), dtype=torch.uint8)
    encoding = seconds(lambda: predictor.open(rgb))
    replaying = seconds(lambda: predictor.predict(predictor.open(rgb), CLICKS), repeats=1)
    photo = predictor.open(rgb)
    predictor.predict(photo, CLICKS[:-1])
    one_more = seconds(lambda: predictor.predict(photo, CLICKS), repeats=1)
    again = seconds(lambda: predictor.predict(photo, CLICKS))
    say(
        capsys,
        f"{name}: encoding {encoding * 1e3:.0f} ms, six clicks on a new photo "
        f"{replaying * 1e3:.0f} ms, one more {one_more * 1e3:.0f} ms, an answer given before "
        f"{again * 1e3:.2f} ms; one more = {one_more / replaying:.2f} x all",
    )
    assert torch.equal(
        predictor.predict(predictor.open(rgb), CLICKS), predictor.predict(photo, CLICKS)
    )
