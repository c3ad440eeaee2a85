"""What a pointer means: the point it is on, the pixels in a lasso or under a brush."""

import numpy as np
import numpy.typing as npt

from annotator.domain.raster import EMPTY

Bool = npt.NDArray[np.bool_]

SAME_SURFACE = 0.01  # relative depth within which points count as one surface
SURROUNDED = 3  # quadrants that a nearer, sparse surface must fill to hide what is behind it


def pick_in_window(
    ids: npt.NDArray[np.int64],
    depth: npt.NDArray[np.floating],
    x: float,
    y: float,
    radius: float,
) -> int | None:
    """Return the point that a pointer at (x, y) means.

    It is the front-most within the radius, and of that surface the point nearest to the
    pointer: one sees through the gaps of a sparse surface, but means the surface. Only
    where the pointer is exactly on a farther point and the nearer surface lies to one
    side of it (the rim of an object, not a veil of points) does the farther one win.

    Args:
        ids: [h, w] rows of the points in the pixels around the pointer, `EMPTY` for none.
        depth: [h, w] metres; ignored where there is no point.
        x: Pointer in pixels from the window's left edge.
        y: Pointer in pixels from the window's top edge.
        radius: Pixels.
    """
    rows, columns = np.mgrid[: ids.shape[0], : ids.shape[1]]
    dx, dy = columns + 0.5 - x, rows + 0.5 - y
    distance = np.hypot(dx, dy)
    hit = (ids != EMPTY) & (distance <= max(radius, 0.75))
    if not hit.any():
        return None
    front = hit & (depth <= depth[hit].min() * (1 + SAME_SURFACE))
    own = (int(y), int(x))
    if hit[own] and not front[own] and _quadrants(dx[front], dy[front]) < SURROUNDED:
        return int(ids[own])
    return int(ids[front][np.argmin(distance[front])])


def _quadrants(dx: npt.NDArray[np.floating], dy: npt.NDArray[np.floating]) -> int:
    return len(np.unique((dx > 0) * 2 + (dy > 0)))


def polygon_mask(polygon: npt.ArrayLike, width: int, height: int) -> Bool:
    """Return which pixel centres [height, width] are inside a polygon, by the even-odd rule.

    Args:
        polygon: [K, 2] x, y in pixels; closed by itself, may leave the picture.
        width: Picture width.
        height: Picture height.
    """
    points = np.asarray(polygon, np.float64).reshape(-1, 2)
    toggles = np.zeros((height, width + 1), np.int32)
    if len(points) < 3:
        return np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        top, bottom = sorted((y0, y1))
        # The rows whose centre the edge crosses; the lower end belongs to the next edge.
        first, last = (int(np.clip(np.ceil(end - 0.5), 0, height)) for end in (top, bottom))
        rows = np.arange(first, last)
        if not len(rows):
            continue
        crossing = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.intp)
        toggles[rows, columns] += 1
    inside: Bool = (np.cumsum(toggles, axis=1)[:, :width] & 1).astype(bool)
    return inside


def disc_mask(x: float, y: float, radius: float, width: int, height: int) -> Bool:
    """Return which pixel centres [height, width] are within `radius` pixels of (x, y)."""
    columns = np.arange(width) + 0.5 - x
    rows = np.arange(height)[:, None] + 0.5 - y
    return columns * columns + rows * rows <= radius * radius
