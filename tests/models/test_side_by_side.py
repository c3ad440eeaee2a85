import threading

import pytest
import torch

from models.clickseg.compact import CompactClickNet
from models.clickseg.disks import PlacedClick
from models.clickseg.predictor import COMPACT, ClickPredictor
from models.side_by_side import side_by_side

CPU = torch.device("cpu")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_keep_their_order_and_torch_its_threads(threads):
    used = set()

    def work(item):
        used.add(threading.get_ident())
        assert not torch.is_grad_enabled() or threads == 1
        return 2 * item

    assert side_by_side(work, list(range(20)), CPU) == [2 * k for k in range(20)]
    assert len(used) <= threads
    assert torch.get_num_threads() == threads


def test_what_one_raises_is_raised(threads):
    def work(item):
        if item == 3:
            raise KeyError(item)
        return item

    with pytest.raises(KeyError):
        side_by_side(work, list(range(6)), CPU)
    assert torch.get_num_threads() == threads


@torch.no_grad()
def test_crops_side_by_side_give_what_they_give_alone(threads):
    torch.manual_seed(0)
    network = CompactClickNet().eval()
    network.head.out4.bias.fill_(0.5)
    rgb = torch.randint(0, 256, (120, 160, 3), dtype=torch.uint8)
    first = PlacedClick(True, 60.0, 80.0)
    prompts = [(first, PlacedClick(True, 10.0 * k, 12.0 * k)) for k in range(6)]
    predictor = ClickPredictor(network, COMPACT, batch=1)
    together = predictor.predict_many(predictor.open(rgb), prompts)
    for prompt, map_ in zip(prompts, together, strict=True):
        alone = ClickPredictor(network, COMPACT, batch=1)
        torch.testing.assert_close(map_, alone.predict(alone.open(rgb), prompt), atol=1e-5, rtol=0)
