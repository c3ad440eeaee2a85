"""How far a click reaches: logits that depend on the distance from it.

Not part of the published network. A dot product of features must learn that far things
are other things; a small network that is trained briefly is better told. Every query
weighs a few functions of the distance itself, so a click on a wall may reach farther
than one on a cup. With a `Surface` the distance is also measured along the surface, and
a click knows which voxels lie in its plane, face its way and have its colour.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.agile3d.paths import PATHS, Surface
from models.agile3d.scene import SceneEncoding

_RADII = (0.1, 0.25, 0.6, 1.5, 4.0)
"""Radii of the functions of distance in metres."""

_HEIGHTS = (0.1, 0.4, 1.2)
"""The same for the difference in height alone."""

_PATHS = (0.06, 0.15, 0.4, 1.0, 2.5)
"""The same for the cost of each kind of path."""

_PLANES = (0.04, 0.12, 0.4)
"""The same for the distance from the plane of the click."""

_COLOURS = (0.06, 0.18)
"""The same for the difference in colour, 0..1."""

_FREE = len(_RADII) + len(_HEIGHTS)
_ALL = _FREE + PATHS * len(_PATHS) + len(_PLANES) + len(_COLOURS) + 1


_KEPT_BYTES = 256 << 20
"""Memory for what is known of the latest clicks of a scene."""


class Reach(nn.Module):
    """Adds sum over k of w_k(query) / (1 + distance_k^2 / radius_k^2) to a click's logits.

    Args:
        channels: Width of the queries.
        surface: Whether distances along the surface count too.
    """

    def __init__(self, channels: int, *, surface: bool = False) -> None:
        super().__init__()
        self.weights = nn.Linear(channels, _ALL if surface else _FREE)
        nn.init.normal_(self.weights.weight, std=0.02)
        nn.init.ones_(self.weights.bias)
        nn.init.constant_(self.weights.bias[_FREE:], 0.3)
        nn.init.zeros_(self.weights.bias[_FREE + PATHS * len(_PATHS) :])

    def forward(self, queries: Tensor, clicked: Sequence[int], scene: SceneEncoding) -> Tensor:
        """Return what to add to the logits of clicks.

        Args:
            queries: Normalised queries of the clicks, [n, C].
            clicked: Clicked voxel rows, n numbers.
            scene: With positions.

        Returns:
            [n, N].
        """
        weights = self.weights(queries)
        rows = [
            weights[n] @ _kept_closeness(voxel, clicked, scene).to(queries.dtype)
            for n, voxel in enumerate(clicked)
        ]
        return torch.stack(rows) if rows else weights.new_zeros(0, scene.voxel_count)


def _kept_closeness(voxel: int, used: Sequence[int], scene: SceneEncoding) -> Tensor:
    """Return `_closeness` of a voxel, kept with the scene: no other click changes it.

    Args:
        voxel: Whose.
        used: All voxels of this prompt; if memory is short the others are forgotten.
        scene: With positions.
    """
    if scene.xyz is None:
        raise ValueError("clicks can only reach in a scene with positions")
    kept = scene.closeness
    if voxel in kept:
        return kept[voxel]
    found = _closeness(voxel, scene.xyz, scene.surface)
    most = _KEPT_BYTES // (found.numel() * found.element_size())
    if len(kept) >= most:
        for other in set(kept) - set(used):
            del kept[other]
    if len(kept) < most:
        kept[voxel] = found
    return found


@torch.no_grad()
def _closeness(voxel: int, xyz: Tensor, surface: Surface | None) -> Tensor:
    """Return all functions of the distance from a voxel, [K, N] in 0..1."""
    offset = xyz - xyz[voxel]
    height = offset[:, 2].square()
    parts = [_near(offset.square().sum(dim=1), _RADII), _near(height, _HEIGHTS)]
    if surface is not None:
        parts += [_near(path.square(), _PATHS) for path in surface.distances(voxel)]
        parts.append(_near((offset @ surface.normals[voxel]).square(), _PLANES))
        shade = (surface.colours - surface.colours[voxel]).square().sum(dim=1)
        parts.append(_near(shade, _COLOURS))
        parts.append((surface.normals @ surface.normals[voxel]).square()[None])
    return torch.cat(parts)


def _near(squares: Tensor, radii: Sequence[float]) -> Tensor:
    """Return 1 / (1 + d^2 / r^2) for squared distances [N], [radii, N]."""
    scale = torch.tensor(radii, device=squares.device)[:, None].square()
    return scale / (scale + squares)
