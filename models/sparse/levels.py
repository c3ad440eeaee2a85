"""Voxel levels: the voxels of a scene at one resolution, with their shared kernel maps."""

import torch
from torch import Tensor

from models.sparse.kernel_map import KernelMap, Scratch, build_kernel_map, kernel_offsets
from models.sparse.lookup import KeyBox


def spatial_order(coords: Tensor) -> Tensor:
    """Return the rows of (batch, x, y, z) coordinates [N, 4] in lexicographic order, [N]."""
    return torch.argsort(_tight_box(coords, 1).keys(coords))


def _tight_box(coords: Tensor, unit: int) -> KeyBox:
    no_pad = torch.zeros(4, dtype=torch.long, device=coords.device)
    return KeyBox.around(coords, no_pad, no_pad, unit)


class VoxelLevel:
    """The voxels of one or more scenes at one tensor stride.

    Kernel maps and the coarser level are made on first use and kept, so that all
    convolutions of a level share them.
    """

    def __init__(self, coords: Tensor, stride: int = 1, scratch: Scratch | None = None) -> None:
        """Wrap voxel coordinates.

        Args:
            coords: Distinct (batch, x, y, z), [N, 4] integers, N >= 1; x, y, z are
                multiples of `stride` and may be negative.
            stride: Tensor stride: edge of a voxel in units of the finest level.
            scratch: Buffer to share with other levels of the scene.

        Raises:
            ValueError: If the array has another shape, another type or no rows.
        """
        if coords.ndim != 2 or coords.shape[1] != 4 or len(coords) == 0:
            raise ValueError(f"voxel coordinates must be [N, 4] with N >= 1, not {coords.shape}")
        if coords.dtype.is_floating_point or coords.dtype == torch.bool:
            raise ValueError(f"voxel coordinates must be integers, not {coords.dtype}")
        self.coords = coords
        self.stride = stride
        self.scratch = scratch or Scratch()
        self._maps: dict[tuple[int, int, int], KernelMap] = {}
        self._coarser: dict[int, VoxelLevel] = {}

    def __len__(self) -> int:
        """Return the number of voxels."""
        return len(self.coords)

    def coarser(self, factor: int = 2) -> "VoxelLevel":
        """Return the level with `factor` times the stride; made once.

        Its voxels are the distinct floor(c / stride) * stride, in ascending order.
        """
        if factor not in self._coarser:
            self._coarser[factor] = VoxelLevel(
                self._coarse_coords(factor), self.stride * factor, self.scratch
            )
        return self._coarser[factor]

    def _coarse_coords(self, factor: int) -> Tensor:
        unit = self.stride * factor
        scale = torch.tensor([1, unit, unit, unit], device=self.coords.device)
        cells = torch.div(self.coords.long(), scale, rounding_mode="floor") * scale
        box = _tight_box(cells, unit)
        return box.coords(torch.unique(box.keys(cells)))

    def kernel_map(self, size: int, *, stride: int = 1, dilation: int = 1) -> KernelMap:
        """Return the map of a cubic kernel from this level to itself or to a coarser one.

        Args:
            size: Edge length of the kernel.
            stride: 1 keeps the voxels, more goes to `coarser(stride)`.
            dilation: Distance between kernel taps in voxels of this level.
        """
        key = (size, stride, dilation)
        if key not in self._maps:
            target = self.coords if stride == 1 else self.coarser(stride).coords
            offsets = kernel_offsets(
                size, spacing=self.stride * dilation, device=self.coords.device
            )
            self._maps[key] = build_kernel_map(
                self.coords, target, offsets, self.stride, self.scratch
            )
        return self._maps[key]
