"""What the network is told beside the noisy clip: region, photo, strength, stride."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Which = Literal["all", "first"]


class ScalarEmbedding(nn.Module):
    """Two linear layers over the sinusoid of a number, as for time steps."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(inputs, outputs)
        self.linear_2 = nn.Linear(outputs, outputs)
        # Fresh ones say nothing, as the published training begins.
        nn.init.zeros_(self.linear_2.weight)
        nn.init.zeros_(self.linear_2.bias)

    def forward(self, sinusoid: Tensor) -> Tensor:
        """Return [B, outputs] of [B, inputs]."""
        hidden: Tensor = self.linear_2(functional.silu(self.linear_1(sinusoid)))
        return hidden


class ConditionedTime(nn.Module):
    """Takes the place of a UNet's time embedding and adds strength and stride to it.

    Attributes:
        base: The UNet's own.
        fps_embedding: Of the stride, which the published code calls "fps".
        motion_embedding: Of the strength.
        stride: [B] frames of the video from one frame of the clip to the next, or None.
        strength: [B] mean flow in the region, pixels from frame to frame, or None.
    """

    def __init__(self, base: nn.Module, sinusoid: Callable[[Tensor], Tensor], width: int) -> None:
        super().__init__()
        self.base = base
        self._sinusoid = sinusoid
        self.fps_embedding = ScalarEmbedding(width, 4 * width)
        self.motion_embedding = ScalarEmbedding(width, 4 * width)
        self.stride: Tensor | None = None
        self.strength: Tensor | None = None

    def forward(self, sample: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return base(t) + fps(stride) + motion(strength), [B, 4·width]."""
        embedded: Tensor = self.base(sample, condition)
        for told, layer in (
            (self.stride, self.fps_embedding),
            (self.strength, self.motion_embedding),
        ):
            if told is not None:
                embedded = embedded + layer(self._sinusoid(told).to(embedded.dtype))
        return embedded


@dataclass(frozen=True)
class Layout:
    """In which frames the network sees region and photo.

    The paper and the released code differ; both can be had. PIA's networks see the photo in
    all frames and a similarity in place of the region.

    Attributes:
        mask_frames: Frames whose mask channel shows the region; else zeros.
        photo_frames: Frames whose last four channels hold the photo; else zeros.
    """

    mask_frames: Which = "all"
    photo_frames: Which = "first"


def channels(mask: Tensor, photo: Tensor, frames: int, layout: Layout) -> Tensor:
    """Return the five channels that follow the noisy latent, [1, 5, F, h, w].

    Args:
        mask: [h, w] in [0, 1], or [F, h, w] where it differs from frame to frame.
        photo: [4, h, w] latent.
        frames: F.
        layout: Which frames see what.
    """
    region = (mask if mask.ndim == 3 else mask.expand(frames, *mask.shape)).clone()
    picture = photo[:, None].repeat(1, frames, 1, 1)
    if layout.mask_frames == "first":
        region[1:] = 0
    if layout.photo_frames == "first":
        picture[:, 1:] = 0
    return torch.cat([region[None].to(picture), picture])[None]


def latent_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a mask [H, W] of 0..1 at the latent's size [h, w], by the nearest pixels."""
    whole = mask.float().clamp(0, 1)[None, None]
    return functional.interpolate(whole, size, mode="nearest")[0, 0]


def masked_photo(photo: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Return a photo's latent [4, h, w] with a part of its places zeroed, as in training.

    Args:
        photo: The latent.
        ratio: Part of the places to zero, the same in all channels; 0 zeroes none.
        generator: On the CPU.
    """
    if ratio <= 0:
        return photo
    kept = torch.rand(photo.shape[1:], generator=generator) > ratio
    return photo * kept.to(photo)


def similarity(mask: Tensor, frames: int, least: float) -> Tensor:
    """Return PIA's channel [F, h, w]: how much each frame shall resemble the photo.

    It is 1 outside of the region and falls inside, fast at first, from 1 to `least` (published:
    0.8 for small, 0.5 for large motion).

    Args:
        mask: [h, w] of the region in [0, 1].
        frames: F.
        least: Similarity in the last frame.
    """
    passed = torch.linspace(0, 1, frames).sqrt().to(mask)
    inside = 1 - (1 - least) * passed[:, None, None]
    return 1 + mask * (inside - 1)
