"""EfficientNet-Lite0 without its classifier, batch normalisation folded into the convolutions.

EfficientNet: Tan and Le, ICML 2019; the Lite variant has no squeeze-and-excitation and ReLU6.
The published network pads like TensorFlow ("SAME"): more at the bottom and the right.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_BATCH_NORM_EPSILON = 1e-3


class StageSpec(NamedTuple):
    """One stage of inverted residual blocks.

    Attributes:
        blocks: How many.
        kernel: Size of the depthwise kernel.
        stride: Of the first block.
        expand: Widening inside a block.
        channels: Output channels.
    """

    blocks: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    StageSpec(1, 3, 1, 1, 16),
    StageSpec(2, 3, 2, 6, 24),
    StageSpec(2, 5, 2, 6, 40),
    StageSpec(3, 3, 2, 6, 80),
    StageSpec(3, 5, 1, 6, 112),
    StageSpec(4, 5, 2, 6, 192),
    StageSpec(1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
TAPS = (0, 1, 2, 4, 6)
"""Stages whose outputs are handed out: strides 2, 4, 8, 16, 32."""
TAP_CHANNELS = tuple(STAGES[tap].channels for tap in TAPS)


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME" does.

    Input [B, C, H, W], output [B, O, ceil(H / stride), ceil(W / stride)].
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pad and convolve."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return F.conv2d(x, self.weight, self.bias, 1, kernel // 2, 1, self.groups)
        lengths = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:]]
        before_y, before_x = lengths[0] // 2, lengths[1] // 2
        x = F.pad(x, (before_x, lengths[1] - before_x, before_y, lengths[0] - before_y))
        return F.conv2d(x, self.weight, self.bias, stride, 0, 1, self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter per channel, project; adds its input where shapes allow.

    Args:
        inputs: Input channels.
        spec: The stage the block is in.
        stride: Of this block.
    """

    def __init__(self, inputs: int, spec: StageSpec, stride: int) -> None:
        super().__init__()
        hidden = inputs * spec.expand
        self.expand = SameConv(inputs, hidden, 1) if spec.expand > 1 else None
        self.depthwise = SameConv(hidden, hidden, spec.kernel, stride, groups=hidden)
        self.project = SameConv(hidden, spec.channels, 1)
        self.shortcut = stride == 1 and inputs == spec.channels

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H / stride, W / stride]."""
        wide = x if self.expand is None else F.relu6(self.expand(x))
        y: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x + y if self.shortcut else y


class LiteEncoder(nn.Module):
    """EfficientNet-Lite0 as a pyramid of features."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM_CHANNELS, 3, 2)
        inputs, stages = STEM_CHANNELS, []
        for spec in STAGES:
            blocks = []
            for index in range(spec.blocks):
                blocks.append(InvertedResidual(inputs, spec, spec.stride if index == 0 else 1))
                inputs = spec.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return features at strides 2, 4, 8, 16 and 32.

        Args:
            image: RGB in [0, 1], [B, 3, H, W]; H and W multiples of 32.
        """
        x = F.relu6(self.stem((image * 255 - 127) / 128))
        taps = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in TAPS:
                taps.append(x)
        return taps


def fold(weight: Tensor, norm: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Fold batch normalisation into a convolution without bias.

    Args:
        weight: [O, I, K, K].
        norm: `weight`, `bias`, `running_mean`, `running_var`, each [O].

    Returns:
        Weight and bias of the equal convolution.
    """
    scale = norm["weight"] / (norm["running_var"] + _BATCH_NORM_EPSILON).sqrt()
    return weight * scale[:, None, None, None], norm["bias"] - norm["running_mean"] * scale


def encoder_state(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Translate the published EfficientNet-Lite0 state dict to `LiteEncoder`'s.

    Raises:
        KeyError: If a tensor is missing.
    """
    state: dict[str, Tensor] = {}

    def take(target: str, conv: str, norm: str) -> None:
        names = ("weight", "bias", "running_mean", "running_var")
        statistics = {name: published[f"{norm}.{name}"] for name in names}
        weight, bias = fold(published[f"{conv}.weight"], statistics)
        state[f"{target}.weight"], state[f"{target}.bias"] = weight, bias

    take("stem", "_conv_stem", "_bn0")
    number = 0
    for index, spec in enumerate(STAGES):
        for block in range(spec.blocks):
            source, target = f"_blocks.{number}", f"stages.{index}.{block}"
            if spec.expand > 1:
                take(f"{target}.expand", f"{source}._expand_conv", f"{source}._bn0")
            take(f"{target}.depthwise", f"{source}._depthwise_conv", f"{source}._bn1")
            take(f"{target}.project", f"{source}._project_conv", f"{source}._bn2")
            number += 1
    return state


def pad_to(image: Tensor, multiple: int = 32) -> Tensor:
    """Repeat the last row and column [B, C, H, W] until both sides are multiples."""
    down, right = -image.shape[-2] % multiple, -image.shape[-1] % multiple
    return F.pad(image, (0, right, 0, down), mode="replicate") if down or right else image


def pool_to(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Average maps [B, C, H, W] to a size that divides theirs."""
    kernel = (maps.shape[-2] // size[0], maps.shape[-1] // size[1])
    return maps if kernel == (1, 1) else torch.nn.functional.avg_pool2d(maps, kernel)
