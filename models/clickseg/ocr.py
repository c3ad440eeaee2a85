"""The object-contextual head of RITM: what the object looks like as a whole, told to every pixel.

Yuan et al., "Object-Contextual Representations for Semantic Segmentation", ECCV 2020.
"""

import torch
from torch import Tensor, nn


def _bn_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


def _project(before: int, after: int, layers: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in range(layers):
        modules += [nn.Conv2d(after if layer else before, after, 1, bias=False), _bn_relu(after)]
    return nn.Sequential(*modules)


class ObjectContext(nn.Module):
    """Attention from pixels to object regions, of which a click network has one.

    The softmax over a single region is 1 whatever the pixels are, so `f_pixel` and
    `f_object` cannot influence the output; they are here because checkpoints have them.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.f_pixel = _project(channels, inner, 2)
        self.f_object = _project(channels, inner, 2)
        self.f_down = _project(channels, inner, 1)
        self.f_up = _project(inner, channels, 1)

    def forward(self, region: Tensor) -> Tensor:
        """Region vector [B, C, 1, 1] -> context [B, C, 1, 1], the same for every pixel."""
        context: Tensor = self.f_up(self.f_down(region))
        return context


class DistributionHead(nn.Module):
    """Joins context and pixel features."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.object_context_block = ObjectContext(channels, inner)
        self.conv_bn_dropout = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1, bias=False), _bn_relu(channels)
        )

    def forward(self, features: Tensor, region: Tensor) -> Tensor:
        """[B, C, H, W] and [B, C, 1, 1] -> [B, C, H, W]."""
        context = self.object_context_block(region).expand_as(features)
        joined: Tensor = self.conv_bn_dropout(torch.cat([context, features], dim=1))
        return joined


def gather_region(features: Tensor, logits: Tensor) -> Tensor:
    """Average features over the pixels, weighted by a softmax of `logits` over all pixels.

    Args:
        features: [B, C, H, W].
        logits: [B, 1, H, W].

    Returns:
        [B, C, 1, 1].
    """
    weights = logits.flatten(2).softmax(dim=2)
    return torch.bmm(features.flatten(2), weights.transpose(1, 2))[..., None]
