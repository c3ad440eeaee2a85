"""Five clicks in a row give the published predictor's boxes and probabilities."""

from functools import cache

import numpy as np
import pytest
import torch

from models.clickseg.disks import pad_points
from models.clickseg.photo import State
from models.clickseg.predictor import ClickPredictor, Recipe
from models.clickseg.ritm import Ritm, RitmConfig
from models.clickseg.zoom import Box
from tests.models.clickseg.parity import fill, golden, placed

FORCED, FREE = 1e-4, 1e-3
INTERACTIONS = ["A", "B", "C"]
STEPS = range(5)


@pytest.fixture(params=INTERACTIONS)
def interaction(request):
    """Arrays of one interaction, its predictor, photo and clicks."""
    return load(request.param)


@cache
def load(letter):
    prefix = f"pipe{letter}_"
    stored = golden("ritm_hr18s_pipeline.npz")
    data = {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
    if not data:
        pytest.skip("this interaction is only in the full golden data beside the checkout")
    network = fill(Ritm(RitmConfig.hr18s()), 1.0)
    head = network.feature_extractor.cls_head
    head.weight.mul_(float(data["head_scale"]))
    head.bias.fill_(float(data["head_bias"]))
    predictor = ClickPredictor(network, Recipe(flip=bool(data["with_flip"])))
    photo = predictor.open(torch.from_numpy(data["rgb"]))
    return data, predictor, photo, placed(data["clicks"])


def box_of(numbers):
    return None if numbers[0] < 0 else Box(*(int(n) for n in numbers))


def is_recomputed(zoom, before, run):
    """Whether the crop is chosen anew at the newest click, be it to the same one."""
    skipped = len(run) <= zoom.skip_clicks
    candidate = None if skipped else zoom.candidate(before.probability, run)
    return candidate is not None and not zoom.keeps(before.box, candidate, run)


def test_carrying_its_own_maps_it_agrees(interaction):
    data, predictor, photo, clicks = interaction
    stride = int(data.get("prob_stride", 1))
    truth = data["gt"]
    for step in STEPS:
        state = predictor.state(photo, clicks[: step + 1])
        assert state.box == box_of(data["roi"][step])
        found = state.probability.numpy()
        theirs = data[f"step{step}_prob"]
        np.testing.assert_allclose(found[::stride, ::stride], theirs, atol=FREE, rtol=0)
        mask, inside, counted = found > np.float32(0.49), truth == 1, truth != -1
        overlap = (mask & inside & counted).sum() / ((mask | inside) & counted).sum()
        assert overlap == pytest.approx(data["iou"][step], abs=2e-3)


def test_with_their_maps_before_each_click_it_agrees_closely(interaction):
    data, predictor, photo, clicks = interaction
    if "prob_stride" in data:
        pytest.skip("whole maps are only in the full golden data beside the checkout")
    for step in STEPS:
        before = State(photo.start)
        if step:
            previous = torch.from_numpy(data[f"step{step - 1}_prob"])
            before = State(previous, box_of(data["roi"][step - 1]))
        state = predictor.after(photo, before, clicks[: step + 1])
        assert state.box == box_of(data["roi"][step])
        theirs = data[f"step{step}_prob"]
        np.testing.assert_allclose(state.probability.numpy(), theirs, atol=FORCED, rtol=0)


def test_the_network_sees_the_published_sizes_and_clicks(interaction):
    data, predictor, photo, clicks = interaction
    before = State(photo.start)
    for step in STEPS:
        run = clicks[: step + 1]
        plan = predictor.plan(before, run)
        size = (plan.view.height, plan.view.width)
        assert size == tuple(data["net_input_hw"][step])
        assert is_recomputed(predictor.recipe.zoom, before, run) == data["roi_updated"][step]
        points = plan.view.place(pad_points(run))[0].numpy()
        np.testing.assert_allclose(points, data[f"step{step}_points"][0], atol=2e-5, rtol=1e-7)
        before = predictor.state(photo, run)
