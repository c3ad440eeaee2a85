"""A motion UNet made to be the published network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.checkpoint import load_state
from models.followclick.diffusion.conditioning import ConditionedTime
from models.followclick.diffusion.norms import Frames, publish_norms
from models.followclick.diffusion.phrase import PhrasedBlock, augment

NormMode = Literal["published", "inflated", "stock"]


@dataclass(frozen=True)
class Told:
    """What a clip is told beside its channels; each tensor has the batch's length.

    Attributes:
        words: [B, N, D] embeddings of the caption.
        stride: [B], or None for networks without.
        strength: [B], or None for networks without.
        phrase: [B, N, D] embeddings of the short phrase, for motion-augmented networks.
    """

    words: Tensor
    stride: Tensor | None = None
    strength: Tensor | None = None
    phrase: Tensor | None = None


class MotionNetwork(nn.Module):
    """The 9-channel network: clips [B, 9, F, h, w] in, predictions [B, 4, F, h, w] out.

    Attributes:
        unet: The motion UNet, whose weights are loaded already.
        time: What replaced its time embedding.
    """

    def __init__(
        self,
        unet: nn.Module,
        *,
        norms: NormMode = "published",
        scalars: Mapping[str, Tensor] | None = None,
        phrase: Mapping[str, Mapping[str, Tensor]] | None = None,
        words: int = 768,
    ) -> None:
        """Take a motion UNet over.

        Args:
            unet: With `time_proj`, `time_embedding`, `conv_in` and motion modules; changed.
            norms: "published"; "inflated" if residual blocks were trained on single frames;
                "stock" leaves the UNet's.
            scalars: Tensors `fps_embedding.*` and `motion_embedding.*`; fresh ones if None.
            phrase: Tensors of the motion-augmented attention, possibly none; None leaves it out.
            words: Width of the words' embeddings.

        Raises:
            CheckpointError: If weights do not fit.
        """
        super().__init__()
        self.unet = unet
        parts: Any = unet
        width = int(parts.conv_in.weight.shape[0])
        self.time = ConditionedTime(parts.time_embedding, parts.time_proj, width)
        self.time.to(parts.conv_in.weight)
        if scalars:
            base = {k: v for k, v in self.time.state_dict().items() if k.startswith("base.")}
            load_state(self.time, {**base, **scalars})
        parts.time_embedding = self.time
        self._frames = Frames()
        publish_norms(unet, self._frames, residual=norms == "published", motion=norms != "stock")
        self._phrased: list[PhrasedBlock] = [] if phrase is None else augment(unet, words, phrase)

    def forward(self, clips: Tensor, step: Tensor | int, told: Told) -> Tensor:
        """Return the prediction [B, 4, F, h, w] for a time step."""
        self._frames.count = clips.shape[2]
        self.time.stride, self.time.strength = told.stride, told.strength
        for block in self._phrased:
            block.phrase = told.phrase
        words = told.words.repeat_interleave(clips.shape[2], 0)
        try:
            found = self.unet(clips, step, encoder_hidden_states=words, return_dict=False)
        finally:
            self._forget()
        predicted: Tensor = found[0]
        return predicted

    def _forget(self) -> None:
        self.time.stride = self.time.strength = None
        for block in self._phrased:
            block.phrase = None


def materialise(unet: nn.Module, state: Mapping[str, Tensor], dtype: torch.dtype) -> None:
    """Give a UNet that was built without memory its weights, without a second copy.

    Args:
        unet: On the device "meta".
        state: All of its tensors but positions, by name; see `compare_state` for checking.
        dtype: Precision to keep them in.
    """
    whole = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
    for name, module in unet.named_modules():
        if name.endswith("pos_embed"):
            _, length, width = module.get_buffer("pe").shape
            whole[f"{name}.pe"] = positions(length, width).to(dtype)
    unet.load_state_dict(whole, strict=True, assign=True)
    unet.requires_grad_(False)


def positions(length: int, width: int) -> Tensor:
    """Return sinusoidal positions [1, length, width] (Vaswani et al., 2017, section 3.5)."""
    place = torch.arange(length, dtype=torch.float32)[:, None]
    slowness = torch.exp(torch.arange(0, width, 2) * (-torch.log(torch.tensor(1e4)) / width))
    table = torch.zeros(1, length, width)
    table[0, :, 0::2] = torch.sin(place * slowness)
    table[0, :, 1::2] = torch.cos(place * slowness)
    return table
