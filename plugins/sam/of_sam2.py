"""SAM 2.1 from the package `sam2`, for photos (Ravi et al., 2024)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from .network import Features, Inputs, Size

CONFIGS = {
    "sam2-t": "configs/sam2.1/sam2.1_hiera_t.yaml",
    "sam2-s": "configs/sam2.1/sam2.1_hiera_s.yaml",
    "sam2-b": "configs/sam2.1/sam2.1_hiera_b+.yaml",
    "sam2-l": "configs/sam2.1/sam2.1_hiera_l.yaml",
}
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
LARGEST_LOGIT = 32.0
"""The package clamps the masks that it feeds back."""
TOP_LEFT, BOTTOM_RIGHT = 2, 3
"""Labels of a box's corners among the points."""


class Sam2Network:
    """Stretches photos to a square; boxes are two more points.

    The same steps as the package's `SAM2ImagePredictor`, which forbids gradients.

    Attributes:
        module: The package's `SAM2Base`.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._side: int = module.image_size

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the hierarchical encoder."""
        return list(self.module.image_encoder.trunk.blocks)

    def encode(self, rgb: npt.NDArray[np.uint8]) -> dict[str, Tensor]:
        """Return features at a quarter, an eighth and a sixteenth of the square."""
        pixels = self._normalised(torch.from_numpy(np.ascontiguousarray(rgb)))
        output = self.module.forward_image(pixels)
        _, levels, _, sizes = self.module._prepare_backbone_features(output)
        if self.module.directly_add_no_mem_embed:
            levels[-1] = levels[-1] + self.module.no_mem_embed
        maps = [
            level.permute(1, 2, 0).reshape(1, -1, *size)
            for level, size in zip(levels, sizes, strict=True)
        ]
        return {"quarter": maps[0], "eighth": maps[1], "image": maps[2]}

    def to_input(self, xy: Tensor, size: Size) -> Tensor:
        """Scale each axis to the square's side."""
        return xy * xy.new_tensor([self._side / size[1], self._side / size[0]])

    def decode(self, features: Features, inputs: Inputs, several: bool) -> tuple[Tensor, Tensor]:
        """Run prompt encoder and mask decoder."""
        prompts = self.module.sam_prompt_encoder
        points = _with_corners(inputs)
        sparse, dense = prompts(points=points, boxes=None, masks=_clamped(inputs.fed_mask))
        masks, scores, _, _ = self.module.sam_mask_decoder(
            image_embeddings=features["image"],
            image_pe=prompts.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=several,
            repeat_image=True,
            high_res_features=[features["quarter"], features["eighth"]],
        )
        return masks, scores

    def to_photo(self, logits: Tensor, size: Size) -> Tensor:
        """Resize to the photo."""
        return functional.interpolate(logits, size, mode="bilinear", align_corners=False)

    def _normalised(self, photo: Tensor) -> Tensor:
        pixels = photo.permute(2, 0, 1)[None].to(self.module.no_mem_embed.device) / 255
        side = (self._side, self._side)
        pixels = functional.interpolate(
            pixels, side, mode="bilinear", align_corners=False, antialias=True
        )
        mean, deviation = (pixels.new_tensor(v)[:, None, None] for v in (MEAN, DEVIATION))
        return (pixels - mean) / deviation


def _with_corners(inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Return points and labels with a box's corners in front."""
    if inputs.boxes is None:
        return inputs.points, inputs.labels
    corners = inputs.boxes.reshape(-1, 2, 2)
    labels = inputs.labels.new_tensor([TOP_LEFT, BOTTOM_RIGHT]).expand(len(corners), 2)
    return torch.cat([corners, inputs.points], 1), torch.cat([labels, inputs.labels], 1)


def _clamped(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.clamp(-LARGEST_LOGIT, LARGEST_LOGIT)


def build(variant: str) -> Sam2Network:
    """Build the network of a variant, with random weights."""
    from sam2.build_sam import build_sam2

    return Sam2Network(build_sam2(CONFIGS[variant], device="cpu"))
