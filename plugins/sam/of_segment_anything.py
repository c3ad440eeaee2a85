"""SAM from the package `segment-anything` (Kirillov et al., 2023)."""

from .network import LongestSideNetwork

REGISTRY_NAMES = {"sam-b": "vit_b", "sam-l": "vit_l", "sam-h": "vit_h"}


def build(variant: str) -> LongestSideNetwork:
    """Build the network of a variant, with random weights."""
    from segment_anything import sam_model_registry

    return LongestSideNetwork(sam_model_registry[REGISTRY_NAMES[variant]]())
