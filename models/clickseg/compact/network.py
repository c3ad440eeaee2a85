"""The compact click network: image encoder, neck, and a light head per click."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.clickseg.compact.encoder import TAP_CHANNELS, LiteEncoder, pad_to, pool_to
from models.clickseg.compact.guidance import ClickGuidance, unit_heads
from models.clickseg.compact.layers import (
    AttentionBlock,
    ConvBlock,
    enlarge,
    point_wise,
    small_start,
)

_PROMPT = 3
"""Channels of a prompt: inside disks, outside disks, previous mask."""


@dataclass(frozen=True)
class CompactConfig:
    """Sizes of the network.

    Attributes:
        width16: Channels at stride 16.
        width8: Channels at stride 8.
        width4: Channels at stride 4.
        width2: Channels at stride 2.
        heads: Embeddings for likeness to clicks.
        embedding: Length of each.
        attention: Blocks in which all pixels at stride 16 see each other.
    """

    width16: int = 128
    width8: int = 96
    width4: int = 48
    width2: int = 16
    heads: int = 8
    embedding: int = 16
    attention: int = 2


class ImageFeatures(NamedTuple):
    """What a photo is encoded to; depends on no click.

    Attributes:
        x2: Features at stride 2, [B, C2, H/2, W/2], of the photo padded to multiples of 32.
        x4: At stride 4.
        x8: At stride 8.
        x16: At stride 16.
        embedding: Unit vectors at stride 8, [B, heads, D, H/8, W/8].
        size: Height and width of the photo before padding.
    """

    x2: Tensor
    x4: Tensor
    x8: Tensor
    x16: Tensor
    embedding: Tensor
    size: tuple[int, int]

    def repeat(self, times: int) -> "ImageFeatures":
        """Return every photo's features several times in a row, for several prompts each."""
        x2, x4, x8, x16, embedding = (
            part.unsqueeze(1).expand(-1, times, *part.shape[1:]).flatten(0, 1)
            for part in (self.x2, self.x4, self.x8, self.x16, self.embedding)
        )
        return ImageFeatures(x2, x4, x8, x16, embedding, self.size)


class Neck(nn.Module):
    """Joins the encoder's scales from coarse to fine.

    Args:
        config: Sizes.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = TAP_CHANNELS
        w16, w8, w4, w2 = config.width16, config.width8, config.width4, config.width2
        self.heads = config.heads
        self.from32, self.whole = point_wise(c32, w16), point_wise(c32, w16)
        self.from16, self.block16 = point_wise(c16, w16), ConvBlock(w16)
        self.from8, self.down8, self.block8 = point_wise(c8, w8), point_wise(w16, w8), ConvBlock(w8)
        self.from4, self.down4, self.block4 = point_wise(c4, w4), point_wise(w8, w4), ConvBlock(w4)
        self.from2 = point_wise(c2 + 3, w2)
        self.embed = point_wise(w8 + c8 + c4, config.heads * config.embedding)

    def forward(self, image: Tensor, taps: list[Tensor], size: tuple[int, int]) -> ImageFeatures:
        """Return the features of padded photos [B, 3, H, W] and their encoder's taps."""
        t2, t4, t8, t16, t32 = taps
        whole = self.whole(t32.mean(dim=(2, 3), keepdim=True))
        x16 = self.from16(t16) + enlarge(self.from32(t32) + whole, _size(t16))
        x16 = self.block16(x16)
        x8 = self.block8(self.from8(t8) + enlarge(self.down8(x16), _size(t8)))
        x4 = self.block4(self.from4(t4) + enlarge(self.down4(x8), _size(t4)))
        x2 = self.from2(torch.cat([t2, F.avg_pool2d(image, 2)], dim=1))
        joined = torch.cat([x8, t8, F.avg_pool2d(t4, 2)], dim=1)
        return ImageFeatures(x2, x4, x8, x16, unit_heads(self.embed(joined), self.heads), size)


class ClickHead(nn.Module):
    """Turns features and a prompt into a mask.

    Args:
        config: Sizes.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        w16, w8, w4, w2 = config.width16, config.width8, config.width4, config.width2
        self.guidance = ClickGuidance(config.heads)
        prompt = self.guidance.channels + _PROMPT
        self.prompt16 = point_wise(prompt, w16)
        self.blocks16 = nn.Sequential(*(AttentionBlock(w16, 4) for _ in range(config.attention)))
        self.down8, self.prompt8 = point_wise(w16, w8), point_wise(prompt, w8)
        self.blocks8, self.out8 = _blocks(w8, 5), point_wise(w8, 1)
        self.down4, self.prompt4 = point_wise(w8, w4), point_wise(_PROMPT, w4)
        self.blocks4, self.out4 = _blocks(w4, 3), point_wise(w4, 1)
        self.down2, self.prompt2 = point_wise(w4, w2), point_wise(_PROMPT, w2)
        self.filter2 = nn.Conv2d(w2, w2, 3, padding=1, groups=w2)
        self.mix2, self.out2 = point_wise(w2, w2), small_start(point_wise(w2, 1))

    def forward(self, features: ImageFeatures, prompt: Tensor) -> list[Tensor]:
        """Return logits at strides 2, 4 and 8, each [B, 1, h, w].

        Args:
            features: Of the padded photos.
            prompt: Inside disks, outside disks, previous mask, [B, 3, H, W], padded alike.
        """
        p8 = pool_to(prompt, _size(features.x8))
        guidance = self.guidance(features.embedding, p8[:, :2])
        p8 = torch.cat([guidance.to(p8.dtype), p8], dim=1)
        x16 = self.blocks16(features.x16 + self.prompt16(F.avg_pool2d(p8, 2)))
        x8 = features.x8 + enlarge(self.down8(x16), _size(p8)) + self.prompt8(p8)
        x8 = self.blocks8(x8)
        p4 = pool_to(prompt, _size(features.x4))
        x4 = features.x4 + enlarge(self.down4(x8), _size(p4)) + self.prompt4(p4)
        x4 = self.blocks4(x4)
        logits4 = self.out4(x4)
        p2 = pool_to(prompt, _size(features.x2))
        x2 = features.x2 + enlarge(self.down2(x4), _size(p2)) + self.prompt2(p2)
        fine = self.out2(F.gelu(self.mix2(F.gelu(self.filter2(x2)))))
        return [enlarge(logits4, _size(p2)) + fine, logits4, self.out8(x8)]


class CompactClickNet(nn.Module):
    """Click segmentation with an image step and a light click step.

    Args:
        config: Sizes.
    """

    def __init__(self, config: CompactConfig | None = None) -> None:
        super().__init__()
        self.config = config or CompactConfig()
        self.encoder = LiteEncoder()
        self.neck = Neck(self.config)
        self.head = ClickHead(self.config)

    def encode(self, image: Tensor) -> ImageFeatures:
        """Encode photos once.

        Args:
            image: RGB in [0, 1], [B, 3, H, W], any size of at least 1.
        """
        size = (image.shape[-2], image.shape[-1])
        padded = pad_to(image).contiguous(memory_format=torch.channels_last)
        features: ImageFeatures = self.neck(padded, self.encoder(padded), size)
        return features

    def predict(self, features: ImageFeatures, clicks: Tensor, prev: Tensor) -> Tensor:
        """Answer a prompt.

        Args:
            features: From `encode`.
            clicks: Disks, [B, 2, H, W]: inside, outside; see `click_maps`.
            prev: Previous probabilities, [B, 1, H, W]; zeros at first.

        Returns:
            Logits [B, 1, H, W] at the photo's size.
        """
        height, width = features.size
        fine = self.predict_deep(features, clicks, prev)[0]
        padded = (2 * fine.shape[-2], 2 * fine.shape[-1])
        return enlarge(fine.float(), padded)[:, :, :height, :width]

    def predict_deep(self, features: ImageFeatures, clicks: Tensor, prev: Tensor) -> list[Tensor]:
        """Return logits of the padded photo at strides 2, 4 and 8, for training."""
        height, width = features.size
        prompt = torch.cat([clicks, prev], dim=1)
        grid = (2 * features.x2.shape[-2], 2 * features.x2.shape[-1])
        prompt = F.pad(prompt, (0, grid[1] - width, 0, grid[0] - height))
        logits: list[Tensor] = self.head(features, prompt)
        return logits


def _blocks(channels: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(channels, kernel), ConvBlock(channels, kernel))


def _size(x: Tensor) -> tuple[int, int]:
    return (x.shape[-2], x.shape[-1])
