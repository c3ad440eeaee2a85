"""Over what group norms average: several frames or one.

The published network keeps clips as [B, C, F, H, W] in its residual blocks, so that their norms
see all frames, and as single frames before its motion modules. The motion UNet does it the
other way round. With the same weights the two differ by some 30 % of the output.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


@dataclass
class Frames:
    """How many frames the batch at hand has a clip; shared by all norms of a network."""

    count: int = 1


class AcrossFramesNorm(nn.GroupNorm):
    """Normalises frames [B·F, C, H, W] with the statistics of their whole clip."""

    def __init__(self, norm: nn.GroupNorm, frames: Frames) -> None:
        _like(self, norm)
        self._frames = frames

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised frames."""
        batch, channels, height, width = input.shape
        clips = input.reshape(-1, self._frames.count, channels, height, width).transpose(1, 2)
        normed = functional.group_norm(clips, self.num_groups, self.weight, self.bias, self.eps)
        return normed.transpose(1, 2).reshape(batch, channels, height, width)


class PerFrameNorm(nn.GroupNorm):
    """Normalises clips [B, C, F, H, W] frame by frame."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        _like(self, norm)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised clips."""
        batch, channels, count, height, width = input.shape
        frames = input.transpose(1, 2).reshape(-1, channels, height, width)
        normed = functional.group_norm(frames, self.num_groups, self.weight, self.bias, self.eps)
        return normed.reshape(batch, count, channels, height, width).transpose(1, 2)


def _like(new: nn.GroupNorm, old: nn.GroupNorm) -> None:
    """Make a norm of another's parameters themselves, so that state dicts stay as they are."""
    nn.Module.__init__(new)
    new.num_groups, new.num_channels = old.num_groups, old.num_channels
    new.eps, new.affine = old.eps, old.affine
    new.weight, new.bias = old.weight, old.bias


def publish_norms(unet: nn.Module, frames: Frames, *, residual: bool, motion: bool) -> None:
    """Let norms of a motion UNet average as the published network's do.

    Args:
        unet: Changed in place; its names and tensors stay.
        frames: Told before each call how many frames there are.
        residual: Let residual blocks and the last norm see whole clips. Networks trained with
            "inflated" norms do not.
        motion: Let motion modules' own norms see single frames.
    """
    for name, module in list(unet.named_modules()):
        if not isinstance(module, nn.GroupNorm):
            continue
        parent, _, last = name.rpartition(".")
        if residual and (".resnets." in name or name == "conv_norm_out"):
            setattr(unet.get_submodule(parent), last, AcrossFramesNorm(module, frames))
        elif motion and ".motion_modules." in name:
            setattr(unet.get_submodule(parent), last, PerFrameNorm(module))
