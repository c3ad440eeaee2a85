"""Codes for where a voxel is and when a click was made."""

import math

import torch
from torch import Tensor, nn


class FourierPositions(nn.Module):
    """Random Fourier features of positions normalised to the scene's bounding box.

    Tancik et al., NeurIPS 2020, with the frequencies `gauss_B` saved as a buffer:
    they belong to the trained weights and are never drawn again.
    """

    gauss_B: Tensor  # noqa: N815 - the checkpoint's name

    def __init__(self, channels: int, gauss_scale: float = 1.0, extent: float = 0.0) -> None:
        """Draw the frequencies.

        Args:
            channels: Width of the code, even.
            gauss_scale: Standard deviation of the frequencies.
            extent: Length that counts as 1; 0 takes each scene's own box.
        """
        super().__init__()
        self.extent = extent
        self.register_buffer("gauss_B", torch.randn(3, channels // 2) * gauss_scale)

    def forward(self, xyz: Tensor, margin: Tensor | None = None) -> Tensor:
        """Return [sin, cos] codes of all voxels of one scene.

        Args:
            xyz: Raw positions of the voxels' representative points, metres, [N, 3].
            margin: Moves the scene away from the origin of the codes, metres, [3]; training
                draws it, so that pieces of scenes have the codes of whole ones.

        Returns:
            [N, channels] float32 codes; an axis without extent counts as 0.
        """
        low, high = xyz.aminmax(dim=0)
        extent = torch.full_like(low, self.extent) if self.extent > 0 else high - low
        if margin is not None:
            low = low - margin
        unit = (xyz - low) / torch.where(extent > 0, extent, torch.ones_like(extent))
        phase = (unit * (2 * math.pi)) @ self.gauss_B.to(unit.dtype)
        return torch.cat([phase.sin(), phase.cos()], dim=1)


def order_table(length: int, channels: int) -> Tensor:
    """Return the sine table of click order (Vaswani et al. 2017, section 3.5).

    Args:
        length: Number of rows.
        channels: Even number of columns.

    Returns:
        [length, channels] float32: even columns sine, odd columns cosine, base 10000.
    """
    steps = torch.arange(length, dtype=torch.float32)[:, None]
    even = torch.arange(0, channels, 2, dtype=torch.float32)
    rates = torch.exp(even * (-math.log(10000.0) / channels))
    table = torch.empty(length, channels)
    table[:, 0::2] = torch.sin(steps * rates)
    table[:, 1::2] = torch.cos(steps * rates)
    return table
