"""Res16UNet34C, the sparse residual U-Net that gives every voxel its features."""

from collections.abc import Callable

import torch
from torch import nn

from models.agile3d.config import Agile3DConfig
from models.agile3d.geometry import GEOMETRY_CHANNELS
from models.sparse import (
    SparseBatchNorm,
    SparseConv,
    SparseConvTranspose,
    SparseTensor,
    concatenate,
)

OnStage = Callable[[float], None]
"""Told the fraction done between stages; may raise to stop."""

STAGES = 9
"""Stem, four stages down, four stages up."""

_BN_MOMENTUM = 0.02


def _relu(x: SparseTensor) -> SparseTensor:
    return x.replace(torch.relu_(x.features))


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions with a residual connection."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = SparseConv(in_channels, channels, kernel_size=3)
        self.norm1 = SparseBatchNorm(channels)
        self.conv2 = SparseConv(channels, channels, kernel_size=3)
        self.norm2 = SparseBatchNorm(channels)
        self.downsample: nn.Sequential | None = None
        if in_channels != channels:
            self.downsample = nn.Sequential(
                SparseConv(in_channels, channels, kernel_size=1),
                SparseBatchNorm(channels, momentum=_BN_MOMENTUM),
            )

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Return relu(F(x) + x), x projected where the channels change."""
        y = _relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return _relu(y.replace(y.features.add_(shortcut.features)))


def _stage(in_channels: int, channels: int, count: int) -> nn.Sequential:
    blocks = [BasicBlock(in_channels if i == 0 else channels, channels) for i in range(count)]
    return nn.Sequential(*blocks)


class Res16UNet(nn.Module):
    """The U-Net; attribute names and their order are those of the official checkpoint.

    Args:
        config: Sizes.
    """

    _DOWN = ("conv1p1s2", "conv2p2s2", "conv3p4s2", "conv4p8s2")
    _UP = ("convtr4p16s2", "convtr5p8s2", "convtr6p4s2", "convtr7p2s2")

    def __init__(self, config: Agile3DConfig) -> None:
        super().__init__()
        planes, layers, init = config.planes, config.layers, config.init_dim
        inputs = config.in_channels + (GEOMETRY_CHANNELS if config.geometry else 0)
        self.conv0p1s1 = SparseConv(inputs, init, kernel_size=config.conv1_kernel)
        self.bn0 = SparseBatchNorm(init, momentum=_BN_MOMENTUM)
        channels = init
        for i, name in enumerate(self._DOWN):
            self.add_module(name, SparseConv(channels, channels, kernel_size=2, stride=2))
            self.add_module(f"bn{i + 1}", SparseBatchNorm(channels, momentum=_BN_MOMENTUM))
            self.add_module(f"block{i + 1}", _stage(channels, planes[i], layers[i]))
            channels = planes[i]
        skips = (planes[2], planes[1], planes[0], init)
        for i, name in enumerate(self._UP, start=4):
            self.add_module(name, SparseConvTranspose(channels, planes[i]))
            self.add_module(f"bntr{i}", SparseBatchNorm(planes[i], momentum=_BN_MOMENTUM))
            self.add_module(f"block{i + 1}", _stage(planes[i] + skips[i - 4], planes[i], layers[i]))
            channels = planes[i]

    def forward(self, x: SparseTensor, on_stage: OnStage | None = None) -> SparseTensor:
        """Return the features at stride 1.

        Args:
            x: Colours of the voxels at stride 1.
            on_stage: Told the fraction done after each of the nine stages.

        Returns:
            Features with `planes[7]` channels on the same voxels.
        """
        report = on_stage or (lambda _: None)
        x = _relu(self.bn0(self.conv0p1s1(x)))
        report(1 / STAGES)
        skips = [x]
        for i in range(4):
            x = self._go_down(i, x)
            skips.append(x)
            report((i + 2) / STAGES)
        skips.pop()
        for i in range(4, 8):
            x = self._go_up(i, x, skips.pop())
            report((i + 2) / STAGES)
        return x

    def _go_down(self, i: int, x: SparseTensor) -> SparseTensor:
        x = _relu(self._run(f"bn{i + 1}", self._run(self._DOWN[i], x)))
        return self._run(f"block{i + 1}", x)

    def _go_up(self, i: int, x: SparseTensor, skip: SparseTensor) -> SparseTensor:
        x = self.get_submodule(self._UP[i - 4])(x, skip.level)
        x = _relu(self._run(f"bntr{i}", x))
        return self._run(f"block{i + 1}", concatenate([x, skip]))

    def _run(self, name: str, x: SparseTensor) -> SparseTensor:
        result: SparseTensor = self.get_submodule(name)(x)
        return result
