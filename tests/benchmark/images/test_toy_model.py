"""Next clicks and IoU on a closed-form model whose answer to every click is known.

The golden data has, for three 64 x 64 pictures, the IoU of every allowed first click.
"""

from pathlib import Path

import numpy as np
import pytest

from annotator.benchmark.images.metrics import iou
from annotator.benchmark.images.simulator import PixelClick, next_click

GOLDEN = Path(__file__).parents[4] / "shared" / "parity" / "clickseg" / "toy_attack.npz"
SIZE = 64

pytestmark = pytest.mark.skipif(not GOLDEN.is_file(), reason="needs the golden data beside us")


@pytest.fixture(scope="module")
def data():
    with np.load(GOLDEN) as archive:
        return {name: archive[name] for name in archive.files}


class Toy:
    """The model of the golden data's README, section 10."""

    def __init__(self, data, number):
        self.blobs = data[f"im{number}_blobs"]
        self.a, self.b, self.h, self.rho = data[f"im{number}_params_a_b_h_rho"]
        self.threshold = float(data["threshold"])
        self.rows, self.columns = np.mgrid[:SIZE, :SIZE].astype(np.float64)
        self.feature = self.at(self.rows, self.columns)

    def at(self, y, x):
        distance = [(y - cy) ** 2 + (x - cx) ** 2 for _, cy, cx, _ in self.blobs]
        heights = zip(distance, self.blobs, strict=True)
        return sum(blob[0] * np.exp(-d / (2 * blob[3] ** 2)) for d, blob in heights)

    def mask(self, clicks):
        logit = np.full((SIZE, SIZE), -self.b)
        for sign, y, x in clicks:
            unlike = (self.feature - self.at(float(y), float(x))) ** 2 / (2 * self.h**2)
            far = ((self.rows - y) ** 2 + (self.columns - x) ** 2) / (2 * self.rho**2)
            logit += self.a * (1 if sign else -1) * np.exp(-unlike - far)
        return 1 / (1 + np.exp(-logit)) > self.threshold


def pixel(row):
    """A click of the golden data, (sign, row, column), where negative is -1 or 0."""
    sign, y, x = (int(v) for v in row)
    return PixelClick(sign > 0, y, x)


@pytest.mark.parametrize("number", range(3))
def test_the_rule_finds_the_first_and_the_second_click(data, number):
    truth = data[f"im{number}_gt"]
    first = next_click(truth, np.zeros((SIZE, SIZE), bool))
    assert first == pixel(data[f"im{number}_r1_base"])
    mask = Toy(data, number).mask([(True, first.row, first.column)])
    assert (mask == data[f"im{number}_r1_base_mask"]).all()
    assert iou(truth, mask) == pytest.approx(float(data[f"im{number}_r1_base_iou"]), abs=1e-12)
    assert next_click(truth, mask, [first]) == pixel(data[f"im{number}_r2_base"])


@pytest.mark.parametrize("number", range(3))
def test_the_iou_of_every_first_click_is_the_known_one(data, number):
    toy, truth = Toy(data, number), data[f"im{number}_gt"]
    expected = data[f"im{number}_r1_iou"]
    allowed = np.argwhere(np.isfinite(expected))
    assert (data[f"im{number}_r1_region"][tuple(allowed.T)] > 0).all()
    found = [iou(truth, toy.mask([(True, y, x)])) for y, x in allowed]
    np.testing.assert_allclose(found, expected[tuple(allowed.T)], atol=1e-12, rtol=0)
