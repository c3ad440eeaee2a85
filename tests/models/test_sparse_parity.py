"""Each sparse operator against MinkowskiEngine's numbers."""

import numpy as np
import pytest
import torch

from models.sparse import (
    SparseBatchNorm,
    SparseConv,
    SparseConvTranspose,
    SparseTensor,
    VoxelLevel,
    concatenate,
    kernel_offsets,
    sparse_pool,
)
from tests.models.parity import golden

ATOL = 5e-6


@pytest.fixture(scope="module")
def ops():
    return golden("me_ops.npz")


@pytest.fixture
def x(ops):
    return SparseTensor(
        torch.from_numpy(ops["x_feats"]), VoxelLevel(torch.from_numpy(ops["x_coords"]))
    )


def assert_same(tensor: SparseTensor, ops: dict, tag: str) -> None:
    """Compare features voxel by voxel; the row order of coarse levels is free."""
    want = {tuple(c): f for c, f in zip(ops[f"{tag}_coords"], ops[f"{tag}_feats"], strict=True)}
    assert tensor.level.stride == np.ravel(ops[f"{tag}_tensor_stride"])[0]
    have = [tuple(c) for c in tensor.level.coords.tolist()]
    assert set(have) == set(want)
    expected = np.stack([want[c] for c in have])
    np.testing.assert_allclose(tensor.features.detach().numpy(), expected, atol=ATOL, rtol=0)


def conv(ops: dict, tag: str, **options) -> SparseConv:
    kernel = torch.from_numpy(ops[f"{tag}_kernel"])
    layer = SparseConv(*kernel.shape[-2:], bias=f"{tag}_bias" in ops, **options)
    state = {"kernel": kernel}
    if f"{tag}_bias" in ops:
        state["bias"] = torch.from_numpy(ops[f"{tag}_bias"])
    layer.load_state_dict(state)
    return layer


@pytest.mark.parametrize(
    ("tag", "options"),
    [
        ("conv_k3s1", {"kernel_size": 3}),
        ("conv_k3s1_bias", {"kernel_size": 3}),
        ("conv_k5s1", {"kernel_size": 5}),
        ("conv_k3s1_dil2", {"kernel_size": 3, "dilation": 2}),
        ("conv_k1s1_bias", {"kernel_size": 1}),
        ("conv_k2s2", {"kernel_size": 2, "stride": 2}),
        ("conv_k3s2", {"kernel_size": 3, "stride": 2}),
        ("conv_k1s2", {"kernel_size": 1, "stride": 2}),
    ],
)
def test_convolution_of_the_finest_level_equals_minkowski(ops, x, tag, options):
    assert_same(conv(ops, tag, **options)(x), ops, tag)


def test_convolutions_at_coarser_strides_equal_minkowski(ops, x):
    half = conv(ops, "conv_k2s2", kernel_size=2, stride=2)(x)
    assert_same(conv(ops, "conv_k3s1_at2", kernel_size=3)(half), ops, "conv_k3s1_at2")
    quarter = conv(ops, "conv_k2s2_at2", kernel_size=2, stride=2)(half)
    assert_same(quarter, ops, "conv_k2s2_at2")
    assert_same(conv(ops, "conv_k3s1_at4", kernel_size=3)(quarter), ops, "conv_k3s1_at4")


def test_transposed_convolutions_return_to_the_finer_voxels(ops, x):
    half = conv(ops, "conv_k2s2", kernel_size=2, stride=2)(x)
    quarter = conv(ops, "conv_k2s2_at2", kernel_size=2, stride=2)(half)
    for source, target, tag in (
        (quarter, half, "convtr_k2s2_at4"),
        (half, x, "convtr_k2s2_at2"),
    ):
        kernel = torch.from_numpy(ops[f"{tag}_kernel"])
        layer = SparseConvTranspose(*kernel.shape[1:])
        layer.load_state_dict({"kernel": kernel})
        result = layer(source, target.level)
        assert_same(result, ops, tag)
        assert result.level is target.level


def test_normalisation_and_concatenation_equal_minkowski(ops, x):
    norm = SparseBatchNorm(x.features.shape[1]).eval()
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(norm.bn, name).data.copy_(torch.from_numpy(ops[f"bn_{name}"]))
    norm.bn.eps = float(ops["bn_eps"])
    normal = norm(x)
    assert_same(normal, ops, "bn")
    assert_same(concatenate([x, normal]), ops, "cat")


@pytest.mark.parametrize(
    ("tag", "size", "stride", "mode"),
    [
        ("avgpool_k2s2", 2, 2, "mean"),
        ("sumpool_k2s2", 2, 2, "sum"),
        ("maxpool_k2s2", 2, 2, "max"),
        ("avgpool_k3s1", 3, 1, "mean"),
        ("avgpool_k3s2", 3, 2, "mean"),
    ],
)
def test_pooling_equals_minkowski(ops, x, tag, size, stride, mode):
    level = x.level if stride == 1 else x.level.coarser(stride)
    pooled = sparse_pool(x.features, x.level.kernel_map(size, stride=stride), mode)
    assert_same(SparseTensor(pooled, level), ops, tag)


@pytest.mark.parametrize(
    ("tag", "size", "spacing"),
    [("k3", 3, 1), ("k5", 5, 1), ("k2", 2, 1), ("k3_dil2", 3, 2), ("k3_at4", 3, 4)],
)
def test_kernel_slices_are_in_minkowskis_order(ops, tag, size, spacing):
    np.testing.assert_array_equal(kernel_offsets(size, spacing=spacing), ops[f"offsets_{tag}"])


def test_fine_voxels_reach_the_coarse_voxel_below_them_also_below_zero(ops):
    probe = torch.from_numpy(ops["stride2_probe"])
    for row in probe:
        level = VoxelLevel(torch.tensor([[0, *row[:3].tolist()]]))
        assert level.coarser().coords[0, 1:].tolist() == row[3:6].tolist()
        assert level.kernel_map(2, stride=2).counts.index(1) == row[6]
