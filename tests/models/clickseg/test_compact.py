"""The compact click network: shapes, gradients, guidance, weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.clickseg.compact import (
    Click,
    CompactCheckpointError,
    CompactClickNet,
    CompactConfig,
    click_maps,
    hard_disks,
    load_compact,
    save_compact,
    soft_disks,
    start_from_imagenet,
)
from models.clickseg.compact.encoder import STAGES, LiteEncoder, SameConv, encoder_state
from models.clickseg.compact.guidance import ClickGuidance, unit_heads


@pytest.fixture(scope="module")
def network() -> CompactClickNet:
    torch.manual_seed(0)
    return CompactClickNet().eval()


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


def maps(clicks: list[Click], height: int, width: int) -> torch.Tensor:
    return click_maps(clicks, height, width)[None]


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 97), (61, 40), (1, 5), (100, 31)])
def test_logits_have_the_photos_size_whatever_it_is(network, height, width):
    features = network.encode(picture(height, width))
    clicks = maps([Click(True, height // 2, width // 2)], height, width)
    with torch.no_grad():
        logits = network.predict(features, clicks, torch.zeros(1, 1, height, width))
    assert logits.shape == (1, 1, height, width)
    assert torch.isfinite(logits).all()


def test_the_same_clicks_give_the_same_logits_from_one_encoding(network):
    with torch.no_grad():
        features = network.encode(picture(64, 96))
        prompts = [maps([Click(True, 30, y)], 64, 96) for y in (20, 70, 20)]
        previous = torch.zeros(1, 1, 64, 96)
        first, other, again = (network.predict(features, p, previous) for p in prompts)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_photos_in_a_batch_do_not_influence_each_other(network):
    pictures = torch.cat([picture(64, 64, 1), picture(64, 64, 2)])
    clicks = torch.cat([maps([Click(True, 20, 20)], 64, 64), maps([], 64, 64)])
    previous = torch.zeros(2, 1, 64, 64)
    with torch.no_grad():
        both = network.predict(network.encode(pictures), clicks, previous)
        for index in range(2):
            part = slice(index, index + 1)
            alone = network.predict(network.encode(pictures[part]), clicks[part], previous[part])
            torch.testing.assert_close(both[part], alone, atol=1e-4, rtol=1e-4)


def test_repeated_features_answer_several_prompts_of_each_photo(network):
    pictures = torch.cat([picture(64, 64, 1), picture(64, 64, 2)])
    prompts = torch.cat([maps([Click(True, 10 + 10 * i, 20)], 64, 64) for i in range(4)])
    with torch.no_grad():
        features = network.encode(pictures)
        many = network.predict(features.repeat(2), prompts, torch.zeros(4, 1, 64, 64))
        last = network.predict(network.encode(pictures[1:]), prompts[3:], torch.zeros(1, 1, 64, 64))
    torch.testing.assert_close(many[3:], last, atol=1e-4, rtol=1e-4)


def test_the_mask_has_a_gradient_with_respect_to_where_the_click_is(network):
    features = network.encode(picture(64, 64))
    place = torch.tensor([[30.3, 25.8]], requires_grad=True)

    def total(points: torch.Tensor) -> torch.Tensor:
        disks = torch.stack([soft_disks(points, 64, 64), torch.zeros(64, 64)])[None]
        return network.predict(features, disks, torch.zeros(1, 1, 64, 64)).sigmoid().sum()

    (gradient,) = torch.autograd.grad(total(place), place)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).all()
    step = 0.02 * gradient / gradient.norm()
    with torch.no_grad():
        change = total(place + step) - total(place - step)
    assert change.item() == pytest.approx(0.04 * gradient.norm().item(), rel=0.3)


def test_a_soft_disk_covers_what_the_hard_one_does():
    place = torch.tensor([[20.0, 17.0]])
    assert hard_disks(place, 40, 40).sum() == 81
    assert soft_disks(place, 40, 40).sum() == pytest.approx(np.pi * 25, rel=0.01)
    assert soft_disks(place, 40, 40)[20, 17] == 1


def test_no_clicks_draw_nothing_and_an_outside_click_draws_in_the_second_map():
    assert click_maps([], 9, 9).sum() == 0
    drawn = click_maps([Click(False, 20, 20)], 40, 40)
    assert drawn[0].sum() == 0
    assert drawn[1].sum() == 81


def test_guidance_is_constant_without_clicks_and_highest_where_it_looks_alike():
    torch.manual_seed(0)
    guidance = ClickGuidance(heads=2)
    left, right = torch.randn(2, 8), torch.randn(2, 8)
    cells = torch.cat([left[..., None].expand(2, 8, 5), right[..., None].expand(2, 8, 5)], dim=2)
    unit = torch.nn.functional.normalize(cells, dim=1)
    embedding = unit[None, :, :, None, :].expand(-1, -1, -1, 6, -1)
    weights = torch.zeros(1, 2, 6, 10)
    silent = guidance(embedding, weights)
    torch.testing.assert_close(silent, silent[:, :, :1, :1].expand_as(silent))
    weights[0, 0, 3, 2] = 0.5
    found = guidance(embedding, weights)[0]
    assert (found[:2, 3, 0] > found[:2, 3, 9]).all()
    torch.testing.assert_close(found[4:], silent[0, 4:])


def test_guidance_of_a_photo_does_not_depend_on_how_many_cells_others_have():
    torch.manual_seed(0)
    guidance = ClickGuidance(heads=2)
    embedding = unit_heads(torch.randn(2, 16, 5, 7), 2)
    weights = torch.zeros(2, 2, 5, 7)
    weights[0, 0, 2, 3] = 1
    alone = guidance(embedding[:1], weights[:1])
    weights[1, 0] = 0.3
    torch.testing.assert_close(guidance(embedding, weights)[:1], alone)


def test_strided_convolutions_pad_like_tensorflow():
    conv = SameConv(1, 1, 3, 2, bias=False)
    with torch.no_grad():
        conv.weight.fill_(1.0)
    even = conv(torch.ones(1, 1, 4, 4))
    assert even.flatten().tolist() == [9, 6, 6, 4]
    assert conv(torch.ones(1, 1, 5, 5)).shape[-2:] == (3, 3)


def published_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """Random tensors under the published names and shapes."""
    generator = torch.Generator().manual_seed(seed)
    state = {}

    def add(conv: str, norm: str, shape: tuple[int, ...]) -> None:
        fan = shape[1] * shape[2] * shape[3]
        state[f"{conv}.weight"] = torch.randn(shape, generator=generator) / fan**0.5
        for name in ("weight", "running_var"):
            state[f"{norm}.{name}"] = torch.rand(shape[0], generator=generator) + 0.5
        for name in ("bias", "running_mean"):
            state[f"{norm}.{name}"] = 0.1 * torch.randn(shape[0], generator=generator)

    add("_conv_stem", "_bn0", (32, 3, 3, 3))
    number, inputs = 0, 32
    for spec in STAGES:
        for _ in range(spec.blocks):
            block, hidden = f"_blocks.{number}", inputs * spec.expand
            if spec.expand > 1:
                add(f"{block}._expand_conv", f"{block}._bn0", (hidden, inputs, 1, 1))
            kernel = (hidden, 1, spec.kernel, spec.kernel)
            add(f"{block}._depthwise_conv", f"{block}._bn1", kernel)
            add(f"{block}._project_conv", f"{block}._bn2", (spec.channels, hidden, 1, 1))
            number, inputs = number + 1, spec.channels
    return state


def test_folding_batch_normalisation_changes_nothing():
    published = published_weights()
    encoder = LiteEncoder()
    encoder.load_state_dict(encoder_state(published))
    x = (torch.rand(1, 3, 32, 32) * 255 - 127) / 128
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1))
    plain = torch.nn.functional.conv2d(padded, published["_conv_stem.weight"], stride=2)
    names = ("running_mean", "running_var", "weight", "bias")
    statistics = (published[f"_bn0.{name}"] for name in names)
    normal = torch.nn.functional.batch_norm(plain, *statistics, eps=1e-3)
    torch.testing.assert_close(encoder.stem(x), normal, atol=1e-4, rtol=1e-4)


def test_the_encoder_starts_from_published_weights_and_refuses_others(tmp_path: Path):
    torch.save(published_weights(), tmp_path / "lite0.pth")
    network = CompactClickNet()
    before = network.encoder.stem.weight.clone()
    start_from_imagenet(network, tmp_path / "lite0.pth")
    assert not torch.equal(before, network.encoder.stem.weight)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(CompactCheckpointError, match=r"other\.pth"):
        start_from_imagenet(network, tmp_path / "other.pth")


def test_saved_weights_load_again_and_give_nearly_the_same_mask(network, tmp_path: Path):
    save_compact(network, tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").stat().st_size < 16 * 2**20
    loaded = load_compact(tmp_path / "w.safetensors")
    clicks, previous = maps([Click(True, 20, 30)], 64, 64), torch.zeros(1, 1, 64, 64)
    with torch.no_grad():
        ours = network.predict(network.encode(picture(64, 64)), clicks, previous)
        theirs = loaded.predict(loaded.encode(picture(64, 64)), clicks, previous)
    torch.testing.assert_close(ours.sigmoid(), theirs.sigmoid(), atol=0.02, rtol=0)
    assert not loaded.training


def test_wrong_weights_are_refused_in_words(network, tmp_path: Path):
    with pytest.raises(CompactCheckpointError, match="no such file"):
        load_compact(tmp_path / "none.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(CompactCheckpointError, match="not a readable safetensors file"):
        load_compact(tmp_path / "damaged.safetensors")
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    state.pop("head.out4.weight")
    state["head.out4.bias"] = torch.zeros(7)
    save_file(state, str(tmp_path / "other.safetensors"))
    with pytest.raises(CompactCheckpointError, match=r"1 missing.*head\.out4\.weight.*shape"):
        load_compact(tmp_path / "other.safetensors")


def test_a_smaller_network_works_alike():
    torch.manual_seed(0)
    small = CompactClickNet(CompactConfig(64, 32, 16, 8, heads=2, embedding=8, attention=1))
    features = small.encode(picture(40, 40))
    logits = small.predict(features, maps([], 40, 40), torch.zeros(1, 1, 40, 40))
    assert logits.shape == (1, 1, 40, 40)
