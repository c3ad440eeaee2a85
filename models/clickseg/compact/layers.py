"""Building blocks of the compact network; all keep [B, C, H, W]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of [B, C, H, W], pixel by pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, H, W]."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class PixelMlp(nn.Module):
    """Two linear maps with a GELU between, applied to every pixel.

    Args:
        channels: Input and output channels.
        hidden: Channels between.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.widen = nn.Linear(channels, hidden)
        self.narrow = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W]."""
        y: Tensor = self.narrow(F.gelu(self.widen(x.permute(0, 2, 3, 1))))
        return y.permute(0, 3, 1, 2)


class ConvBlock(nn.Module):
    """A residual block: depthwise filter, normalise, mix channels (ConvNeXt, Liu et al. 2022).

    Args:
        channels: Input and output channels.
        kernel: Size of the depthwise filter.
    """

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__()
        self.filter = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = ChannelNorm(channels)
        self.mix = PixelMlp(channels, 2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return x plus what the block adds."""
        y: Tensor = self.mix(self.norm(self.filter(x)))
        return x + y


class AttentionBlock(nn.Module):
    """Every pixel attends to every pixel, then a local block.

    Args:
        channels: Input and output channels.
        heads: Attention heads.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.local = ConvBlock(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W]."""
        batch, channels, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        qkv = self.qkv(self.norm(tokens))
        shape = (batch, height * width, 3, self.heads, channels // self.heads)
        query, key, value = qkv.view(shape).permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(query, key, value)
        found = self.out(found.transpose(1, 2).reshape(batch, height * width, channels))
        mixed = (tokens + found).transpose(1, 2).reshape(batch, channels, height, width)
        result: Tensor = self.local(mixed)
        return result


def enlarge(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize [B, C, H, W] bilinearly; pixel centres are at halves."""
    if tuple(x.shape[-2:]) == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def point_wise(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 1 x 1 convolution."""
    return nn.Conv2d(inputs, outputs, 1)


def small_start(layer: nn.Conv2d, scale: float = 0.1) -> nn.Conv2d:
    """Shrink a layer's first weights, so that what it adds starts small."""
    with torch.no_grad():
        layer.weight.mul_(scale)
    return layer
