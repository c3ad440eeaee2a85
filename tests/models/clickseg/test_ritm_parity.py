"""RITM's network gives what the published code gives, for the same weights and inputs."""

from functools import cache

import numpy as np
import pytest
import torch

from models.clickseg.disks import hard_disks, mirror_points, pad_points
from models.clickseg.folding import fold_norms
from models.clickseg.hrnet import resize
from models.clickseg.ritm import Ritm, RitmConfig
from tests.models.clickseg.parity import assert_state_matches, fill, golden, picture, placed

SIZES = {
    "hr18s": (RitmConfig.hr18s(), 1.0),
    "hr18": (RitmConfig.hr18(), 0.75),
    "hr32": (RitmConfig.hr32(), 0.72),
}
LOGITS, PROBABILITIES = 3e-4, 1e-4
CASES = [(picture, clicks) for picture in (0, 1) for clicks in (1, 3, 7)]


@cache
def network(name):
    config, gain = SIZES[name]
    return fill(Ritm(config), gain)


@pytest.mark.parametrize("name", SIZES)
def test_the_state_dict_is_the_published_one(name):
    assert_state_matches(network(name), golden(f"ritm_{name}_state.npz"))


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_read_off_the_tensors(name):
    shapes = {key: tuple(value.shape) for key, value in network(name).state_dict().items()}
    assert RitmConfig.from_shapes(shapes) == SIZES[name][0]
    shapes["maps_transform.0.weight"] = (16, 2, 1, 1)
    assert not RitmConfig.from_shapes(shapes).previous_mask


def case(number, clicks):
    data = golden("ritm_hr18s_forward.npz")
    prefix = f"img{number}_n{clicks}_"
    if f"{prefix}clicks" not in data:
        pytest.skip("this case is only in the full golden data beside the checkout")
    part = {k.removeprefix(prefix): v for k, v in data.items() if k.startswith(prefix)}
    previous = torch.from_numpy(data[f"img{number}_prev"])[None, None]
    return part, picture(data[f"img{number}_rgb"]), previous


@pytest.mark.parametrize(("number", "clicks"), CASES)
@torch.no_grad()
def test_logits_agree_with_the_published_ones(number, clicks):
    data, image, previous = case(number, clicks)
    points = pad_points(placed(data["clicks"]))
    np.testing.assert_array_equal(points.numpy(), data["points"])
    maps = hard_disks(points, *image.shape[-2:])
    np.testing.assert_array_equal(maps[0].numpy(), data["disks"])
    net = network("hr18s")
    logits, auxiliary = net.low_resolution(net.encode(image), maps, previous)
    np.testing.assert_allclose(logits[0, 0].numpy(), data["lowres_logits"], atol=LOGITS, rtol=0)
    np.testing.assert_allclose(auxiliary[0, 0].numpy(), data["lowres_aux"], atol=LOGITS, rtol=0)
    if "logits" in data:
        full = resize(logits, image.shape[-2:])[0, 0].numpy()
        np.testing.assert_allclose(full, data["logits"], atol=LOGITS, rtol=0)


@pytest.mark.parametrize(("number", "clicks"), CASES)
@torch.no_grad()
def test_the_mean_over_the_mirror_image_is_of_logits(number, clicks):
    data, image, previous = case(number, clicks)
    points = pad_points(placed(data["clicks"]))
    mirrored = mirror_points(points, image.shape[-1])
    if "flip_points" in data:
        both = torch.cat([points, mirrored]).numpy()
        np.testing.assert_array_equal(both, data["flip_points"])
    net, size = network("hr18s"), image.shape[-2:]
    straight = net(image, hard_disks(points, *size), previous)
    flipped = net(image.flip(-1), hard_disks(mirrored, *size), previous.flip(-1))
    if "flip_logits" in data:
        theirs = data["flip_logits"]
        np.testing.assert_allclose(flipped[0, 0].numpy(), theirs, atol=LOGITS, rtol=0)
    mean = torch.sigmoid((straight + flipped.flip(-1)) / 2)[0, 0].numpy()
    np.testing.assert_allclose(mean, data["flip_prob"], atol=PROBABILITIES, rtol=0)


@torch.no_grad()
def test_the_previous_mask_enters_as_it_is():
    data, image, previous = case(1, 1)
    if "logits_zero_prev" not in data:
        pytest.skip("this case is only in the full golden data beside the checkout")
    maps = hard_disks(pad_points(placed(data["clicks"])), *image.shape[-2:])
    logits = network("hr18s")(image, maps, torch.zeros_like(previous))[0, 0].numpy()
    np.testing.assert_allclose(logits, data["logits_zero_prev"], atol=LOGITS, rtol=0)


@torch.no_grad()
def test_features_within_the_network_agree():
    _, image, previous = case(0, 3)
    data = golden("ritm_hr18s_forward.npz")
    net, seen = network("hr18s"), {}
    extractor = net.feature_extractor
    watched = {
        "maps_transform": net.maps_transform,
        "feature_extractor.bn1": extractor.bn1,
        "feature_extractor.layer1": extractor.layer1,
        "feature_extractor.conv3x3_ocr": extractor.conv3x3_ocr,
        "feature_extractor.ocr_distri_head": extractor.ocr_distri_head,
    }
    # cloned at once: the activation behind a norm works in place
    hooks = [
        module.register_forward_hook(
            lambda _m, _i, out, name=name: seen.update({name: out.clone()})
        )
        for name, module in watched.items()
    ]
    stages = [
        getattr(extractor, f"stage{n}").register_forward_hook(
            lambda _m, _i, out, n=n: seen.update(
                {f"feature_extractor.stage{n}.branch{i}": x for i, x in enumerate(out)}
            )
        )
        for n in (2, 3, 4)
    ]
    maps = hard_disks(pad_points(placed(data["img0_n3_clicks"])), *image.shape[-2:])
    net(image, maps, previous)
    for hook in (*hooks, *stages):
        hook.remove()
    for name, value in seen.items():
        pixels = value[0].flatten(1).double()
        found = torch.stack([pixels.mean(dim=1), pixels.std(dim=1, correction=0)]).numpy()
        np.testing.assert_allclose(found, data[f"probe.{name}"], atol=1e-4, rtol=1e-4, err_msg=name)
    assert len(seen) == 14


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", ["hr18", "hr32"])
@torch.no_grad()
def test_the_larger_networks_agree_also_with_folded_norms(name, folded):
    data = golden(f"ritm_{name}_forward.npz")
    config, gain = SIZES[name]
    net = network(name)
    if folded:
        net = fill(Ritm(config), gain)
        fold_norms(net)
        net.to(memory_format=torch.channels_last)
    image, previous = picture(data["rgb"]), torch.from_numpy(data["prev"])[None, None]
    maps = hard_disks(pad_points(placed(data["clicks"])), *image.shape[-2:])
    features = net.encode(image)
    low, auxiliary = net.low_resolution(features, maps, previous)
    full = resize(low, image.shape[-2:])
    np.testing.assert_allclose(low[0, 0].numpy(), data["lowres_logits"], atol=5e-5, rtol=0)
    np.testing.assert_allclose(auxiliary[0, 0].numpy(), data["lowres_aux"], atol=5e-5, rtol=0)
    every_fourth = full[0, 0, ::4, ::4].numpy()
    np.testing.assert_allclose(every_fourth, data["logits_stride4"], atol=5e-5, rtol=0)
    sums = [full.double().sum().item(), full.double().abs().sum().item()]
    np.testing.assert_allclose(sums, data["logits_sum_abssum"], atol=5e-5 * full.numel(), rtol=0)


@torch.no_grad()
def test_without_previous_mask_the_network_hears_of_clicks_alone():
    torch.manual_seed(0)
    net = Ritm(RitmConfig.hr18(previous_mask=False)).eval()
    assert net.maps_transform[0].weight.shape == (16, 2, 1, 1)
    image, maps = torch.rand(1, 3, 40, 56), torch.zeros(1, 2, 40, 56)
    maps[0, 0, 10:20, 10:20] = 1
    clicked = net(image, maps, torch.zeros(1, 1, 40, 56))
    assert torch.equal(clicked, net(image, maps, torch.ones(1, 1, 40, 56)))
    assert not torch.equal(clicked, net(image, torch.zeros_like(maps), torch.zeros(1, 1, 40, 56)))
