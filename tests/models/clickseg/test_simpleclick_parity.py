"""SimpleClick's network gives what the published code gives, for the same weights and inputs."""

from functools import cache

import numpy as np
import pytest
import torch

from models.clickseg.disks import hard_disks, pad_points
from models.clickseg.predictor import SIMPLECLICK, ClickPredictor
from models.clickseg.pyramid import LEVELS
from models.clickseg.simpleclick import SimpleClick, SimpleClickConfig
from tests.models.clickseg.parity import assert_state_matches, fill, golden, picture, placed

FORWARD = "simpleclick_vitb_forward.npz"
LOGITS, BLOCKS, PROBABILITIES = 5e-4, 1e-3, 5e-4
SIZES = {
    "xtiny": SimpleClickConfig.xtiny(),
    "base": SimpleClickConfig.base(),
    "large": SimpleClickConfig.large(),
    "huge": SimpleClickConfig.huge(),
}


@cache
def network():
    return fill(SimpleClick(SimpleClickConfig.base()), 2.0)


@pytest.mark.slow
def test_the_state_dict_is_the_published_one():
    assert_state_matches(network(), golden("simpleclick_vitb_state.npz"))


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_read_off_the_tensors(name):
    with torch.device("meta"):
        net = SimpleClick(SIZES[name])
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    assert SimpleClickConfig.from_shapes(shapes) == SIZES[name]


def test_blocks_that_see_everything_are_the_published_ones():
    seeing = {
        name: [n for n in range(1, c.vit.depth + 1) if n % c.vit.period == 0]
        for name, c in SIZES.items()
    }
    assert seeing == {
        "xtiny": [2, 4, 6, 8],
        "base": [6, 12],
        "large": [6, 12, 18, 24],
        "huge": [8, 16, 24, 32],
    }
    assert {name: c.vit.window for name, c in SIZES.items()}["huge"] == 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sq", "rect"])
@torch.no_grad()
def test_logits_and_features_agree_with_the_published_ones(name):
    data = {k.removeprefix(f"{name}_"): v for k, v in golden(FORWARD).items()}
    image, previous = picture(data["rgb"]), torch.from_numpy(data["prev"])[None, None]
    maps = hard_disks(pad_points(placed(data["clicks"])), *image.shape[-2:])
    net, seen = network(), {}
    watched = {f"block{n}": net.backbone.blocks[n - 1] for n in (1, 6, 12)}
    watched |= {f"neck{i}": getattr(net.neck, level) for i, level in enumerate(LEVELS)}
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, key=key: seen.update({key: out}))
        for key, module in watched.items()
    ]
    low = net.low_resolution(net.encode(image), maps, previous)
    for hook in hooks:
        hook.remove()
    for n in (1, 6, 12):
        block = seen[f"block{n}"]
        assert list(block.shape) == data[f"block{n}_shape"].tolist()
        theirs = data[f"block{n}_slice"]
        np.testing.assert_allclose(block[:, ::14, ::64].numpy(), theirs, atol=BLOCKS, rtol=0)
    for i in range(4):
        level = seen[f"neck{i}"]
        assert list(level.shape) == data[f"neck{i}_shape"].tolist()
        pixels = level[0].flatten(1)
        found = torch.stack([pixels.mean(dim=1), pixels.std(dim=1, correction=0)]).numpy()
        np.testing.assert_allclose(found, data[f"neck{i}_ch_meanstd"], atol=BLOCKS, rtol=0)
    np.testing.assert_allclose(low[0, 0].numpy(), data["lowres_logits"], atol=LOGITS, rtol=0)
    full = torch.nn.functional.interpolate(
        low, size=image.shape[-2:], mode="bilinear", align_corners=True
    )
    every_eighth = full[0, 0, ::8, ::8].numpy()
    np.testing.assert_allclose(every_eighth, data["logits_stride8"], atol=LOGITS, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sq", "rect"])
def test_position_codes_of_other_sizes_agree(name):
    data = {k.removeprefix(f"{name}_"): v for k, v in golden(FORWARD).items()}
    rows, columns = (size // 16 for size in data["rgb"].shape[:2])
    net = network().backbone
    codes = net.positions(rows, columns).reshape(1, rows * columns, -1)
    used = torch.cat([net.pos_embed[:, :1], codes], dim=1)[0, ::8, ::48]
    np.testing.assert_allclose(used.numpy(), data["pos_embed_used_slice"], atol=1e-6, rtol=0)


@pytest.mark.slow
def test_three_clicks_agree_with_the_published_predictor():
    data = golden(FORWARD)
    net = network()
    kept = net.head.conv_seg.bias.clone()
    net.head.conv_seg.bias.fill_(float(data["pipe_head_bias"]))
    try:
        predictor = ClickPredictor(net, SIMPLECLICK)
        photo = predictor.open(torch.from_numpy(data["pipe_rgb"]))
        clicks = placed(data["pipe_clicks"])
        for step in range(3):
            state = predictor.state(photo, clicks[: step + 1])
            assert vars(state.box) == dict(
                zip(vars(state.box), data["pipe_roi"][step].tolist(), strict=True)
            )
            theirs = data[f"pipe_step{step}_prob"]
            found = state.probability.numpy()
            np.testing.assert_allclose(found, theirs, atol=PROBABILITIES, rtol=0)
    finally:
        net.head.conv_seg.bias.copy_(kept)


def test_a_size_that_windows_do_not_divide_is_named():
    with torch.device("meta"):
        net = SimpleClick(SimpleClickConfig.xtiny())
        image, maps, previous = (torch.zeros(1, c, 320, 448) for c in (3, 2, 1))
        with pytest.raises(ValueError, match="multiples of 224"):
            net(image, maps, previous)


@torch.no_grad()
def test_tensors_that_take_no_part_change_nothing():
    torch.manual_seed(0)
    net = SimpleClick(SimpleClickConfig.xtiny()).eval()
    inputs = torch.rand(1, 3, 224, 224), torch.rand(1, 2, 224, 224), torch.rand(1, 1, 224, 224)
    before = net(*inputs)
    for key, value in net.state_dict().items():
        if any(part in key for part in ("cls_token", "fc_norm", "backbone.head", "up_conv")):
            value.fill_(3.0)
    assert torch.equal(net(*inputs), before)
