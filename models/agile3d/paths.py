"""How far it is from a click along the surface, crossing as few edges as possible.

Not part of the published network. People end an object where the surface bends or steps
and where its colour changes. Shortest paths over touching voxels, on which such places
are dear, measure this without training, so it holds on scans unlike those trained on.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

from models.agile3d.geometry import neighbourhood_normals
from models.agile3d.neighbours import neighbour_pairs

Floats = npt.NDArray[np.floating]

PATHS = 3
"""Kinds of paths: dear where the shape changes; where shape or colour do; the same squared."""

FARTHEST = 8.0
"""Costs above this are not told apart."""

KEPT = 200
"""Clicks whose distances are kept."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Touching voxels of a scene and what it costs to pass from one to the next.

    Attributes:
        normals: [N, 3] unit normals of either sign, float32.
        colours: [N, 3] colours averaged over two rings of voxels, float32.
        graphs: `PATHS` matrices of costs between touching voxels; on average a metre
            of edges costs 1.
        known: Distances of the latest clicks by voxel; put here by `distances`.
    """

    normals: Tensor
    colours: Tensor
    graphs: tuple[csr_array, ...]
    known: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, coords: Tensor, colours: Tensor, xyz: Tensor) -> "Surface":
        """Measure a scene.

        Args:
            coords: Distinct voxel indices [N, 3].
            colours: Colours in 0..1, [N, 3].
            xyz: Positions, metres, [N, 3].
        """
        device = xyz.device
        normals = neighbourhood_normals(coords, xyz)
        pairs = neighbour_pairs(coords.cpu().numpy())
        smooth = _smoothed(pairs, colours.float().cpu().numpy())
        costs = _costs(pairs, xyz.float().cpu().numpy(), normals.cpu().numpy(), smooth)
        graphs = tuple(_symmetric(pairs, cost, len(xyz)) for cost in costs)
        return cls(normals, torch.from_numpy(smooth).to(device), graphs)

    def distances(self, voxel: int) -> Tensor:
        """Return the cost of the cheapest paths from a voxel, [PATHS, N]; infinite if none."""
        if voxel not in self.known:
            while len(self.known) >= KEPT:
                self.known.pop(next(iter(self.known)))
            found = [dijkstra(graph, indices=voxel, limit=FARTHEST) for graph in self.graphs]
            stacked = torch.from_numpy(np.stack(found).astype(np.float32))
            self.known[voxel] = stacked.to(self.normals.device)
        return self.known[voxel]


def _symmetric(pairs: npt.NDArray[np.int64], values: Floats, count: int) -> csr_array:
    """Return the [count, count] matrix that has each value at (i, j) and at (j, i)."""
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    return csr_array(coo_array((np.tile(values, 2), (rows, columns)), (count, count)))


def _smoothed(pairs: npt.NDArray[np.int64], colours: Floats) -> npt.NDArray[np.float32]:
    """Average colours twice over touching voxels."""
    count = len(colours)
    touching = _symmetric(pairs, np.ones(len(pairs), np.float32), count)
    share = touching.sum(axis=1)[:, None] + 1
    for _ in range(2):
        colours = (touching @ colours + colours) / share
    return colours.astype(np.float32)


def _costs(
    pairs: npt.NDArray[np.int64], xyz: Floats, normal: Floats, colours: Floats
) -> list[npt.NDArray[np.float64]]:
    """Return the costs of all pairs, one array [E] a kind of path.

    Changes are measured against the scene's mean change, so that noisy scans and smooth
    ones are treated alike.
    """
    i, j = pairs.T
    step = (xyz[j] - xyz[i]).astype(np.float64)
    length = np.linalg.norm(step, axis=1) + 1e-4
    bend = 1 - np.abs((normal[i] * normal[j]).sum(axis=1))
    rise = np.abs((step * normal[i]).sum(axis=1)) + np.abs((step * normal[j]).sum(axis=1))
    shape = _relative(np.maximum(bend, 0)) + _relative(rise / length)
    colour = _relative(np.linalg.norm(colours[i] - colours[j], axis=1))
    raw = (
        length * (0.3 + shape),
        length * (0.3 + shape + 2 * colour),
        length * (0.3 + shape + colour) ** 2,
    )
    return [cost * (length.sum() / max(cost.sum(), 1e-9)) for cost in raw]


def _relative(change: Floats) -> Floats:
    result: Floats = change / max(float(change.mean()) if len(change) else 0.0, 1e-6)
    return result
