"""Finding voxels by coordinate: 64-bit keys over a bounding box, and two lookup tables."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

KEY_LIMIT = 2**62
"""Largest number of cells a bounding box may have; keys beyond would overflow 64 bits."""

DENSE_LIMIT = 2**24
"""Boxes up to this many cells get a dense table (64 MiB), larger ones a sorted key list."""

Lookup = Callable[[Tensor], Tensor]
"""Maps keys [n] int64 to voxel rows [n] int32, -1 where there is no voxel."""


@dataclass(frozen=True)
class KeyBox:
    """A box of cells that numbers coordinates with one 64-bit key each.

    Attributes:
        low: Smallest (batch, x, y, z) of the box, in units of `unit`, [4] int64.
        weights: Key step of one cell along each axis, [4] int64.
        cells: Number of cells in the box.
        unit: Length of a cell in voxel units (the tensor stride).
    """

    low: Tensor
    weights: Tensor
    cells: int
    unit: int

    @classmethod
    def around(cls, coords: Tensor, low_pad: Tensor, high_pad: Tensor, unit: int) -> "KeyBox":
        """Return the box around coordinates, padded.

        Args:
            coords: (batch, x, y, z) of voxels, multiples of `unit` but for the batch, [N, 4].
            low_pad: What to add to the smallest coordinate, in units, [4] int64, at most 0.
            high_pad: What to add to the largest coordinate, in units, [4] int64, at least 0.
            unit: Tensor stride of the coordinates.

        Raises:
            ValueError: If the box has too many cells for 64-bit keys.
        """
        low, high = _in_units(coords, unit).aminmax(dim=0)
        low = low + low_pad
        sizes = [int(s) for s in (high + high_pad - low + 1).tolist()]
        weights = [sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1]
        cells = sizes[0] * weights[0]
        if cells >= KEY_LIMIT:
            extent = " x ".join(str(s) for s in sizes[1:])
            raise ValueError(
                f"the scene spans {extent} voxels, too many to number; remove stray points, "
                "crop it or use larger voxels"
            )
        return cls(low, torch.tensor(weights, device=coords.device), cells, unit)

    def keys(self, coords: Tensor) -> Tensor:
        """Return the key of each coordinate: [N, 4] -> [N] int64."""
        return ((_in_units(coords, self.unit) - self.low) * self.weights).sum(dim=1)

    def coords(self, keys: Tensor) -> Tensor:
        """Return the (batch, x, y, z) in voxel units that keys stand for: [N] -> [N, 4] int32."""
        columns = []
        for weight in self.weights:
            columns.append(torch.div(keys, weight, rounding_mode="floor"))
            keys = keys - columns[-1] * weight
        spacing = torch.tensor([1, self.unit, self.unit, self.unit], device=keys.device)
        return ((torch.stack(columns, dim=1) + self.low) * spacing).int()

    def key_steps(self, offsets: Tensor) -> Tensor:
        """Return how much each (x, y, z) offset, in voxel units, moves a key: [K, 3] -> [K]."""
        return (offsets // self.unit * self.weights[1:]).sum(dim=1)


def _in_units(coords: Tensor, unit: int) -> Tensor:
    """Divide the spatial columns of [N, 4] coordinates by the stride; exact by contract."""
    scale = torch.tensor([1, unit, unit, unit], device=coords.device)
    return torch.div(coords.long(), scale, rounding_mode="floor")


def make_lookup(keys: Tensor, cells: int) -> Lookup:
    """Build a lookup for distinct keys.

    Args:
        keys: Key of every voxel, [N] int64, in 0..cells-1.
        cells: Number of possible keys.

    Raises:
        ValueError: If two voxels share a key.
    """
    if cells <= DENSE_LIMIT:
        return _dense_lookup(keys, cells)
    return _sorted_lookup(keys)


def _dense_lookup(keys: Tensor, cells: int) -> Lookup:
    rows = torch.arange(len(keys), dtype=torch.int32, device=keys.device)
    table = torch.full((cells,), -1, dtype=torch.int32, device=keys.device)
    table[keys] = rows
    if not torch.equal(table[keys], rows):
        raise ValueError(_DUPLICATES)
    return lambda wanted: table.index_select(0, wanted)


def _sorted_lookup(keys: Tensor) -> Lookup:
    ordered, rows = keys.sort()
    if bool((ordered[1:] == ordered[:-1]).any()):
        raise ValueError(_DUPLICATES)
    rows = rows.int()
    missing = torch.tensor(-1, dtype=torch.int32, device=keys.device)

    def find(wanted: Tensor) -> Tensor:
        place = torch.searchsorted(ordered, wanted).clamp_(max=len(ordered) - 1)
        return torch.where(ordered[place] == wanted, rows[place], missing)

    return find


_DUPLICATES = "two voxels share a coordinate; quantise the points first"
