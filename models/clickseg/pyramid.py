"""Four resolutions from the single one of a plain transformer, and a head that joins them.

Li et al., ECCV 2022 (simple feature pyramid); Liu et al., "SimpleClick", ICCV 2023.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = ("down_4", "down_8", "down_16", "down_32")


@dataclass(frozen=True)
class PyramidConfig:
    """Sizes of pyramid and head.

    Attributes:
        dim: Channels of the transformer.
        widths: Channels of the four levels, finest first.
        inner: Channels within levels 4 (first step), 4 (second step), 8 and 32.
        head: Channels of the head.
    """

    dim: int = 768
    widths: tuple[int, int, int, int] = (128, 256, 512, 1024)
    inner: tuple[int, int, int, int] = (384, 192, 384, 1536)
    head: int = 256


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(1, channels)


def _double(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 2, stride=2)


def _narrow(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 1), _norm(after), nn.GELU()]


class SimpleFPN(nn.Module):
    """The simple feature pyramid; level names are strides for patches of 16 pixels."""

    def __init__(self, config: PyramidConfig) -> None:
        super().__init__()
        dim, (four, four_again, eight, half) = config.dim, config.inner
        self.down_4 = nn.Sequential(
            *(_double(dim, four), _norm(four), nn.GELU()),
            *(_double(four, four_again), _norm(four_again)),
            *_narrow(four_again, config.widths[0]),
        )
        self.down_8 = nn.Sequential(
            *(_double(dim, eight), _norm(eight)), *_narrow(eight, config.widths[1])
        )
        self.down_16 = nn.Sequential(*_narrow(dim, config.widths[2]))
        self.down_32 = nn.Sequential(
            *(nn.Conv2d(dim, half, 2, stride=2), _norm(half)), *_narrow(half, config.widths[3])
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """[B, C, h, w] -> four maps, finest (4h x 4w) first."""
        return [self.get_submodule(level)(x) for level in LEVELS]


class ConvRelu(nn.Module):
    """1x1 convolution, then ReLU."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, before, H, W] -> [B, after, H, W]."""
        return F.relu(self.conv(x))


def _unused_upsampling(before: int) -> nn.Sequential:
    after = before // 2
    return nn.Sequential(_double(before, after), _norm(after), *_narrow(after, after))


class MlpHead(nn.Module):
    """Joins the pyramid pixel by pixel.

    `up_conv1` and `up_conv2` take no part; checkpoints have them.
    """

    def __init__(self, config: PyramidConfig) -> None:
        super().__init__()
        width = config.head
        self.conv_seg = nn.Conv2d(width, 1, 1)
        self.convs = nn.ModuleList(ConvRelu(before, width) for before in config.widths)
        self.fusion_conv = ConvRelu(len(config.widths) * width, width)
        self.up_conv1 = _unused_upsampling(width)
        self.up_conv2 = _unused_upsampling(width // 2)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Four maps, finest first -> logits [B, 1, H, W] on the finest."""
        size = list(levels[0].shape[-2:])
        resized = [
            F.interpolate(conv(level), size=size, mode="bilinear", align_corners=False)
            for conv, level in zip(self.convs, levels, strict=True)
        ]
        logits: Tensor = self.conv_seg(self.fusion_conv(torch.cat(resized, dim=1)))
        return logits
