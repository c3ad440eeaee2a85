"""Answering clicks on photos of any size: crops, remembered masks, reused encodings."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.clickseg.compact import Click, CompactClickNet, CompactConfig
from models.clickseg.compact.zoom import Crop, ZoomPredictor, ZoomSettings

PARITY = Path(__file__).resolve().parents[4] / "shared" / "parity" / "clickseg"


class Disks(CompactClickNet):
    """Marks 61 pixels around every inside click; remembers the sizes it saw."""

    def __init__(self) -> None:
        super().__init__(CompactConfig(64, 32, 16, 8, heads=2, embedding=8, attention=1))
        self.seen: list[tuple[int, int]] = []

    def predict(self, features, clicks, prev):
        self.seen.append(features.size)
        assert super().predict(features, clicks, prev).shape == prev.shape
        return torch.nn.functional.max_pool2d(clicks[:, :1], 61, 1, 30) * 20 - 10


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (300, 500, 3), dtype=np.uint8)


def test_the_first_click_sees_the_whole_photo_and_the_next_a_crop(photo):
    network = Disks()
    predictor = ZoomPredictor(network, photo)
    first = predictor.answer([Click(True, 150, 250)])
    assert first.shape == (300, 500)
    assert network.seen == [(269, 448)]
    assert first[150, 250] > 0.9
    assert first[10, 10] < 0.1
    second = predictor.answer([Click(True, 150, 250), Click(False, 150, 300)])
    assert network.seen[1] == (448, 448)
    assert second[:40].max() == 0


def test_answers_depend_on_the_clicks_alone_and_encodings_are_reused(photo):
    clicks = [Click(True, 150, 250), Click(False, 150, 300), Click(True, 140, 240)]
    predictor = ZoomPredictor(Disks(), photo)
    steps = [predictor.answer(clicks[:n]) for n in (1, 2, 3)]
    encoded = predictor.encoded
    again = {n: predictor.answer(clicks[:n]) for n in (3, 1, 2)}
    assert predictor.encoded == encoded == 2
    for count, answer in enumerate(steps, start=1):
        assert np.array_equal(again[count], answer)
    fresh = ZoomPredictor(Disks(), photo)
    assert np.array_equal(fresh.answer(clicks), steps[2])
    assert predictor.answer([]).max() == 0


def test_a_mirrored_average_marks_the_same_place(photo):
    predictor = ZoomPredictor(Disks(), photo, ZoomSettings(flip=True, side=96))
    answer = predictor.answer([Click(True, 150, 350)])
    assert answer[150, 350] > 0.9
    assert answer[150, 50] < 0.5


def test_without_zoom_every_click_sees_the_whole_photo(photo):
    network = Disks()
    predictor = ZoomPredictor(network, photo, ZoomSettings(zoom=False))
    predictor.answer([Click(True, 150, 250), Click(True, 100, 200)])
    assert set(network.seen) == {(269, 448)}
    assert predictor.encoded == 1


def test_a_first_click_on_a_small_object_can_be_answered_again_in_a_crop(photo):
    network = Disks()
    answer = ZoomPredictor(network, photo, ZoomSettings(again=0.5)).answer([Click(True, 150, 250)])
    assert network.seen == [(269, 448), (448, 448)]
    assert answer[150, 250] > 0.9
    assert answer[:40].max() == 0
    once = Disks()
    ZoomPredictor(once, photo, ZoomSettings(again=0.01)).answer([Click(True, 150, 250)])
    assert once.seen == [(269, 448)]


def test_crops_match_the_official_zoom():
    if not (PARITY / "zoom_roi.npz").is_file():
        pytest.skip("official zoom cases are not beside the repository")
    cases = np.load(PARITY / "zoom_roi.npz")
    for index in range(len(cases["roi"])):
        height, width = cases["image_hw"][index]
        top, bottom, left, right = cases["mask_box"][index]
        mask = np.zeros((height, width), bool)
        mask[top : bottom + 1, left : right + 1] = True
        rows = cases["clicks"][index][: cases["n_clicks"][index]]
        positive = [Click(True, float(y), float(x)) for sign, y, x in rows if sign]
        crop = ZoomPredictor(Disks(), np.zeros((height, width, 3), np.uint8))._wanted(
            mask, positive
        )
        top, bottom, left, right = cases["roi"][index]
        assert crop == Crop(top, bottom + 1, left, right + 1)
