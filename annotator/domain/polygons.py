"""Masks as polygons and back.

Polygons are in pixels, (0, 0) the corner of the top-left pixel. A pixel belongs to a
polygon if its centre lies inside; an edge that runs through a centre gives the pixel to
its right or lower side. So the outline of a mask runs along the sides of its pixels, and
drawing that outline gives the mask again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.domain.masks import Inside, bounds_of

Ring = npt.NDArray[np.float64]
"""[K, 2] corners (x, y) of a closed line, the last one joined to the first."""


@dataclass(frozen=True)
class Polygon:
    """One connected part of a mask.

    Attributes:
        outline: Its outer ring.
        holes: Rings of what it leaves out.
    """

    outline: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """Outline and holes."""
        return (self.outline, *self.holes)


def polygons_of(mask: Inside, tolerance: float = 0.0) -> list[Polygon]:
    """Return the outlines of a mask.

    Args:
        mask: [H, W].
        tolerance: How far, in pixels, the outline may be from the pixels' sides, so that it
            gets by with fewer corners (Douglas and Peucker, 1973). Below 0.5 no pixel
            changes sides, because the centres of pixels are half a pixel away from their
            sides. A ring that would vanish stays exact.
    """
    box = bounds_of(mask)
    if box is None:
        return []
    x0, y0, x1, y1 = box
    outlines: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for number, parent, ring in _traced(mask[y0:y1, x0:x1]):
        moved = simplified(ring, tolerance) + np.array([x0, y0])
        if parent < 0:
            outlines[number] = moved
        else:
            holes.setdefault(parent, []).append(moved)
    return [Polygon(ring, tuple(holes.get(number, ()))) for number, ring in outlines.items()]


def _traced(mask: Inside) -> Iterable[tuple[int, int, Ring]]:
    """Yield (number, number of the outline around, ring) of outlines (around: -1) and holes.

    OpenCV's contours run through the middle of the outermost pixels. In a mask of doubled
    size these are the quarters of a pixel next to its corners, so that rounding up to even
    numbers finds the corners.
    """
    import cv2  # slow to import, and needed for polygons only

    doubled = np.repeat(np.repeat(mask.view(np.uint8), 2, axis=0), 2, axis=1)
    contours, tree = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for number, contour in enumerate(contours):
        corners = (contour[:, 0].astype(np.int64) + 1) // 2
        yield number, int(tree[0, number, 3]), _turns(corners)


def _turns(corners: npt.NDArray[np.int64]) -> Ring:
    """Keep the corners [K, 2] where a closed line of single steps changes its direction."""
    moved = corners[(corners != np.roll(corners, 1, axis=0)).any(axis=1)]
    arriving = moved - np.roll(moved, 1, axis=0)
    leaving = np.roll(moved, -1, axis=0) - moved
    ring: Ring = moved[(arriving != leaving).any(axis=1)].astype(np.float64)
    return ring


def simplified(ring: Ring, tolerance: float) -> Ring:
    """Return a ring with fewer corners, nowhere further than `tolerance` pixels away."""
    if tolerance <= 0 or len(ring) <= 3:
        return ring
    import cv2

    fewer = cv2.approxPolyDP(ring.astype(np.float32)[:, None], tolerance, closed=True)
    return ring if len(fewer) < 3 else np.asarray(fewer[:, 0], np.float64)


def mask_of(polygons: Iterable[Polygon], height: int, width: int) -> Inside:
    """Return the pixels [height, width] inside any of the polygons."""
    mask = np.zeros((height, width), np.bool_)
    for polygon in polygons:
        draw(mask, polygon.rings)
    return mask


def draw(mask: Inside, rings: Sequence[Ring]) -> None:
    """Add to a mask, in place, the pixels within an odd number of rings (even-odd rule)."""
    height, width = mask.shape
    solid = [np.asarray(ring, np.float64) for ring in rings if len(ring) >= 3]
    if not solid or not all(np.isfinite(ring).all() for ring in solid):
        return
    corners = np.concatenate(solid)
    top = int(np.clip(np.floor(corners[:, 1].min()), 0, height))
    bottom = int(np.clip(np.ceil(corners[:, 1].max()), 0, height))
    left = int(np.clip(np.floor(corners[:, 0].min()), 0, width))
    right = int(np.clip(np.ceil(corners[:, 0].max()), 0, width))
    if top >= bottom or left >= right:
        return
    flips = np.zeros((bottom - top, right - left + 1), np.uint8)
    for ring in solid:
        rows, columns = _crossings(ring, top, bottom, left, right)
        np.bitwise_xor.at(flips, (rows, columns), np.uint8(1))
    inside = np.bitwise_xor.accumulate(flips[:, :-1], axis=1)
    mask[top:bottom, left:right] |= inside.view(np.bool_)


def _crossings(
    ring: Ring, top: int, bottom: int, left: int, right: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return row and column, in the window, of the first pixel centre right of each crossing.

    A crossing is where a ring meets the horizontal line through the centres of a row.
    """
    start, end = ring, np.roll(ring, -1, axis=0)
    upper, lower = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(upper - 0.5), top, bottom).astype(np.int64)
    last = np.clip(np.ceil(lower - 0.5), top, bottom).astype(np.int64)
    counts = last - first
    edges = np.repeat(np.arange(len(ring)), counts)
    places = np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = first[edges] + places
    a, b = start[edges], end[edges]
    along = (rows + 0.5 - a[:, 1]) / (b[:, 1] - a[:, 1])
    x = a[:, 0] + along * (b[:, 0] - a[:, 0])
    columns = np.ceil(np.clip(x, left - 1.0, right + 1.0) - 0.5).astype(np.int64)
    return rows - top, np.clip(columns, left, right) - left


def joined(rings: Sequence[Ring]) -> Ring:
    """Join rings to a single one for formats that know neither holes nor parts.

    Bridges there and back along the same line have no area, so the even-odd rule draws
    the same pixels.
    """
    outline = rings[0]
    visits: dict[int, list[Ring]] = {}
    for ring in rings[1:]:
        start, at = _nearest(outline, ring)
        visits.setdefault(start, []).append(np.concatenate([ring[at:], ring[: at + 1]]))
    path: list[Ring] = []
    done = 0
    for start in sorted(visits):
        path.append(outline[done : start + 1])
        for visit in visits[start]:
            path += [visit, outline[start : start + 1]]
        done = start + 1
    return np.concatenate([*path, outline[done:]])


def _nearest(first: Ring, second: Ring) -> tuple[int, int]:
    """Return the places of the nearest corners of two rings, seen from few of them."""
    step = max(1, len(first) // 64)
    gaps = ((first[::step, None] - second[None]) ** 2).sum(axis=2)
    place, at = np.unravel_index(int(gaps.argmin()), gaps.shape)
    return int(place) * step, int(at)
