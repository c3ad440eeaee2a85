"""What the adapter asks of a SAM network, and the part that all families share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from annotator.domain import CancelToken, Progress

Features = Mapping[str, Tensor]
Size = tuple[int, int]


@dataclass(frozen=True)
class Inputs:
    """Prompts of the same form, as the decoders take them: in the network's input frame.

    Attributes:
        points: [B, N, 2] x and y; N may be 0.
        labels: [B, N] 1 inside, 0 outside.
        boxes: [B, 4] x0 y0 x1 y1, or None.
        mask: [B or 1, 1, m, m] logits of the mask before, or None.
    """

    points: Tensor
    labels: Tensor
    boxes: Tensor | None
    mask: Tensor | None

    @property
    def fed_mask(self) -> Tensor | None:
        """The mask, one for every prompt."""
        if self.mask is None:
            return None
        return self.mask.expand(len(self.points), -1, -1, -1)


class Network(Protocol):
    """One family's network behind one face. All methods run under autograd's present mode."""

    module: nn.Module
    """The package's own network, for its weights, device and memory."""

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The encoder's blocks in the order in which they run."""

    def encode(self, rgb: npt.NDArray[np.uint8]) -> dict[str, Tensor]:
        """Return what the decoder needs of a photo [H, W, 3]."""

    def to_input(self, xy: Tensor, size: Size) -> Tensor:
        """Map places [..., 2] in a photo of `size` (height, width) to the input frame."""

    def decode(self, features: Features, inputs: Inputs, several: bool) -> tuple[Tensor, Tensor]:
        """Return logits [B, C, m, m] and predicted IoU [B, C]; C is 3 if `several`, else 1."""

    def to_photo(self, logits: Tensor, size: Size) -> Tensor:
        """Enlarge logits [B, C, m, m] to the photo's frame [B, C, H, W]."""


@contextmanager
def watched(
    blocks: Sequence[nn.Module], progress: Progress, cancel: CancelToken | None
) -> Iterator[None]:
    """Report progress and stop between the blocks of an encoder that knows neither.

    Raises:
        Cancelled: Out of the encoder, if `cancel` was set.
    """

    def before(number: int, *_: object) -> None:
        if cancel is not None:
            cancel.check()
        progress(0.05 + 0.9 * number / len(blocks), f"block {number + 1} of {len(blocks)}")

    hooks = [b.register_forward_pre_hook(partial(before, n)) for n, b in enumerate(blocks)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class LongestSideNetwork:
    """SAM, HQ-SAM and MobileSAM: the photo's longer side fills a square, the rest is padding.

    Kirillov et al., Segment Anything, 2023, section A.

    Attributes:
        module: The package's `Sam`.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._side: int = module.image_encoder.img_size

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer blocks of the image encoder."""
        return list(self.module.image_encoder.blocks)

    def encode(self, rgb: npt.NDArray[np.uint8]) -> dict[str, Tensor]:
        """Resize as the package does, and run the image encoder."""
        photo = torch.from_numpy(_resized(rgb, self._filled(rgb.shape[:2])))
        pixels = photo.permute(2, 0, 1)[None].to(self.module.pixel_mean.device)
        return self._features(self.module.image_encoder(self.module.preprocess(pixels)))

    def to_input(self, xy: Tensor, size: Size) -> Tensor:
        """Scale both axes to the filled part of the square."""
        height, width = self._filled(size)
        return xy * xy.new_tensor([width / size[1], height / size[0]])

    def decode(self, features: Features, inputs: Inputs, several: bool) -> tuple[Tensor, Tensor]:
        """Run prompt encoder and mask decoder."""
        prompts = self.module.prompt_encoder
        points = (inputs.points, inputs.labels) if inputs.points.shape[1] else None
        sparse, dense = prompts(points=points, boxes=inputs.boxes, masks=inputs.fed_mask)
        masks, scores = self._predict_masks(
            features,
            image_embeddings=features["image"],
            image_pe=prompts.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
        # The first mask answers unambiguous prompts, the others ambiguous ones.
        chosen = slice(1, None) if several else slice(0, 1)
        return masks[:, chosen], scores[:, chosen]

    def to_photo(self, logits: Tensor, size: Size) -> Tensor:
        """Enlarge to the square, cut the padding off, resize to the photo."""
        height, width = self._filled(size)
        square = (self._side, self._side)
        logits = functional.interpolate(logits, square, mode="bilinear", align_corners=False)
        filled = logits[..., :height, :width]
        return functional.interpolate(filled, size, mode="bilinear", align_corners=False)

    def _features(self, encoded: Tensor) -> dict[str, Tensor]:
        return {"image": encoded}

    def _predict_masks(self, features: Features, **inputs: Tensor) -> tuple[Tensor, Tensor]:
        masks, scores = self.module.mask_decoder.predict_masks(**inputs)
        return masks, scores

    def _filled(self, size: Sequence[int]) -> Size:
        """Return height and width of the part of the square that the photo fills."""
        scale = self._side / max(size)
        height, width = (max(1, int(side * scale + 0.5)) for side in size)
        return height, width


def _resized(rgb: npt.NDArray[np.uint8], size: Size) -> npt.NDArray[np.uint8]:
    """Resize as torchvision resizes PIL images, which is what the packages do."""
    from PIL import Image

    resized = Image.fromarray(rgb).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.array(resized)
