"""HQ-SAM and MobileSAM from the package `segment-anything-hq`.

HQ-SAM: Ke et al., Segment Anything in High Quality, 2023. MobileSAM: Zhang et al.,
Faster Segment Anything, 2023; the package carries its network as the one that its own
tiny variant extends.
"""

import warnings
from collections.abc import Sequence
from types import ModuleType

from torch import Tensor, nn

from .network import Features, LongestSideNetwork

REGISTRY_NAMES = {
    "hq-sam-b": "vit_b",
    "hq-sam-l": "vit_l",
    "hq-sam-h": "vit_h",
    "hq-sam-tiny": "vit_tiny",
}


class HqNetwork(LongestSideNetwork):
    """Adds the high-quality mask, made of early features, to each of SAM's masks."""

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer blocks of either kind of image encoder."""
        return encoder_blocks(self.module)

    def _features(self, encoded: tuple[Tensor, Sequence[Tensor]]) -> dict[str, Tensor]:
        """Fuse early and last features (section 3.2) once a photo instead of once a click."""
        image, early = encoded
        decoder = self.module.mask_decoder
        fine = decoder.embedding_encoder(image)
        fine = fine + decoder.compress_vit_feat(early[0].permute(0, 3, 1, 2))
        return {"image": image, "fine": fine}

    def _predict_masks(self, features: Features, **inputs: Tensor) -> tuple[Tensor, Tensor]:
        decoder = self.module.mask_decoder
        masks, scores = decoder.predict_masks(**inputs, hq_features=features["fine"])
        return masks[:, :-1] + masks[:, -1:], scores


class MobileNetwork(LongestSideNetwork):
    """SAM's decoder on a small image encoder."""

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the small encoder."""
        return encoder_blocks(self.module)

    def _features(self, encoded: tuple[Tensor, Sequence[Tensor]]) -> dict[str, Tensor]:
        return {"image": encoded[0]}


def encoder_blocks(module: nn.Module) -> Sequence[nn.Module]:
    """Return the blocks of a ViT or of a TinyViT."""
    encoder = module.image_encoder
    if hasattr(encoder, "layers"):
        return [block for layer in encoder.layers for block in layer.blocks]
    return list(encoder.blocks)


def build(variant: str) -> LongestSideNetwork:
    """Build the network of a variant, with random weights."""
    package = import_quietly()
    if variant == "mobile-sam":
        return MobileNetwork(package.sam_model_registry_baseline["vit_tiny"]())
    return HqNetwork(package.sam_model_registry[REGISTRY_NAMES[variant]]())


def import_quietly() -> ModuleType:
    """Import the package without timm's remarks on how the package imports it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import segment_anything_hq
    module: ModuleType = segment_anything_hq
    return module
