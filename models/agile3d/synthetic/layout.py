"""Find room for things: what is occupied, what carries something else."""

import numpy as np
import numpy.typing as npt

from models.agile3d.synthetic.surfaces import Float, Rng, Surface

CELL = 0.06
"""Edge of an occupancy cell in metres."""

_TOUCHING = 0.06
"""Share of an item's cells that may be occupied already: things in real rooms touch."""


class Space:
    """Occupied cells and carrying heights of a room whose corner is at the origin.

    Args:
        size: Width, depth, height in metres.
    """

    def __init__(self, size: tuple[float, float, float]) -> None:
        self.size = size
        self.shape = tuple(int(np.ceil(v / CELL)) + 1 for v in size)
        self._taken = np.zeros(self.shape, bool)
        self._top = np.zeros(self.shape[:2], np.float32)

    def fits(self, item: Surface) -> bool:
        """Tell whether an item is inside the room and hardly meets what stands there."""
        if (item.low < -0.03).any() or (item.high > np.asarray(self.size) + 0.03).any():
            return False
        cells, low = self._solid(item)
        taken = self._view(cells, low)
        return float((taken & cells).sum()) <= _TOUCHING * float(cells.sum())

    def take(self, item: Surface) -> None:
        """Mark an item's cells and remember its top as a place for small things."""
        cells, low = self._solid(item)
        self._view(cells, low)[...] |= cells
        rows = self._cells(item.xyz)
        np.maximum.at(self._top, (rows[:, 0], rows[:, 1]), item.xyz[:, 2])

    def support(self, item: Surface) -> float | None:
        """Return the height on which an item (standing on z = 0) would rest; None if it tips."""
        if (item.low[:2] < 0).any() or (item.high[:2] > np.asarray(self.size[:2])).any():
            return None
        rows = np.unique(self._cells(item.xyz)[:, :2], axis=0)
        heights = self._top[rows[:, 0], rows[:, 1]]
        level = float(heights.max())
        return level if float((heights > level - 0.05).mean()) > 0.6 else None

    def _cells(self, xyz: Float) -> npt.NDArray[np.int64]:
        cells = (xyz / CELL).astype(np.int64)
        clipped: npt.NDArray[np.int64] = np.clip(cells, 0, np.array(self.shape) - 1)
        return clipped

    def _solid(self, item: Surface) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Return an item's cells, each column filled between its ends, and their low corner."""
        rows = self._cells(item.xyz)
        low = rows.min(axis=0)
        local = rows - low
        shape = local.max(axis=0) + 1
        bottom = np.full(shape[:2], 10_000)
        top = np.full(shape[:2], -1)
        np.minimum.at(bottom, (local[:, 0], local[:, 1]), local[:, 2])
        np.maximum.at(top, (local[:, 0], local[:, 1]), local[:, 2])
        z = np.arange(shape[2])
        return (z >= bottom[..., None]) & (z <= top[..., None]), low

    def _view(
        self, cells: npt.NDArray[np.bool_], low: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        x, y, z = (slice(int(a), int(a + n)) for a, n in zip(low, cells.shape, strict=True))
        return self._taken[x, y, z]


def against_wall(rng: Rng, item: Surface, size: tuple[float, float, float]) -> Surface:
    """Put an item with its back (+y) against a random wall of a room."""
    side = int(rng.integers(4))
    turned = item.turned(side * np.pi / 2)
    low, high = turned.low, turned.high
    gap = abs(rng.normal(0, 0.02))
    x, y = (rng.uniform(-low[k], max(size[k] - high[k], -low[k] + 0.01)) for k in (0, 1))
    match side:
        case 0:
            y = size[1] - high[1] - gap
        case 1:
            x = -low[0] + gap
        case 2:
            y = -low[1] + gap
        case _:
            x = size[0] - high[0] - gap
    return turned.moved((x, y, 0))


def anywhere(rng: Rng, item: Surface, size: tuple[float, float, float]) -> Surface:
    """Put an item anywhere on the floor, mostly parallel to the walls."""
    yaw = rng.integers(4) * np.pi / 2 if rng.random() < 0.5 else rng.uniform(0, 2 * np.pi)
    turned = item.turned(float(yaw))
    low, high = turned.low, turned.high
    x, y = (rng.uniform(-low[k], max(size[k] - high[k], -low[k] + 0.01)) for k in (0, 1))
    return turned.moved((x, y, 0))
