"""Properties of sparse convolution that hold for any scene."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sparse import (
    SparseConv,
    SparseConvTranspose,
    SparseTensor,
    VoxelLevel,
    functional,
    kernel_offsets,
    lookup,
    sparse_conv,
)


def random_level(count: int = 60, *, low: int = -5, high: int = 5, seed: int = 0) -> VoxelLevel:
    rng = np.random.default_rng(seed)
    cells = np.unique(rng.integers(low, high, (count, 3)), axis=0)
    batch = rng.integers(0, 2, (len(cells), 1))
    coords = rng.permutation(np.hstack([batch, cells])).astype(np.int32)
    return VoxelLevel(torch.from_numpy(coords))


def brute_force(level: VoxelLevel, features: torch.Tensor, kernel: torch.Tensor, size: int):
    rows = {tuple(c): i for i, c in enumerate(level.coords.tolist())}
    out = torch.zeros(len(level), kernel.shape[2], dtype=features.dtype)
    for i, (b, x, y, z) in enumerate(level.coords.tolist()):
        for k, (dx, dy, dz) in enumerate(kernel_offsets(size).tolist()):
            j = rows.get((b, x + dx, y + dy, z + dz))
            if j is not None:
                out[i] += features[j] @ kernel[k]
    return out


@settings(max_examples=25, deadline=None)
@given(
    cells=st.sets(st.tuples(st.integers(0, 2), *[st.integers(-4, 4)] * 3), min_size=1, max_size=40),
    size=st.sampled_from([3, 5]),
    channels=st.sampled_from([2, 9]),
)
def test_convolution_equals_its_definition(cells, size, channels):
    level = VoxelLevel(torch.tensor(sorted(cells, key=hash)))
    generator = torch.Generator().manual_seed(len(cells))
    features = torch.randn(len(level), channels, dtype=torch.float64, generator=generator)
    kernel = torch.randn(size**3, channels, 4, dtype=torch.float64, generator=generator)
    result = sparse_conv(features, kernel, level.kernel_map(size))
    torch.testing.assert_close(result, brute_force(level, features, kernel, size))


@pytest.mark.parametrize("channels", [2, 9])
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (2, 2), (3, 2)])
def test_gradients_are_those_of_finite_differences(size, stride, channels):
    pairs = random_level(12).kernel_map(size, stride=stride)
    features = torch.randn(pairs.source_count, channels, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(size**3, channels, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f, k: sparse_conv(f, k, pairs), (features, kernel))


def test_gradients_reach_every_layer_of_a_small_u_net():
    level = random_level()
    down = SparseConv(9, 4, kernel_size=2, stride=2)
    up = SparseConvTranspose(4, 3)
    features = torch.randn(len(level), 9, requires_grad=True)
    up(down(SparseTensor(features, level)), level).features.square().sum().backward()
    for tensor in (features, down.kernel, up.kernel):
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0


def test_scenes_of_a_batch_do_not_touch_each_other():
    level = random_level()
    kernel = torch.randn(27, 9, 4)
    features = torch.randn(len(level), 9)
    whole = sparse_conv(features, kernel, level.kernel_map(3))
    for b in range(2):
        own = level.coords[:, 0] == b
        alone = VoxelLevel(level.coords[own])
        part = sparse_conv(features[own], kernel, alone.kernel_map(3))
        torch.testing.assert_close(whole[own], part)


def test_moving_a_scene_by_whole_coarse_voxels_changes_nothing():
    level = random_level()
    moved = VoxelLevel(level.coords + torch.tensor([0, -160, 320, 16]))
    layer = SparseConv(9, 4, kernel_size=2, stride=2)
    features = torch.randn(len(level), 9)
    a, b = (layer(SparseTensor(features, v)).features for v in (level, moved))
    torch.testing.assert_close(a, b)


def test_sorted_lookup_finds_what_the_dense_table_finds(monkeypatch):
    dense = random_level().kernel_map(3)
    monkeypatch.setattr(lookup, "DENSE_LIMIT", 0)
    by_search = random_level().kernel_map(3)
    assert by_search.counts == dense.counts
    assert torch.equal(by_search.sources, dense.sources)
    assert torch.equal(by_search.bags, dense.bags)


def test_slice_by_slice_adding_equals_the_buffered_sum(monkeypatch):
    level = random_level()
    features, kernel = torch.randn(len(level), 9), torch.randn(27, 9, 4)
    buffered = sparse_conv(features, kernel, level.kernel_map(3))
    monkeypatch.setattr(functional, "BUFFER_LIMIT", 0)
    torch.testing.assert_close(sparse_conv(features, kernel, level.kernel_map(3)), buffered)


def test_maps_are_built_once_a_level_and_shared():
    level = random_level()
    assert level.kernel_map(3) is level.kernel_map(3)
    assert level.coarser() is level.coarser()
    pairs = level.kernel_map(2, stride=2)
    assert pairs.reversed is pairs.reversed


def test_far_apart_voxels_fit_64_bit_keys():
    far = 2**20
    coords = torch.tensor([[0, -far, -far, 0], [0, far, far, 0], [0, far, far, 1]])
    pairs = VoxelLevel(coords).kernel_map(3)
    assert pairs.pair_count == 5  # three centres and one neighbour in both directions


def test_a_scene_too_wide_to_number_is_refused_in_words():
    coords = torch.tensor([[0, -(2**31), -(2**31), -(2**31)], [0, 2**31 - 1, 2**31 - 1, 2**31 - 1]])
    with pytest.raises(ValueError, match="too many to number"):
        VoxelLevel(coords).kernel_map(3)


def test_coinciding_voxels_are_refused(monkeypatch):
    coords = torch.zeros(2, 4, dtype=torch.int32)
    with pytest.raises(ValueError, match="share a coordinate"):
        VoxelLevel(coords).kernel_map(3)
    monkeypatch.setattr(lookup, "DENSE_LIMIT", 0)
    with pytest.raises(ValueError, match="share a coordinate"):
        VoxelLevel(coords).kernel_map(3)


@pytest.mark.parametrize("shape", [(0, 4), (3, 3), (4,)])
def test_coordinates_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="must be"):
        VoxelLevel(torch.zeros(shape, dtype=torch.int32))


def test_fractional_coordinates_are_refused():
    with pytest.raises(ValueError, match="integers"):
        VoxelLevel(torch.zeros(3, 4))


def test_features_of_another_level_are_refused():
    level = random_level()
    with pytest.raises(ValueError, match="do not fit"):
        sparse_conv(torch.zeros(3, 9), torch.zeros(27, 9, 4), level.kernel_map(3))
    x = SparseTensor(torch.zeros(len(level), 4), level)
    with pytest.raises(ValueError, match="does not lead"):
        SparseConvTranspose(4, 4)(x, random_level(seed=1))


def test_maps_made_for_inference_serve_training_too():
    level = random_level()
    features, kernel = torch.randn(len(level), 9), torch.randn(27, 9, 4)
    with torch.inference_mode():
        sparse_conv(features, kernel, level.kernel_map(3))
    kernel.requires_grad_()
    sparse_conv(features, kernel, level.kernel_map(3)).sum().backward()
    assert kernel.grad is not None
