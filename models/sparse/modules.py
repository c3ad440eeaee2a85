"""Sparse layers with MinkowskiEngine's parameter names, shapes and order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.sparse.functional import sparse_conv
from models.sparse.levels import VoxelLevel


@dataclass(frozen=True, eq=False)
class SparseTensor:
    """Features of the voxels of one level.

    Attributes:
        features: [N, C], one row a voxel, in the order of `level.coords`.
        level: Where the voxels are.
    """

    features: Tensor
    level: VoxelLevel

    def replace(self, features: Tensor) -> "SparseTensor":
        """Return other features on the same voxels."""
        return SparseTensor(features, self.level)


def concatenate(tensors: Sequence[SparseTensor]) -> SparseTensor:
    """Join the channels of tensors on the same level, in the given order.

    Raises:
        ValueError: If the tensors are on different levels.
    """
    if any(t.level is not tensors[0].level for t in tensors):
        raise ValueError("only tensors on the same voxels can be concatenated")
    return tensors[0].replace(torch.cat([t.features for t in tensors], dim=1))


class _KernelModule(nn.Module):
    """Holds the `kernel` and the optional `bias` [1, C_out] of a sparse layer."""

    def __init__(self, *shape: int, bias: bool) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(shape))
        out_channels = shape[-1]
        self.bias = nn.Parameter(torch.empty(1, out_channels)) if bias else None
        self._reset(math.prod(shape[:-1]))

    def _reset(self, fan_in: int) -> None:
        """Draw He-normal kernels for ReLU networks; zero biases."""
        nn.init.normal_(self.kernel, std=math.sqrt(2.0 / fan_in))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def _biased(self, features: Tensor) -> Tensor:
        return features if self.bias is None else features + self.bias


class SparseConv(_KernelModule):
    """Convolution with a cubic kernel: stride 1 keeps the voxels, more goes to a coarser level.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Edge length k; 1 makes a pointwise layer.
        stride: Factor between the levels.
        dilation: Distance between taps, in voxels.
        bias: Whether to add a bias [1, C_out].
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        # A pointwise kernel is stored without its slice dimension, as upstream does.
        slices = () if kernel_size == stride == 1 else (kernel_size**3,)
        super().__init__(*slices, in_channels, out_channels, bias=bias)
        self.kernel_size = kernel_size
        self.stride = stride
        self.dilation = dilation

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Convolve; kernel maps come from (and stay in) `x.level`."""
        if self.kernel.ndim == 2:
            return x.replace(self._biased(x.features @ self.kernel))
        level = x.level if self.stride == 1 else x.level.coarser(self.stride)
        pairs = x.level.kernel_map(self.kernel_size, stride=self.stride, dilation=self.dilation)
        return SparseTensor(self._biased(sparse_conv(x.features, self.kernel, pairs)), level)


class SparseConvTranspose(_KernelModule):
    """Transposed convolution from a coarser level back to a finer one that exists already.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Edge length.
        stride: Factor between the levels.
        bias: Whether to add a bias [1, C_out].
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 2,
        stride: int = 2,
        bias: bool = False,
    ) -> None:
        super().__init__(kernel_size**3, in_channels, out_channels, bias=bias)
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: SparseTensor, finer: VoxelLevel) -> SparseTensor:
        """Spread `x` over the voxels of `finer`, whose `coarser(stride)` is the level of `x`.

        Raises:
            ValueError: If the levels do not belong together.
        """
        if finer.coarser(self.stride) is not x.level:
            raise ValueError("the finer level does not lead to the level of the input")
        pairs = finer.kernel_map(self.kernel_size, stride=self.stride).reversed
        return SparseTensor(self._biased(sparse_conv(x.features, self.kernel, pairs)), finer)


class SparseBatchNorm(nn.Module):
    """Batch normalisation over all voxels; the inner name `bn` is part of upstream's keys."""

    def __init__(self, channels: int, *, momentum: float = 0.1) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(channels, momentum=momentum)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Normalise each channel."""
        return x.replace(self.bn(x.features))
