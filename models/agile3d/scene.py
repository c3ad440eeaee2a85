"""What the decoder needs of a scene, and the arrangement of clicks as queries."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.agile3d.paths import Surface


@dataclass(frozen=True, eq=False)
class SceneView:
    """A scene as the attentions of one decoder layer see it.

    Attributes:
        keys: For clicks attending to the scene, [N, C].
        values: The same, [N, C].
        queries: For the scene attending to clicks, [N, C].
    """

    keys: Tensor
    values: Tensor
    queries: Tensor


@dataclass(frozen=True, eq=False)
class SceneEncoding:
    """Result of the expensive step: one row a voxel, in the caller's voxel order.

    Attributes:
        features: Scene features F0, [N, C].
        positions: Position codes, [N, C].
        xyz: Positions, metres, [N, 3]; for networks whose clicks have a reach.
        surface: For networks whose clicks reach along the surface.
        first_view: The first layer's view, which no click changes; put here by the
            decoder at the first click and of no use to other code.
        closeness: What the latest clicks are close to, by voxel; put here by `reach.py`.
    """

    features: Tensor
    positions: Tensor
    xyz: Tensor | None = None
    surface: Surface | None = None
    first_view: list[SceneView] = field(default_factory=list, repr=False)
    closeness: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @property
    def voxel_count(self) -> int:
        """Number of voxels N."""
        return len(self.features)


@dataclass(frozen=True, eq=False)
class ClickQueries:
    """Clicks in query order: object 1's, object 2's, ..., then the background's.

    Within an object, clicks keep the caller's order. The learnable background
    queries stand before the background clicks.

    Attributes:
        voxels: Voxel row of each click, [n] int64.
        times: Row of each click in the order table, [n] int64.
        foreground: How many of the clicks are on objects.
        sizes: Number of queries of each object 1..M, then of the background
            (learnable queries included).
    """

    voxels: Tensor
    times: Tensor
    foreground: int
    sizes: tuple[int, ...]

    @classmethod
    def arrange(
        cls,
        voxels: Tensor,
        objects: Tensor,
        times: Tensor,
        object_count: int,
        *,
        voxel_count: int,
        background_queries: int,
        max_time: int,
    ) -> "ClickQueries":
        """Sort clicks by object, background last.

        Args:
            voxels: Voxel row of each click, [n] integers.
            objects: Object of each click, 0 (background) to M, [n] integers.
            times: Global 0-based order of each click, [n] integers; numbers past
                `max_time` share its last row.
            object_count: M; objects without clicks are allowed.
            voxel_count: Number of voxels of the scene.
            background_queries: Number of learnable background queries.
            max_time: Length of the order table.

        Raises:
            ValueError: If the lengths differ or a voxel, object or time is out of range.
        """
        if not len(voxels) == len(objects) == len(times):
            raise ValueError("clicks need as many objects and times as voxels")
        if len(objects) and not 0 <= int(objects.min()) <= int(objects.max()) <= object_count:
            raise ValueError(f"click objects must be 0..{object_count}")
        if len(voxels) and not 0 <= int(voxels.min()) <= int(voxels.max()) < voxel_count:
            raise ValueError(f"clicked voxels must be 0..{voxel_count - 1}")
        if len(times) and int(times.min()) < 0:
            raise ValueError("click times must not be negative")
        last = torch.where(objects > 0, objects, object_count + 1)
        order = torch.argsort(last, stable=True)
        counts = torch.bincount(last.long(), minlength=object_count + 2)[1:].tolist()
        return cls(
            voxels=voxels.long()[order],
            times=times.long()[order].clamp(max=max_time - 1),
            foreground=len(voxels) - counts[-1],
            sizes=(*counts[:-1], counts[-1] + background_queries),
        )
