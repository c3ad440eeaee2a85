"""A prediction depends on photo and clicks alone, costs one pass, and can be differentiated."""

import random

import pytest
import torch

from models.clickseg.disks import PlacedClick
from models.clickseg.hrnet import HRNetConfig
from models.clickseg.photo import Memory
from models.clickseg.predictor import ClickPredictor, Recipe
from models.clickseg.ritm import Ritm, RitmConfig
from models.clickseg.zoom import Box, Zoom


class Counting(Ritm):
    """Counts what is asked of it."""

    def __init__(self, config):
        super().__init__(config)
        self.encoded, self.predicted = 0, []

    def encode(self, image):
        self.encoded += 1
        return super().encode(image)

    def predict(self, features, click_maps, previous):
        self.predicted.append(len(click_maps))
        return super().predict(features, click_maps, previous)


class Square:
    """Says that a square around the first click inside is the object, whatever the picture."""

    def __init__(self, half):
        self.half, self.seen = half, []

    def encode(self, image):
        self.seen.append(tuple(image.shape[-2:]))
        return image

    def predict(self, features, click_maps, previous):
        logits = torch.full(click_maps[:, :1].shape, -9.0)
        for logit, inside in zip(logits, click_maps[:, 0], strict=True):
            rows, columns = torch.nonzero(inside, as_tuple=True)
            if len(rows):
                row, column = int(rows.float().mean()), int(columns.float().mean())
                top, left = max(0, row - self.half), max(0, column - self.half)
                logit[0, top : row + self.half, left : column + self.half] = 9
        return logits


CLICKS = (
    PlacedClick(True, 40, 50),
    PlacedClick(True, 70, 20),
    PlacedClick(False, 10, 80),
    PlacedClick(True, 5, 5),
)
SMALL = Zoom(target=48, min_crop=32)


@pytest.fixture
def network():
    torch.manual_seed(3)
    net = Counting(RitmConfig(HRNetConfig.small(4), 4)).eval().requires_grad_(False)
    net.feature_extractor.cls_head.weight.mul_(60)
    net.maps_transform[3].scale.fill_(2.0)
    return net


@pytest.fixture
def rgb():
    return torch.randint(0, 256, (80, 96, 3), generator=torch.manual_seed(0)).to(torch.uint8)


def predictor_of(network, **options):
    return ClickPredictor(network, Recipe(zoom=SMALL, **options))


def test_the_order_of_questions_changes_nothing(network, rgb):
    runs = [CLICKS[:k] for k in range(5)] + [CLICKS[1:], (CLICKS[0], CLICKS[2])]
    alone = {}
    for run in runs:
        predictor = predictor_of(network)
        alone[run] = predictor.predict(predictor.open(rgb), run)
    predictor = predictor_of(network)
    photo = predictor.open(rgb)
    for seed in range(3):
        random.Random(seed).shuffle(runs)
        for run in runs:
            assert torch.equal(predictor.predict(photo, run), alone[run])


def test_one_more_click_costs_one_pass_for_picture_and_mirror_image(network, rgb):
    predictor = predictor_of(network)
    photo = predictor.open(rgb)
    predictor.predict(photo, CLICKS[:3])
    network.predicted.clear()
    predictor.predict(photo, CLICKS)
    assert network.predicted == [1, 1]
    predictor.predict(photo, CLICKS)
    predictor.predict(photo, CLICKS[:2])
    assert network.predicted == [1, 1]


def test_a_view_is_encoded_once(network, rgb):
    predictor = ClickPredictor(network, Recipe(zoom=None))
    photo = predictor.open(rgb)
    assert network.encoded == 2
    predictor.predict(photo, CLICKS)
    assert network.encoded == 2


def test_forgetting_changes_no_answer(network, rgb):
    predictor = predictor_of(network)
    photo = predictor.open(rgb)
    answer = predictor.predict(photo, CLICKS)
    predictor._states, predictor._features = Memory(0), Memory(0)
    assert torch.equal(predictor.predict(photo, CLICKS), answer)


def test_many_prompts_run_together_and_give_what_they_give_alone(network, rgb):
    predictor = predictor_of(network)
    photo = predictor.open(rgb)
    prompts = [(PlacedClick(True, 3 * k, 4 * k),) for k in range(12)] + [CLICKS, (), CLICKS[:2]]
    predictor.predict_many(photo, prompts[-3:])
    network.predicted.clear()
    together = predictor.predict_many(photo, prompts)
    assert max(network.predicted) == predictor.batch
    assert len(network.predicted) < len(prompts)
    for prompt, map_ in zip(prompts, together, strict=True):
        alone = predictor_of(network)
        expected = alone.predict(alone.open(rgb), prompt)
        torch.testing.assert_close(map_, expected, atol=1e-5, rtol=0)


def test_no_click_gives_the_map_to_begin_from(network, rgb):
    predictor = predictor_of(network)
    assert not predictor.predict(predictor.open(rgb), ()).any()


def test_work_stops_between_passes(network, rgb):
    class StopError(Exception):
        pass

    def check():
        if len(network.predicted) >= 4:
            raise StopError

    predictor = predictor_of(network)
    with pytest.raises(StopError):
        predictor.predict(predictor.open(rgb), CLICKS, check)
    assert len(network.predicted) == 4


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("recipe", [Recipe(zoom=SMALL), Recipe(zoom=None, flip=False)])
def test_the_soft_map_is_close_to_the_hard_one_and_has_its_slope(network, rgb, count, recipe):
    predictor = ClickPredictor(network.double(), recipe, dtype=torch.float64)
    photo = predictor.open(rgb)
    clicks = CLICKS[:count]
    place = torch.tensor(clicks[-1][1:], dtype=torch.float64)
    hard = predictor.predict(photo, clicks)
    soft = predictor.soft_probability(photo, clicks, place)
    assert (soft - hard).abs().mean() < 0.1
    place = (place + torch.tensor([0.3, -0.2])).requires_grad_()
    (slope,) = torch.autograd.grad(predictor.soft_probability(photo, clicks, place).sum(), place)
    for axis in (0, 1):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = 1e-6
        up, down = (
            predictor.soft_probability(photo, clicks, place.detach() + sign * step).sum()
            for sign in (1, -1)
        )
        measured = (up - down) / 2e-6
        assert slope[axis] == pytest.approx(measured.item(), rel=1e-3, abs=1e-4)
    assert slope.abs().max() > 0


def test_a_vanished_object_is_squeezed_into_the_old_crop_only_if_that_is_asked_for():
    class Vanishing(Square):
        def predict(self, features, click_maps, previous):
            logits = super().predict(features, click_maps, previous)
            vanishes = click_maps[:, 1].any() and previous.any()
            return torch.full_like(logits, -9.0) if vanishes else logits

    clicks = (
        PlacedClick(True, 30, 30),
        PlacedClick(True, 34, 34),
        PlacedClick(False, 42, 42),
        PlacedClick(False, 44, 20),
    )
    boxes, seen = {}, {}
    for keep in (True, False):
        net = Vanishing(6)
        predictor = ClickPredictor(net, Recipe(zoom=SMALL, flip=False, keep_box=keep))
        photo = predictor.open(torch.zeros(80, 96, 3, dtype=torch.uint8))
        assert predictor.state(photo, clicks[:3]).probability.max() < 0.5
        state = predictor.state(photo, clicks)
        boxes[keep] = state.box
        seen[keep] = float(state.probability[-1, -1])
    assert boxes[True] is not None
    assert boxes[False] is None
    assert seen[True] == 0.0  # outside of the crop nothing is pasted
    assert seen[False] > 0.0


def test_without_skipped_clicks_a_small_object_is_looked_at_again_in_a_crop():
    net = Square(4)
    zoom = Zoom(skip_clicks=0, target=48, min_crop=20)
    predictor = ClickPredictor(net, Recipe(zoom=zoom, flip=False))
    photo = predictor.open(torch.zeros(80, 96, 3, dtype=torch.uint8))
    state = predictor.state(photo, (PlacedClick(True, 40, 40),))
    assert net.seen == [(80, 96), (48, 48)]
    assert state.box == Box(30, 50, 30, 50)
    big = Square(38)
    predictor = ClickPredictor(big, Recipe(zoom=zoom, flip=False))
    photo = predictor.open(torch.zeros(80, 96, 3, dtype=torch.uint8))
    assert predictor.state(photo, (PlacedClick(True, 40, 40),)).box is None
    assert big.seen == [(80, 96)]


def test_large_photos_are_shrunk_where_they_are_looked_at_whole():
    net = Square(4)
    predictor = ClickPredictor(net, Recipe(zoom=SMALL, flip=False, largest=64))
    photo = predictor.open(torch.zeros(200, 256, 3, dtype=torch.uint8))
    map_ = predictor.predict(photo, (PlacedClick(True, 100, 128),))
    assert net.seen == [(50, 64)]
    assert map_.shape == (200, 256)
    assert map_[100, 128] > 0.5


def test_memory_is_bounded_and_drops_the_longest_unused():
    memory = Memory(100)
    for name in "abc":
        memory.put(name, name, 40)
    assert memory.get("a") is None
    assert memory.get("b") == "b"
    memory.put("d", "d", 40)
    assert memory.get("c") is None
    assert memory.get("b") == "b"
    memory.put("huge", "huge", 101)
    assert memory.get("huge") is None
