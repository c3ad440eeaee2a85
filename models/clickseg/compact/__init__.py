"""A compact click-segmentation network: encode a photo once, answer each click quickly."""

from models.clickseg.compact.checkpoint import (
    CompactCheckpointError,
    load_compact,
    save_compact,
    start_from_imagenet,
)
from models.clickseg.compact.clicks import Click, click_maps, hard_disks, soft_disks
from models.clickseg.compact.network import CompactClickNet, CompactConfig, ImageFeatures

__all__ = [
    "Click",
    "CompactCheckpointError",
    "CompactClickNet",
    "CompactConfig",
    "ImageFeatures",
    "click_maps",
    "hard_disks",
    "load_compact",
    "save_compact",
    "soft_disks",
    "start_from_imagenet",
]
