"""RITM: HRNet with an OCR head, told of clicks and of the previous mask.

Sofiiuk et al., "Reviving Iterative Training with Mask Guidance for Interactive
Segmentation", 2021. The module tree has the official checkpoints' state-dict keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.clickseg.hrnet import STEM, HRNet, HRNetConfig, resize
from models.clickseg.ocr import DistributionHead, gather_region
from models.clickseg.pixels import normalise

MAP_INNER = 16
LEAK = 0.2


@dataclass(frozen=True)
class RitmConfig:
    """Sizes of a RITM network.

    Attributes:
        backbone: Of the HRNet.
        ocr_width: Inner channels of the OCR head; its features have twice as many.
        previous_mask: Whether the previous mask is an input (all but the "baseline" ones).
    """

    backbone: HRNetConfig
    ocr_width: int
    previous_mask: bool = True

    @classmethod
    def hr18s(cls) -> "RitmConfig":
        """Return the sizes of `coco_lvis_h18s_itermask`: 4.2 million parameters."""
        return cls(HRNetConfig.small(18), 48)

    @classmethod
    def hr18(cls, previous_mask: bool = True) -> "RitmConfig":
        """Return the sizes of the `h18` checkpoints: 10 million parameters."""
        return cls(HRNetConfig(18), 64, previous_mask)

    @classmethod
    def hr32(cls) -> "RitmConfig":
        """Return the sizes of `coco_lvis_h32_itermask`: 31 million parameters."""
        return cls(HRNetConfig(32), 128)

    @classmethod
    def from_shapes(cls, shapes: Mapping[str, tuple[int, ...]]) -> "RitmConfig":
        """Read all sizes off a state dict's shapes.

        Raises:
            KeyError: If it is none of RITM.
        """
        extractor = "feature_extractor."
        width = shapes[f"{extractor}transition1.0.0.weight"][0]
        small = f"{extractor}layer1.2.conv1.weight" not in shapes
        return cls(
            HRNetConfig.small(width) if small else HRNetConfig(width),
            shapes[f"{extractor}conv3x3_ocr.0.weight"][0] // 2,
            shapes["maps_transform.0.weight"][1] == 3,
        )


class Scale(nn.Module):
    """Multiplies by the absolute value of one learnt number."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return x * self.scale.abs()


class FeatureExtractor(HRNet):
    """The backbone with its heads, in the order of the checkpoints' keys."""

    def __init__(self, config: RitmConfig) -> None:
        super().__init__(config.backbone)
        joined = sum(config.backbone.widths(4))
        features = 2 * config.ocr_width
        self.conv3x3_ocr = nn.Sequential(
            nn.Conv2d(joined, features, 3, padding=1), nn.BatchNorm2d(features), nn.ReLU()
        )
        self.ocr_distri_head = DistributionHead(features, config.ocr_width)
        self.cls_head = nn.Conv2d(features, 1, 1)
        self.aux_head = nn.Sequential(
            nn.Conv2d(joined, joined, 1), nn.BatchNorm2d(joined), nn.ReLU(), nn.Conv2d(joined, 1, 1)
        )

    def heads(self, branches: Tensor) -> tuple[Tensor, Tensor]:
        """Return main and auxiliary logits [B, 1, H/4, W/4] of the joined branches."""
        auxiliary = self.aux_head(branches)
        features = self.conv3x3_ocr(branches)
        region = gather_region(features, auxiliary)
        return self.cls_head(self.ocr_distri_head(features, region)), auxiliary


class Ritm(nn.Module):
    """The whole network."""

    def __init__(self, config: RitmConfig) -> None:
        super().__init__()
        self.config = config
        self.maps_transform = nn.Sequential(
            nn.Conv2d(3 if config.previous_mask else 2, MAP_INNER, 1),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(MAP_INNER, STEM, 3, stride=2, padding=1),
            Scale(),
        )
        self.feature_extractor = FeatureExtractor(config)

    def encode(self, image: Tensor) -> Tensor:
        """Compute what clicks do not change: the stem.

        Args:
            image: [B, 3, H, W] in 0..1.

        Returns:
            [B, 64, H/2, W/2].
        """
        return self.feature_extractor.stem(normalise(image))

    def predict(self, features: Tensor, click_maps: Tensor, previous: Tensor) -> Tensor:
        """Segment.

        Args:
            features: From `encode`; a batch of 1 serves any number of click maps.
            click_maps: [B, 2, H, W]: disks inside, disks outside.
            previous: [B, 1, H, W] probability before the last click; zeros if there is none.

        Returns:
            Logits [B, 1, H, W].
        """
        logits, _ = self.low_resolution(features, click_maps, previous)
        return resize(logits, click_maps.shape[-2:])

    def low_resolution(
        self, features: Tensor, click_maps: Tensor, previous: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return main and auxiliary logits [B, 1, H/4, W/4]; arguments as for `predict`."""
        inputs = (previous, click_maps) if self.config.previous_mask else (click_maps,)
        maps = self.maps_transform(torch.cat(inputs, dim=1).to(features.dtype))
        return self.feature_extractor.heads(self.feature_extractor(features + maps))

    def forward(self, image: Tensor, click_maps: Tensor, previous: Tensor) -> Tensor:
        """Encode and predict at once."""
        return self.predict(self.encode(image), click_maps, previous)
