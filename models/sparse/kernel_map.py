"""Kernel maps: which voxel feeds which through which slice of a kernel."""

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from models.sparse.lookup import KeyBox, make_lookup


def kernel_offsets(size: int, *, spacing: int = 1, device: torch.device | None = None) -> Tensor:
    """Return the offset that each slice of a cubic kernel reads at, x fastest.

    Odd sizes are centred, even ones run from 0 (MinkowskiEngine's order).

    Args:
        size: Edge length k of the kernel.
        spacing: Voxel units between taps: tensor stride times dilation.
        device: Where to put the result.

    Returns:
        (x, y, z) offsets [k**3, 3] int64 in voxel units.
    """
    first = -(size // 2) if size % 2 else 0
    steps = torch.arange(first, first + size, device=device) * spacing
    z, y, x = torch.meshgrid(steps, steps, steps, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), z.flatten()], dim=1)


@dataclass(frozen=True, eq=False)
class KernelMap:
    """All (source voxel, target voxel) pairs of a convolution, sorted by kernel slice.

    The targets' pairs are also listed per target (`bags`), so that summing what
    reaches a target is a gather, not a scatter.

    Attributes:
        sources: Source row of every pair, [P] int32.
        targets: Target row of every pair, [P] int32.
        counts: Number of pairs of each of the K kernel slices.
        bags: Pair numbers, grouped by target row, [P] int32.
        bag_ends: Where each target's group starts in `bags`, [N_target + 1] int32.
        source_count: Number of source voxels.
        identity: Slice whose pairs are (i, i) for every row i in order, if there is one.
        mirrored: Whether slice K-1-k holds the pairs of slice k turned round.
    """

    sources: Tensor
    targets: Tensor
    counts: tuple[int, ...]
    bags: Tensor
    bag_ends: Tensor
    source_count: int
    identity: int | None = None
    mirrored: bool = False
    _cache: dict[str, "KernelMap"] = field(default_factory=dict, repr=False)

    @property
    def target_count(self) -> int:
        """Number of target voxels."""
        return len(self.bag_ends) - 1

    @property
    def pair_count(self) -> int:
        """Number of pairs over all kernel slices."""
        return len(self.sources)

    @cached_property
    def pair_slices(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """(sources, targets) of each kernel slice, as views."""
        counts = list(self.counts)
        pairs = zip(
            torch.split(self.sources, counts), torch.split(self.targets, counts), strict=True
        )
        return tuple(pairs)

    def reversed(self) -> "KernelMap":
        """Return the map with sources and targets exchanged; made once."""
        if "reversed" not in self._cache:
            ends = _group_ends(torch.bincount(self.sources, minlength=self.source_count))
            self._cache["reversed"] = KernelMap(
                sources=self.targets,
                targets=self.sources,
                counts=self.counts,
                bags=torch.argsort(self.sources, stable=True).int(),
                bag_ends=ends,
                source_count=self.target_count,
            )
        return self._cache["reversed"]


def build_kernel_map(source: Tensor, target: Tensor, offsets: Tensor, unit: int) -> KernelMap:
    """Find, for every target voxel and kernel slice, the source voxel that feeds it.

    Args:
        source: Distinct (batch, x, y, z) of the source voxels, multiples of `unit`, [N, 4] int.
        target: The same of the target voxels, [M, 4]; the same object as `source` for
            a convolution that keeps the voxels.
        offsets: Where each kernel slice reads, relative to the target, [K, 3] int64.
        unit: Tensor stride of the source.

    Raises:
        ValueError: If source voxels coincide or the scene is too wide to number.
    """
    reach = offsets // unit
    low_pad = torch.nn.functional.pad(reach.amin(dim=0).clamp(max=0), (1, 0))
    high_pad = torch.nn.functional.pad(reach.amax(dim=0).clamp(min=0), (1, 0))
    everything = source if target is source else torch.cat([source, target])
    box = KeyBox.around(everything, low_pad, high_pad, unit)
    find = make_lookup(box.keys(source), box.cells)
    base = box.keys(target)
    rows = torch.stack([find(base + step) for step in box.key_steps(offsets)])
    symmetric = target is source and torch.equal(offsets, -offsets.flip(0))
    return _from_rows(rows, len(source), symmetric=symmetric)


def _from_rows(rows: Tensor, source_count: int, *, symmetric: bool) -> KernelMap:
    """Turn a neighbour table [K, M] int32 (-1: none) into a kernel map."""
    found = rows >= 0
    number = torch.cumsum(found.flatten(), dim=0, dtype=torch.int32).view_as(rows) - 1
    return KernelMap(
        sources=rows[found],
        targets=found.nonzero()[:, 1].int(),
        counts=tuple(found.sum(dim=1).tolist()),
        bags=number.t()[found.t()],
        bag_ends=_group_ends(found.sum(dim=0)),
        source_count=source_count,
        identity=len(rows) // 2 if symmetric else None,
        mirrored=symmetric,
    )


def _group_ends(sizes: Tensor) -> Tensor:
    """Return the boundaries of consecutive groups: [M] -> [M + 1] int32, starting with 0."""
    return torch.nn.functional.pad(torch.cumsum(sizes, dim=0), (1, 0)).int()
