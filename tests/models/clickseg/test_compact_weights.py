"""The weights that ship with the project."""

from pathlib import Path

import numpy as np
import pytest

from models.clickseg.compact import Click, load_compact
from models.clickseg.compact.zoom import ZoomPredictor
from models.clickseg.training.simulator import iou

WEIGHTS = Path(__file__).resolve().parents[3] / "weights" / "clickseg-compact.safetensors"


@pytest.fixture(scope="module")
def predictor() -> ZoomPredictor:
    rows, columns = np.mgrid[:200, :260]
    rng = np.random.default_rng(0)
    image = np.stack([90 + rows / 4, 120 + columns / 8, 80 + rows / 8], axis=-1)
    image[ball()] = np.asarray([200, 60, 40])
    image += rng.normal(0, 6, image.shape)
    return ZoomPredictor(load_compact(WEIGHTS), image.clip(0, 255).astype(np.uint8))


def ball() -> np.ndarray:
    rows, columns = np.mgrid[:200, :260]
    return (rows - 110) ** 2 + (columns - 90) ** 2 <= 45**2


def test_the_file_is_small_enough_to_ship():
    assert WEIGHTS.stat().st_size <= 16 * 2**20


def test_one_click_marks_a_plain_object(predictor):
    mask = predictor.answer([Click(True, 110, 90)]) > 0.49
    assert iou(ball().astype(np.uint8), mask) > 0.85


def test_a_second_click_inside_keeps_it(predictor):
    mask = predictor.answer([Click(True, 110, 90), Click(True, 130, 110)]) > 0.49
    assert iou(ball().astype(np.uint8), mask) > 0.85
