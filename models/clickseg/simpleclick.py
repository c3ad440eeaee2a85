"""SimpleClick: a plain vision transformer told of clicks by a second patch embedding.

Liu et al., "SimpleClick: Interactive Image Segmentation with Simple Vision Transformers",
ICCV 2023. The module tree has the official checkpoints' state-dict keys.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.clickseg.hrnet import resize
from models.clickseg.pixels import normalise
from models.clickseg.pyramid import MlpHead, PyramidConfig, SimpleFPN
from models.clickseg.vit import PatchEmbed, VisionTransformer, VitConfig

HEADS = {160: 4, 768: 12, 1024: 16, 1280: 16}
"""Attention heads by channels: the one size that a state dict does not show."""


@dataclass(frozen=True)
class SimpleClickConfig:
    """Sizes of a SimpleClick network.

    Attributes:
        vit: Of the transformer.
        pyramid: Of pyramid and head.
    """

    vit: VitConfig
    pyramid: PyramidConfig

    @classmethod
    def xtiny(cls) -> "SimpleClickConfig":
        """Return the sizes of ViT-XT; its inner widths follow the rule of the others."""
        return cls(VitConfig(160, 8, 4, period=2), _pyramid(160, (96, 192, 288, 384), head=128))

    @classmethod
    def base(cls) -> "SimpleClickConfig":
        """Return the sizes of ViT-B: 98 million parameters."""
        return cls(VitConfig(), _pyramid(768, (128, 256, 512, 1024)))

    @classmethod
    def large(cls) -> "SimpleClickConfig":
        """Return the sizes of ViT-L: 324 million parameters."""
        return cls(VitConfig(1024, 24, 16), _pyramid(1024, (192, 384, 768, 1536)))

    @classmethod
    def huge(cls) -> "SimpleClickConfig":
        """Return the sizes of ViT-H: 662 million parameters."""
        vit = VitConfig(1280, 32, 16, patch=14, grid=32, period=8)
        return cls(vit, _pyramid(1280, (240, 480, 960, 1920)))

    @classmethod
    def from_shapes(cls, shapes: Mapping[str, tuple[int, ...]]) -> "SimpleClickConfig":
        """Read all sizes off a state dict's shapes.

        Raises:
            KeyError: If it is none of SimpleClick.
            ValueError: If its number of channels is none of the published.
        """
        dim, _, patch, _ = shapes["patch_embed_coords.proj.weight"]
        depth = sum(key.endswith(".attn.qkv.weight") for key in shapes)
        grid = round((shapes["backbone.pos_embed"][1] - 1) ** 0.5)
        if dim not in HEADS:
            raise ValueError(f"no published SimpleClick has {dim} channels")
        period = 6 if depth == 12 else max(1, depth // 4)
        keys = ("down_4.5", "down_8.2", "down_16.0", "down_32.2")
        inner = ("down_4.1", "down_4.4", "down_8.1", "down_32.1")
        pyramid = PyramidConfig(
            dim,
            _four(shapes[f"neck.{key}.weight"][0] for key in keys),
            _four(shapes[f"neck.{key}.weight"][0] for key in inner),
            shapes["head.conv_seg.weight"][1],
        )
        return cls(VitConfig(dim, depth, HEADS[dim], patch, grid, period), pyramid)


def _four(values: Iterable[int]) -> tuple[int, int, int, int]:
    a, b, c, d = values
    return a, b, c, d


def _pyramid(dim: int, widths: tuple[int, int, int, int], head: int = 256) -> PyramidConfig:
    inner = (dim // 2, dim // 4, dim // 2, 2 * dim)
    return PyramidConfig(dim, widths, inner, head)


class SimpleClick(nn.Module):
    """The whole network."""

    def __init__(self, config: SimpleClickConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed_coords = PatchEmbed(config.vit)
        self.backbone = VisionTransformer(config.vit)
        self.neck = SimpleFPN(config.pyramid)
        self.head = MlpHead(config.pyramid)

    def encode(self, image: Tensor) -> Tensor:
        """Compute what clicks do not change: the tokens of the image.

        Args:
            image: [B, 3, H, W] in 0..1; H and W are multiples of 224.

        Returns:
            [B, h, w, C].
        """
        tokens: Tensor = self.backbone.patch_embed(normalise(image))
        return tokens

    def predict(self, features: Tensor, click_maps: Tensor, previous: Tensor) -> Tensor:
        """Segment.

        Args:
            features: From `encode`; a batch of 1 serves any number of click maps.
            click_maps: [B, 2, H, W]: disks inside, disks outside.
            previous: [B, 1, H, W] probability before the last click; zeros if there is none.

        Returns:
            Logits [B, 1, H, W].
        """
        logits = self.low_resolution(features, click_maps, previous)
        return resize(logits, click_maps.shape[-2:])

    def low_resolution(self, features: Tensor, click_maps: Tensor, previous: Tensor) -> Tensor:
        """Return logits on the pyramid's finest level; arguments as for `predict`."""
        maps = torch.cat([previous, click_maps], dim=1).to(features.dtype)
        # the published order of additions: positions last
        tokens = features + self.patch_embed_coords(maps)
        tokens = tokens + self.backbone.positions(*tokens.shape[1:3])
        logits: Tensor = self.head(self.neck(self.backbone(tokens)))
        return logits

    def forward(self, image: Tensor, click_maps: Tensor, previous: Tensor) -> Tensor:
        """Encode and predict at once."""
        return self.predict(self.encode(image), click_maps, previous)
