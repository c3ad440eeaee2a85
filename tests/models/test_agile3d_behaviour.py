"""The network on scenes and prompts that the official code stumbles over."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.agile3d import (
    COMPACT,
    Agile3D,
    Agile3DConfig,
    attention,
    labels_from_logits,
    quantize,
)

TINY = Agile3DConfig(
    init_dim=8,
    planes=(8, 8, 8, 8, 8, 8, 8, 8),
    layers=(1,) * 8,
    conv1_kernel=3,
    hidden=16,
    heads=4,
    ffn=16,
)


@pytest.fixture(scope="module")
def network() -> Agile3D:
    torch.manual_seed(0)
    return Agile3D(TINY).eval()


def scene(count: int = 80, seed: int = 0, low: int = -8) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(seed)
    cells = rng.permutation(np.unique(rng.integers(low, 8, (count, 3)), axis=0)).astype(np.int32)
    xyz = (cells + rng.random(cells.shape)) * 0.05
    rgb = rng.random(cells.shape)
    return tuple(torch.from_numpy(a) for a in (cells, rgb.astype("f4"), xyz.astype("f4")))


def encode(network: Agile3D, parts):
    with torch.inference_mode():
        return network.encode(*parts)


def decode(network: Agile3D, encoding, voxels, objects, count: int, times=None):
    times = range(len(voxels)) if times is None else times
    clicks = [torch.tensor(list(c), dtype=torch.long) for c in (voxels, objects, times)]
    with torch.inference_mode():
        return network.decode(encoding, *clicks, count)


def test_one_voxel_gives_finite_logits(network):
    one = (torch.tensor([[3, -7, 0]]), torch.rand(1, 3), torch.rand(1, 3))
    logits = decode(network, encode(network, one), [0], [1], 1)
    assert logits.shape == (1, 2)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_scene_gives_finite_logits(network, axis):
    cells, rgb, xyz = scene()
    cells[:, axis] = 4
    cells, first = np.unique(cells.numpy(), axis=0, return_index=True)
    xyz[:, axis] = 0.2
    encoding = encode(network, (torch.from_numpy(cells), rgb[first], xyz[first]))
    assert torch.isfinite(encoding.features).all()
    assert torch.isfinite(encoding.positions).all()
    assert torch.isfinite(decode(network, encoding, [0, 1], [1, 0], 1)).all()


def test_a_colourless_scene_gives_finite_logits_that_depend_on_the_click(network):
    cells, rgb, xyz = scene()
    encoding = encode(network, (cells, torch.zeros_like(rgb), xyz))
    here, there = (decode(network, encoding, [v], [1], 1) for v in (0, 40))
    assert torch.isfinite(here).all()
    assert not torch.allclose(here, there)


def test_without_clicks_everything_is_background(network):
    encoding = encode(network, scene())
    assert decode(network, encoding, [], [], 0).shape[1] == 1
    logits = decode(network, encoding, [], [], 3)
    assert (logits.argmax(1) == 0).all()
    assert torch.isfinite(logits).all()


def test_background_clicks_alone_leave_everything_background(network):
    logits = decode(network, encode(network, scene()), [5, 9], [0, 0], 2)
    assert (logits.argmax(1) == 0).all()


def test_an_object_without_clicks_wins_nothing_and_disturbs_nobody(network):
    encoding = encode(network, scene())
    with_gap = decode(network, encoding, [3, 7], [1, 3], 3)
    without = decode(network, encoding, [3, 7], [1, 2], 2)
    torch.testing.assert_close(with_gap[:, [0, 1, 3]], without)
    assert (with_gap[:, 2] == torch.finfo(torch.float32).min).all()


def test_more_clicks_than_the_order_table_has_rows_are_taken(network):
    parts = scene(900)
    count = 260
    encoding = encode(network, parts)
    logits = decode(network, encoding, range(count), [i % 4 for i in range(count)], 3)
    assert torch.isfinite(logits).all()
    late, later = (decode(network, encoding, [1], [1], 1, [t]) for t in (199, 5000))
    torch.testing.assert_close(late, later)


def test_the_order_of_clicks_in_the_list_does_not_matter_but_their_time_does(network):
    encoding = encode(network, scene())
    voxels, objects, times = [3, 8, 21, 30], [1, 2, 0, 1], [0, 1, 2, 3]
    first = decode(network, encoding, voxels, objects, 2, times)
    turned = decode(network, encoding, voxels[::-1], objects[::-1], 2, times[::-1])
    torch.testing.assert_close(first, turned)
    other = decode(network, encoding, voxels, objects, 2, [3, 2, 1, 0])
    assert not torch.allclose(first, other)


def test_the_order_of_voxels_does_not_matter(network):
    cells, rgb, xyz = scene()
    order = torch.randperm(len(cells), generator=torch.Generator().manual_seed(3))
    one = encode(network, (cells, rgb, xyz)).features[order]
    other = encode(network, (cells[order], rgb[order], xyz[order])).features
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_decoding_twice_gives_the_same_and_changes_nothing(network):
    encoding = encode(network, scene())
    first = decode(network, encoding, [3], [1], 1)
    decode(network, encoding, [9, 4], [1, 2], 2)
    assert torch.equal(decode(network, encoding, [3], [1], 1), first)


def test_both_attention_paths_give_the_same(network, monkeypatch):
    encoding = encode(network, scene(400))
    plain = decode(network, encoding, [3, 8], [1, 2], 2)
    monkeypatch.setattr(attention, "FEW_KEYS", 0)
    torch.testing.assert_close(
        decode(network, encoding, [3, 8], [1, 2], 2), plain, rtol=1e-5, atol=1e-5
    )


def test_attention_in_blocks_gives_the_same(network, monkeypatch):
    encoding = encode(network, scene(400))
    plain = decode(network, encoding, [3, 8, 9], [1, 2, 0], 2)
    monkeypatch.setattr(attention, "BLOCK", 33)
    torch.testing.assert_close(
        decode(network, encoding, [3, 8, 9], [1, 2, 0], 2), plain, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("voxels", "objects", "times"),
    [([1], [2], [0]), ([1], [-1], [0]), ([1, 2], [1], [0]), ([1], [1], [-1])],
)
def test_impossible_clicks_are_refused_in_words(network, voxels, objects, times):
    encoding = encode(network, scene())
    with pytest.raises(ValueError, match="click"):
        decode(network, encoding, voxels, objects, 1, times)


def test_a_click_outside_the_scene_is_refused(network):
    encoding = encode(network, scene())
    for voxel in (-1, encoding.voxel_count):
        with pytest.raises(ValueError, match="voxel"):
            decode(network, encoding, [voxel], [1], 1)


def test_an_empty_scene_is_refused(network):
    with pytest.raises(ValueError, match="at least one voxel"):
        network.encode(*(part[:0] for part in scene()))


def test_parts_of_another_length_are_refused(network):
    cells, rgb, xyz = scene()
    with pytest.raises(ValueError, match=r"must be \[N, 3\]"):
        network.encode(cells, rgb[:-1], xyz)


def test_encoding_reports_its_stages_and_can_be_stopped(network):
    seen = []
    with torch.inference_mode():
        network.encode(*scene(), on_stage=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert len(seen) == 9

    def stop(fraction):
        if fraction > 0.3:
            raise KeyboardInterrupt

    with torch.inference_mode(), pytest.raises(KeyboardInterrupt):
        network.encode(*scene(), on_stage=stop)


@pytest.mark.parametrize("config", [TINY, dataclasses.replace(TINY, geometry=True)])
def test_every_parameter_that_can_learns(config):
    torch.manual_seed(0)
    model = Agile3D(config).train()
    encoding = model.encode(*scene(200))
    clicks = [torch.tensor(c) for c in ([3, 9, 14], [1, 2, 0], [0, 1, 2])]
    layers = model.decode_layers(encoding, *clicks, 2)
    target = torch.arange(encoding.voxel_count) % 3
    sum(torch.nn.functional.cross_entropy(x, target) for x in layers).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_a_batch_gives_each_scene_what_it_gets_alone(network):
    a, b = scene(seed=1), scene(seed=2)
    coords = torch.cat(
        [torch.nn.functional.pad(s[0], (1, 0), value=i) for i, s in enumerate((a, b))]
    )
    with torch.inference_mode():
        both = network.scene_features(coords, torch.cat([a[1], b[1]]))
    alone = torch.cat([encode(network, s).features for s in (a, b)])
    torch.testing.assert_close(both, alone, rtol=1e-4, atol=1e-5)


def test_forced_labels_follow_the_latest_click():
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0, 3.0, 1.0]])
    voxels, objects = torch.tensor([0, 0, 2]), torch.tensor([2, 1, 0])
    assert labels_from_logits(logits, voxels, objects, torch.tensor([5, 4, 6])).tolist() == [
        2,
        2,
        0,
    ]
    assert labels_from_logits(logits, voxels[:0], objects[:0], voxels[:0]).tolist() == [0, 2, 1]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.floats(-50, 50, allow_nan=False, width=32)] * 3), min_size=1, max_size=60
    ),
    st.sampled_from(["f4", "f8"]),
)
def test_quantising_numbers_voxels_by_first_occurrence(points, dtype):
    xyz = np.array(points, dtype)
    coords, unique, inverse = quantize(xyz, 0.05)
    cells = [tuple(c) for c in np.floor(xyz / xyz.dtype.type(0.05)).astype(int)]
    assert list(dict.fromkeys(cells)) == [tuple(c) for c in coords]
    assert [cells.index(tuple(c)) for c in coords] == unique.tolist()
    assert [cells[i] for i in unique[inverse]] == cells


def test_quantising_a_huge_extent_still_works():
    xyz = np.array([[-9e7, 0, 9e7], [9e7, -9e7, 0], [0, 9e7, -9e7], [0, 9e7, -9e7]])
    coords, _, inverse = quantize(xyz, 0.05)
    assert len(coords) == 3
    assert inverse.tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("xyz", "size", "words"),
    [
        (np.zeros((0, 3)), 0.05, "P >= 1"),
        (np.zeros((3, 2)), 0.05, "P >= 1"),
        (np.array([[0.0, np.nan, 0.0]]), 0.05, "not finite"),
        (np.array([[0.0, 1e12, 0.0]]), 0.05, "too far"),
        (np.zeros((3, 3)), 0.0, "positive"),
    ],
)
def test_points_that_cannot_be_quantised_are_refused_in_words(xyz, size, words):
    with pytest.raises(ValueError, match=words):
        quantize(xyz, size)


def test_sizes_survive_storing_and_impossible_ones_are_refused():
    assert Agile3DConfig.from_dict(COMPACT.to_dict()) == COMPACT
    listed = {k: list(v) if isinstance(v, tuple) else v for k, v in COMPACT.to_dict().items()}
    assert Agile3DConfig.from_dict(listed) == COMPACT
    with pytest.raises(ValueError, match="unknown network sizes: colour"):
        Agile3DConfig.from_dict({"colour": 3})
    for wrong in ({"planes": (1, 2)}, {"hidden": 10}, {"conv1_kernel": 4}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Agile3DConfig(**wrong)


def test_the_embedded_network_is_small_enough_to_ship():
    size = sum(v.numel() * 2 for v in Agile3D(COMPACT).state_dict().values())
    assert size <= 16 * 2**20
