"""Regions that grow from the clicks along the surface and hardly cross edges.

Points are joined to their neighbours; a step costs its length, more where colour or normal
changes. Every point gets the object of the click that reaches it at the least cost:
Dijkstra's algorithm from all clicks at once (the image foresting transform of Falcão et
al., 2004, on a point cloud).
"""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from annotator.domain import AnnotatorError, Mask


class RegionGrowing:
    """Keeps nothing between calls; an encoding is the graph of a cloud's surface."""

    def __init__(self, parameters):
        self._neighbours = parameters["neighbours"]
        self._weights = parameters["colour_weight"], parameters["normal_weight"]
        self._reach = parameters["reach"]

    def encode(self, asset, *, progress, cancel=None):
        """Join every point to its neighbours."""
        check = cancel.check if cancel is not None else lambda: None
        check()
        xyz = asset.xyz.astype(np.float64)
        progress(0.1, "looking for neighbours")
        count = min(self._neighbours + 1, len(xyz))
        distance, index = cKDTree(xyz).query(xyz, k=range(1, count + 1))
        check()
        progress(0.5, "estimating the surface")
        turn = 1 - np.abs(np.einsum("nkd,nd->nk", normals(xyz, index)[index], normals(xyz, index)))
        check()
        progress(0.8, "weighing the steps")
        colour = np.zeros_like(turn)
        if asset.rgb is not None:
            rgb = asset.rgb / 255.0
            colour = np.linalg.norm(rgb[index] - rgb[:, None], axis=2) / np.sqrt(3)
        cost = distance * (1 + self._weights[0] * colour + self._weights[1] * turn) + 1e-9
        rows = np.repeat(np.arange(len(xyz)), index.shape[1])
        graph = coo_matrix((cost.ravel(), (rows, index.ravel())), (len(xyz), len(xyz))).tocsr()
        progress(1.0, f"{graph.nnz:,} steps")
        return graph

    def predict(self, encoding, prompt, *, cancel=None):
        """Let all clicks grow at once; where several reach a point, the nearest has it."""
        if cancel is not None:
            cancel.check()
        clicked = {}
        for click in sorted(prompt.clicks, key=lambda click: click.order):
            if click.index is None or not 0 <= click.index < encoding.shape[0]:
                raise AnnotatorError(f"Click {click.order} names no point of this scan.")
            clicked[click.index] = click.object_id  # of two clicks on one point the later counts
        labels = np.zeros(encoding.shape[0], np.int32)
        cost = np.full(len(labels), np.inf)
        if clicked:
            cost, _, source = dijkstra(
                encoding,
                directed=False,
                indices=list(clicked),
                min_only=True,
                return_predecessors=True,
                limit=self._reach or np.inf,
            )
            reached = source >= 0
            table = np.zeros(len(labels), np.int32)
            table[list(clicked)] = list(clicked.values())
            labels[reached] = table[source[reached]]
        return Mask(labels, np.exp(-cost).astype(np.float32))

    def close(self):
        """Nothing to free."""


def normals(xyz, index):
    """Return unit normals [N, 3]: the direction in which a point's neighbours spread least."""
    around = xyz[index] - xyz[index].mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))
    return vectors[:, :, 0]


def create(context):
    """Make the engine."""
    return RegionGrowing(context.parameters)
