"""Drawing points without a graphics card: a numpy z-buffer whose low bits are the id buffer.

Every pixel holds one 64-bit key, the bits of the (positive) float32 depth above the
point's 32-bit index. Depth bits of positive floats sort like the floats, so taking the
minimum keeps the nearest point, ties go to the lower index, and the order of drawing
does not matter: a huge cloud can be drawn in slices that converge to the exact picture.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain.camera import Projection
from annotator.domain.cloud import Float32, Float64, Int64, PointCloud

UInt64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]

EMPTY = 0xFFFFFFFF
"""Id of a pixel without a point; beyond every table, so `take(..., mode="clip")` hits its end."""
BLOCK = 250_000  # points drawn between two looks at the clock
CHUNK = 32_768  # points whose temporaries stay in the second-level cache
BAND = 32  # picture rows handled at a time, for the same reason
LARGEST_POINT = 24
EMPTY_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True)
class Block:
    """An even sample of the cloud: rows `first`, `first + step`, ...

    Attributes:
        columns: [3, K] float32 x, y and z relative to `centre`.
        centre: [3] float64 metres, subtracted to keep float32 precision when projecting.
        first: Row of its first point.
        step: Distance in rows between its points.
    """

    columns: Float32
    centre: Float64
    first: int
    step: int

    def parts(self) -> Iterator[slice]:
        """Cut the block into chunks whose temporaries stay in the cache."""
        count = self.columns.shape[1]
        return (slice(i, min(i + CHUNK, count)) for i in range(0, count, CHUNK))

    def rows(self, part: slice) -> slice:
        """Return the rows of the cloud that are in a part of the block."""
        return slice(
            self.first + part.start * self.step, self.first + part.stop * self.step, self.step
        )


Rejection = Callable[[Block, slice], Bool | None]
"""Says for a part of a block which points [K] are not drawn; None: all of them are."""


class PointBlocks:
    """A cloud cut into interleaved blocks, made contiguous when first drawn.

    The number of blocks is prime and they are taken in golden-ratio order, so that the
    first ones already sample an organised (row by row) scan evenly.

    Attributes:
        cloud: The cloud as given.
        low: [3] float64 lower corner of nearly all points, metres.
        high: [3] float64 upper corner.
        count: Number of blocks.
    """

    def __init__(self, cloud: PointCloud) -> None:
        self.cloud = cloud
        self.low, self.high = robust_bounds(cloud)
        self.count = _next_prime(-(-len(cloud) // BLOCK)) if len(cloud) > BLOCK else 1
        self._hop = max(1, round(self.count * 0.618)) if self.count > 1 else 1
        self._blocks: dict[int, Block] = {}

    def block(self, turn: int) -> Block:
        """Return the block to draw in the given turn, 0 to `count` - 1."""
        first = turn * self._hop % self.count
        if first not in self._blocks:
            rows = self.cloud.xyz[first :: self.count]
            centre = ((self.low + self.high) / 2).astype(np.float32)
            columns = np.empty((3, len(rows)), np.float32)
            for axis in range(3):
                np.subtract(rows[:, axis], centre[axis], out=columns[axis])
            self._blocks[first] = Block(columns, centre.astype(np.float64), first, self.count)
        return self._blocks[first]

    def rows(self, turn: int) -> slice:
        """Return the rows of the cloud that make up a turn's block."""
        return slice(turn * self._hop % self.count, None, self.count)


def robust_bounds(cloud: PointCloud) -> tuple[Float64, Float64]:
    """Return the corners [3] of a box around nearly all points, so that strays don't rule it.

    The 0.2 and 99.8 percentiles of an even sample, widened a little, within the true bounds
    of the sample.
    """
    if not len(cloud):
        return np.zeros(3), np.zeros(3)
    sample = cloud.xyz[:: max(1, len(cloud) // 50_000)].astype(np.float64)
    low, high = np.percentile(sample, [0.2, 99.8], axis=0)
    slack = (high - low) * 0.05
    return np.maximum(low - slack, sample.min(axis=0)), np.minimum(high + slack, sample.max(axis=0))


def outline_sample(blocks: PointBlocks, count: int = 4000) -> Float64:
    """Return an even sample [K, 3] of the points within the robust bounds, for fitting a view."""
    cloud = blocks.cloud
    sample = cloud.xyz[:: max(1, len(cloud) // count)].astype(np.float64)
    inside = ((sample >= blocks.low) & (sample <= blocks.high)).all(axis=1)
    return sample[inside]


def typical_spacing(blocks: PointBlocks) -> float:
    """Return about how far apart neighbouring points are, in metres.

    The surface is estimated by the faces of occupied coarse voxels of a sample, and
    shared out among all points.
    """
    sample = outline_sample(blocks, 30_000)
    edge = float((blocks.high - blocks.low).max()) / 40
    if edge <= 0 or not len(sample):
        return 0.0
    cells = np.floor((sample - blocks.low) / edge).astype(np.int64)
    keys = np.sort(cells[:, 0] * 10_000 + cells[:, 1] * 100 + cells[:, 2])
    occupied = 1 + int(np.count_nonzero(keys[1:] != keys[:-1]))
    return edge * float(np.sqrt(occupied / len(blocks.cloud)))


def _next_prime(n: int) -> int:
    while any(n % d == 0 for d in range(2, int(n**0.5) + 1)):
        n += 1
    return n


@dataclass(frozen=True)
class Frame:
    """What a picture shows in each pixel.

    Attributes:
        ids: [H, W] int64 row of the nearest point, `EMPTY` where there is none.
        depth: [H, W] float32 metres along the view; NaN bits where there is none.
    """

    ids: Int64
    depth: Float32

    @property
    def empty(self) -> Bool:
        """[H, W] where no point is."""
        empty: Bool = self.ids == EMPTY
        return empty


class _Projector:
    """Projects chunks of points into work arrays that are allocated once."""

    def __init__(self) -> None:
        self._arrays = np.empty((4, CHUNK), np.float32)
        self._bad = np.empty(CHUNK, bool)

    def project(
        self, columns: Float32, rows: Float32, near: float, unwanted: Bool | None
    ) -> tuple[Float32, Float32, Float32, Bool]:
        """Return u and v in pixels from the middle, depth, and which of K points to leave out.

        Args:
            columns: [3, K] coordinates, K at most `CHUNK`.
            rows: [3, 4] from `projection_rows`.
            near: Depth in metres below which points are left out.
            unwanted: [K] further points to leave out; their depth becomes infinite.
        """
        n = columns.shape[1]
        u, v, depth, term = self._arrays[:, :n]
        for row, out in zip(rows, (u, v, depth), strict=True):
            _affine(columns, row, out, term)
        bad = np.less(depth, np.float32(near), out=self._bad[:n])
        if unwanted is not None:
            np.logical_or(bad, unwanted, out=bad)
        np.copyto(depth, np.float32(np.inf), where=bad)
        np.divide(np.float32(1), depth, out=term)
        u *= term
        v *= term
        return u, v, depth, bad


class ZBuffer:
    """A picture that points are min-merged into.

    Around the picture lies a margin: wide enough for the splats of points just outside,
    and ringed by cells that everything farther out is clamped to and nobody reads.
    """

    def __init__(self, width: int, height: int, point_size: int = 1) -> None:
        self.width, self.height = max(1, width), max(1, height)
        self.point_size = max(1, min(LARGEST_POINT, point_size))
        self._margin = self.point_size // 2 + 2
        shape = (self.height + 2 * self._margin, self.width + 2 * self._margin)
        self._keys = np.full(shape, EMPTY_KEY)
        self._projector = _Projector()
        self._column, self._row = np.empty((2, CHUNK), np.int32)
        self._pixel = np.empty(CHUNK, np.intp)
        self._key = np.empty(CHUNK, np.uint64)
        # Little-endian halves of the keys: index below, depth bits above.
        self._key_halves = self._key.view("<u4").reshape(CHUNK, 2)
        self._count = np.arange(CHUNK, dtype=np.uint32)
        self.ids = np.full((self.height, self.width), EMPTY, np.int64)
        self.depth = np.full((self.height, self.width), np.nan, np.float32)

    def clear(self) -> None:
        """Forget all points."""
        self._keys.fill(EMPTY_KEY)

    def add(self, block: Block, projection: Projection, rejected: Rejection | None = None) -> None:
        """Merge a block's points in.

        Args:
            block: The points.
            projection: The camera, for a picture of exactly this size.
            rejected: Which points are not to be drawn.
        """
        rows = projection_rows(projection, block.centre)
        for part in block.parts():
            unwanted = rejected(block, part) if rejected is not None else None
            columns = block.columns[:, part]
            u, v, depth, bad = self._projector.project(columns, rows, projection.near, unwanted)
            pixel = self._pixel_index(u, v, bad)
            np.minimum.at(self._keys.reshape(-1), pixel, self._keys_of(block, part, depth))

    def _pixel_index(self, u: Float32, v: Float32, bad: Bool) -> npt.NDArray[np.intp]:
        """Clamp to the buffer and number the cells; unwanted points go to the unread ring."""
        margin, n = self._margin, len(u)
        for values, size in ((u, self.width), (v, self.height)):
            values += np.float32(size / 2 + margin)
            np.clip(values, np.float32(0), np.float32(size + 2 * margin - 1), out=values)
        np.copyto(u, np.float32(0), where=bad)
        column, row = self._column[:n], self._row[:n]
        np.copyto(column, u, casting="unsafe")
        np.copyto(row, v, casting="unsafe")
        row *= np.int32(self._keys.shape[1])
        return np.add(row, column, out=self._pixel[:n])

    def _keys_of(self, block: Block, part: slice, depth: Float32) -> UInt64:
        halves = self._key_halves[: len(depth)]
        np.multiply(self._count[: len(depth)], np.uint32(block.step), out=halves[:, 0])
        halves[:, 0] += np.uint32(block.first + part.start * block.step)
        halves[:, 1] = depth.view(np.uint32)
        return self._key[: len(depth)]

    def resolve(self) -> Frame:
        """Grow every point to its size and return the frame; its arrays are reused next time."""
        for top in range(0, self.height, BAND):
            bottom = min(top + BAND, self.height)
            keys = self._splatted(top, bottom)
            np.bitwise_and(keys, np.uint64(EMPTY), out=self.ids[top:bottom].view(np.uint64))
            halves = keys.view("<u4").reshape(bottom - top, self.width, 2)
            self.depth[top:bottom].view(np.uint32)[...] = halves[..., 1]
        return Frame(self.ids, self.depth)

    def _splatted(self, top: int, bottom: int) -> UInt64:
        """Return keys [bottom - top, W] where each point covers its whole square or disc."""
        result: UInt64 | None = None
        for width, height in splat_rectangles(self.point_size):
            y = top + self._margin - height // 2
            x = self._margin - width // 2
            part = self._keys[y : y + bottom - top + height - 1, x : x + self.width + width - 1]
            grown = running_minimum(running_minimum(part, width, 1), height, 0)
            result = grown if result is None else np.minimum(result, grown, out=result)
        assert result is not None
        return np.ascontiguousarray(result)


def projection_rows(projection: Projection, centre: Float64) -> Float32:
    """Return [3, 4] float32 rows that give u * depth, v * depth (pixels from the middle), depth."""
    eye = projection.eye - centre
    axes = (
        projection.right * projection.focal,
        -projection.up * projection.focal,
        projection.forward,
    )
    return np.array([[*axis, -(axis * eye).sum()] for axis in axes], np.float32)


def _affine(columns: Float32, row: Float32, out: Float32, term: Float32) -> None:
    # Three multiplications rather than a matrix product: BLAS start-up costs more than this.
    np.multiply(columns[0], row[0], out=out)
    out += np.multiply(columns[1], row[1], out=term)
    out += np.multiply(columns[2], row[2], out=term)
    out += row[3]


def splat_rectangles(size: int) -> tuple[tuple[int, int], ...]:
    """Return (width, height) of the centred rectangles whose union is a point of `size` pixels.

    Up to 3 pixels a square, above an octagon that looks like a disc.
    """
    if size <= 3:
        return ((size, size),)
    cut = max(1, round(size * 0.29))
    bars = ((size, size - 2 * cut), (size - 2 * cut, size))
    middle = size - 2 * (cut // 2)
    return bars if cut == 1 else (*bars, (middle, middle))


def running_minimum(values: npt.NDArray[Any], window: int, axis: int) -> npt.NDArray[Any]:
    """Return the minimum of every `window` neighbours along an axis, shorter by `window` - 1.

    Windows double at each pass, so the cost grows with the logarithm of the window.
    """
    values = np.moveaxis(values, axis, 0)
    width = 1
    while width < window:
        shift = min(width, window - width)
        values = np.minimum(values[:-shift], values[shift:])
        width += shift
    return np.moveaxis(values, 0, axis)


def points_under(
    blocks: PointBlocks,
    projection: Projection,
    mask: Bool,
    rejected: Rejection | None = None,
    deepest: Float32 | None = None,
) -> Int64:
    """Return the rows, ascending, of all points that project onto marked pixels.

    Args:
        blocks: The cloud.
        projection: The camera, for a picture of the mask's size.
        mask: [H, W] marked pixels.
        rejected: Which points are not drawn and so cannot be meant.
        deepest: [H, W] metres beyond which points do not count; NaN lets none through.
            None reaches through everything.
    """
    height, width = mask.shape
    marked_rows, marked_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(marked_rows):
        return np.zeros(0, np.int64)
    box = (marked_columns[0], marked_columns[-1] + 1, marked_rows[0], marked_rows[-1] + 1)
    found, projector = [], _Projector()
    for turn in range(blocks.count):
        block = blocks.block(turn)
        rows = projection_rows(projection, block.centre)
        for part in block.parts():
            unwanted = rejected(block, part) if rejected is not None else None
            columns = block.columns[:, part]
            u, v, depth, bad = projector.project(columns, rows, projection.near, unwanted)
            u += np.float32(width / 2)
            v += np.float32(height / 2)
            near = np.flatnonzero(~bad & _in_box(u, v, box))
            hits = near[_marked(u[near], v[near], depth[near], mask, deepest)]
            found.append(block.first + (part.start + hits) * block.step)
    return np.sort(np.concatenate(found))


def _in_box(u: Float32, v: Float32, box: tuple[int, int, int, int]) -> Bool:
    """Return which places are in a box of pixels: it leaves few for the exact look-up."""
    left, right, top, bottom = (np.float32(edge) for edge in box)
    inside: Bool = (u >= left) & (u < right) & (v >= top) & (v < bottom)
    return inside


def _marked(u: Float32, v: Float32, depth: Float32, mask: Bool, deepest: Float32 | None) -> Bool:
    x, y = u.astype(np.intp), v.astype(np.intp)
    marked: Bool = mask[y, x]
    return marked if deepest is None else marked & (depth <= deepest[y, x])
