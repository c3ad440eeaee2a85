"""HRNet: branches of four resolutions side by side, exchanging all the way.

Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", 2019.
The module tree has the state-dict keys of the official RITM checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEM = 64
EXPANSION = 4


@dataclass(frozen=True)
class HRNetConfig:
    """Sizes of the backbone.

    Attributes:
        width: Channels of the finest branch; each further branch has twice as many.
        stem_blocks: Bottleneck blocks of the first stage.
        blocks: Basic blocks of a branch in one module.
        modules: Modules of stages 2, 3 and 4.
    """

    width: int = 18
    stem_blocks: int = 4
    blocks: int = 4
    modules: tuple[int, int, int] = (1, 4, 3)

    @classmethod
    def small(cls, width: int = 18) -> "HRNetConfig":
        """Return the sizes of the "small" backbones (18s)."""
        return cls(width, stem_blocks=2, blocks=2, modules=(1, 3, 2))

    def widths(self, branches: int) -> list[int]:
        """Return the channels of the first `branches` branches."""
        return [self.width << i for i in range(branches)]


def conv_bn(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """Return a convolution without bias and its normalisation."""
    padding = kernel // 2
    convolution = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(after)]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)).add_(x), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around a shortcut; four times as many channels out."""

    def __init__(self, before: int, inner: int) -> None:
        super().__init__()
        after = EXPANSION * inner
        self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = (
            nn.Sequential(*conv_bn(before, after, 1)) if before != after else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, before, H, W] -> [B, 4 * inner, H, W]."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)).add_(self.downsample(x)), inplace=True)


class ExchangeModule(nn.Module):
    """Residual blocks on every branch, then every branch gets the sum of all."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width) for _ in range(blocks))) for width in widths
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_exchange(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        """Take and return one [B, C, H, W] a branch, finest first."""
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        fused = []
        for target, rows in enumerate(self.fuse_layers):
            assert isinstance(rows, nn.ModuleList)
            size = xs[target].shape[-2:]
            parts = [resize(layer(x), size) for layer, x in zip(rows, xs, strict=True)]
            fused.append(F.relu(_sum(parts), inplace=True))
        return fused


def _exchange(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """Return the layer from branch `source` to branch `target`."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(*conv_bn(widths[source], widths[target], 1))
    steps: list[nn.Module] = []
    for step in range(source, target):
        last = step == target - 1
        layers = conv_bn(widths[source], widths[target] if last else widths[source], 3, 2)
        steps.append(nn.Sequential(*layers) if last else nn.Sequential(*layers, nn.ReLU()))
    return nn.Sequential(*steps)


def _sum(parts: list[Tensor]) -> Tensor:
    # the first two may be branches themselves, which other sums need unchanged
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total.add_(part)
    return total


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Resize [B, C, H, W] bilinearly, corner pixels on corner pixels, as RITM does everywhere."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=list(size), mode="bilinear", align_corners=True)


class HRNet(nn.Module):
    """The backbone. `stem` and `forward` are apart because clicks join between them."""

    def __init__(self, config: HRNetConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.conv2 = nn.Conv2d(STEM, STEM, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(STEM)
        widths = [STEM, *[EXPANSION * STEM] * (config.stem_blocks - 1)]
        self.layer1 = nn.Sequential(*(Bottleneck(width, STEM) for width in widths))
        before = [EXPANSION * STEM]
        for stage, modules in enumerate(config.modules, 2):
            after = config.widths(stage)
            layers = [ExchangeModule(after, config.blocks) for _ in range(modules)]
            self.add_module(f"transition{stage - 1}", _transition(before, after))
            self.add_module(f"stage{stage}", nn.Sequential(*layers))
            before = after

    def stem(self, image: Tensor) -> Tensor:
        """Normalised [B, 3, H, W] -> [B, 64, H/2, W/2]: what does not depend on clicks."""
        return F.relu(self.bn1(self.conv1(image)), inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Run from the (click-laden) output of `stem` to all branches at stride 4.

        Args:
            x: [B, 64, H/2, W/2].

        Returns:
            [B, 15 * width, H/4, W/4].
        """
        x = self.layer1(F.relu(self.bn2(self.conv2(x)), inplace=True))
        xs = [x]
        for stage in (2, 3, 4):
            xs = _spread(self.get_submodule(f"transition{stage - 1}"), xs)
            xs = self.get_submodule(f"stage{stage}")(xs)
        return torch.cat([resize(branch, xs[0].shape[-2:]) for branch in xs], dim=1)


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Return the layers that lead to the branches of the next stage."""
    layers: list[nn.Module] = []
    for branch, width in enumerate(after):
        if branch >= len(before):
            down = nn.Sequential(*conv_bn(before[-1], width, 3, 2), nn.ReLU())
            layers.append(nn.Sequential(down))
        elif before[branch] != width:
            layers.append(nn.Sequential(*conv_bn(before[branch], width, 3), nn.ReLU()))
        else:
            layers.append(nn.Identity())
    return nn.ModuleList(layers)


def _spread(transition: nn.Module, xs: list[Tensor]) -> list[Tensor]:
    """Start a new branch from the coarsest one."""
    assert isinstance(transition, nn.ModuleList)
    return [layer(xs[min(branch, len(xs) - 1)]) for branch, layer in enumerate(transition)]
