"""Kernel maps: which voxel feeds which through which slice of a kernel."""

from dataclasses import dataclass
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


class Scratch:
    """One reusable buffer for the products of a convolution.

    Fresh memory of this size costs as much as the multiplications: the system clears
    it page by page. The levels of a scene share one buffer, used by one thread at a time.
    """

    def __init__(self) -> None:
        self._buffer: Tensor | None = None

    def take(self, rows: int, columns: int, like: Tensor) -> Tensor:
        """Return an uninitialised [rows, columns] tensor, valid until the next call."""
        size = rows * columns
        kept = self._buffer
        if kept is None or kept.numel() < size or kept.dtype != like.dtype:
            # Not an inference tensor: the levels may be used in training as well.
            with torch.inference_mode(False):
                kept = torch.empty(size, dtype=like.dtype, device=like.device)
            self._buffer = kept
        return kept.detach()[:size].view(rows, columns)


@dataclass(frozen=True, eq=False)
class KernelMap:
    """All (source voxel, target voxel) pairs of a convolution, sorted by kernel slice.

    The targets' pairs can also be listed per target (`bags`), so that summing what
    reaches a target is a gather, not a scatter.

    Attributes:
        sources: Source row of every pair, [P] int32.
        targets: Target row of every pair, [P] int32.
        counts: Number of pairs of each of the K kernel slices.
        source_count: Number of source voxels.
        target_count: Number of target voxels.
        scratch: Where convolutions put their products.
        found: Whether there is a pair for each slice and target, [K, M] bool, if known.
        identity: Slice whose pairs are (i, i) for every row i in order, if there is one.
        mirrored: Whether slice K-1-k holds the pairs of slice k turned round.
    """

    sources: Tensor
    targets: Tensor
    counts: tuple[int, ...]
    source_count: int
    target_count: int
    scratch: Scratch
    found: Tensor | None = None
    identity: int | None = None
    mirrored: bool = False

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

    @cached_property
    def bags(self) -> Tensor:
        """Pair numbers, grouped by target row, [P] int32."""
        if self.found is None:
            return torch.argsort(self.targets, stable=True).int()
        number = torch.cumsum(self.found.flatten(), dim=0, dtype=torch.int32) - 1
        return number.view_as(self.found).t()[self.found.t()]

    @cached_property
    def bag_ends(self) -> Tensor:
        """Where each target's group starts and ends in `bags`, [M + 1] int32."""
        if self.found is None:
            sizes = torch.bincount(self.targets, minlength=self.target_count)
        else:
            sizes = self.found.sum(dim=0)
        return torch.nn.functional.pad(torch.cumsum(sizes, dim=0), (1, 0)).int()

    @cached_property
    def columns(self) -> Tensor:
        """Place of every pair in a [M, K] table flattened row by row, [P] int64."""
        k = torch.arange(len(self.counts), device=self.targets.device)
        counts = torch.tensor(self.counts, device=self.targets.device)
        slices = k.repeat_interleave(counts, output_size=self.pair_count)
        return self.targets.long() * len(self.counts) + slices

    @cached_property
    def reversed(self) -> "KernelMap":
        """The map with sources and targets exchanged."""
        return KernelMap(
            sources=self.targets,
            targets=self.sources,
            counts=self.counts,
            source_count=self.target_count,
            target_count=self.source_count,
            scratch=self.scratch,
        )


def build_kernel_map(
    source: Tensor, target: Tensor, offsets: Tensor, unit: int, scratch: Scratch
) -> KernelMap:
    """Find, for every target voxel and kernel slice, the source voxel that feeds it.

    Args:
        source: Distinct (batch, x, y, z) of the source voxels, multiples of `unit`, [N, 4] int.
        target: The same of the target voxels, [M, 4]; the same object as `source` for
            a convolution that keeps the voxels.
        offsets: Where each kernel slice reads, relative to the target, [K, 3] int64.
        unit: Tensor stride of the source.
        scratch: Where convolutions over the map put their products.

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
    return _from_rows(rows, len(source), scratch, symmetric=symmetric)


def _from_rows(rows: Tensor, source_count: int, scratch: Scratch, *, symmetric: bool) -> KernelMap:
    """Turn a neighbour table [K, M] int32 (-1: none) into a kernel map."""
    found = rows >= 0
    place = found.flatten().nonzero()[:, 0]
    return KernelMap(
        sources=rows.flatten()[place],
        targets=(place % rows.shape[1]).int(),
        counts=tuple(found.sum(dim=1).tolist()),
        source_count=source_count,
        target_count=rows.shape[1],
        scratch=scratch,
        found=found,
        identity=len(rows) // 2 if symmetric else None,
        mirrored=symmetric,
    )
