"""Working copies of large photos: annotate a reduced one, push labels back to all pixels.

A working pixel (x, y) stands for the `factor` x `factor` pixels of the photo whose corner
is (factor x, factor y); at the right and lower edges for as many of them as there are. So
a place in the photo, divided by the factor, is the same place in the working copy.

Clicks and boxes of a document are in pixels of the *photo*; labels, brush strokes and
engines are in pixels of the *working copy*. The project file keeps the factor in
`AssetState.working_spacing` (0 = none) and the number of working pixels in `working_count`.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from annotator.domain.clicks import Prompt
from annotator.domain.images import Image

WORKING_PIXELS = 32_000_000
"""Photos of more pixels are annotated on a working copy of at most this many."""


def working_factor(width: int, height: int) -> int:
    """Return the smallest whole factor whose working copy has at most `WORKING_PIXELS`."""
    factor = 1
    while math.ceil(width / factor) * math.ceil(height / factor) > WORKING_PIXELS:
        factor += 1
    return factor


def working_size(width: int, height: int, factor: int) -> tuple[int, int]:
    """Return (width, height) of the working copy of a photo."""
    return math.ceil(width / factor), math.ceil(height / factor)


@dataclass(frozen=True)
class WorkingImage:
    """What is shown to engines and annotated of a photo, and how it stands for the photo.

    Attributes:
        image: The working copy, [h, w]; the photo itself if the factor is 1.
        factor: By how much it is reduced, from 1.
        width: Of the photo, in pixels.
        height: Of the photo, in pixels.
    """

    image: Image
    factor: int
    width: int
    height: int

    @classmethod
    def of(cls, photo: Image, factor: int | None = None) -> "WorkingImage":
        """Make the working copy of a photo.

        Args:
            photo: The photo at full resolution.
            factor: By how much to reduce; 0 and 1 do not; None: as `working_factor` says.
        """
        height, width = photo.rgb.shape[:2]
        chosen = working_factor(width, height) if factor is None else max(int(factor), 1)
        image = photo if chosen == 1 else Image(reduce(photo.rgb, chosen), photo.name)
        return cls(image, chosen, width, height)

    @property
    def spacing(self) -> float:
        """What `AssetState.working_spacing` holds: the factor, 0 if the photo is not reduced."""
        return 0.0 if self.factor == 1 else float(self.factor)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the working copy."""
        return self.image.rgb.shape[0], self.image.rgb.shape[1]

    @property
    def count(self) -> int:
        """What `AssetState.working_count` holds: pixels of the working copy."""
        return self.shape[0] * self.shape[1]

    def to_full(self, labels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Spread labels [h, w] of the working copy to all pixels [H, W] of the photo.

        Every pixel gets the label of the working pixel that stands for it (nearest): ids
        cannot be averaged, and nothing but the engine knows where the edge runs in between.
        """
        if self.factor == 1:
            return labels
        rows, columns = labels.shape
        spread = np.empty((rows, self.factor, columns, self.factor), labels.dtype)
        spread[:] = labels[:, None, :, None]  # three times as fast as np.repeat
        tall = spread.reshape(rows * self.factor, columns * self.factor)
        return np.ascontiguousarray(tall[: self.height, : self.width])

    @staticmethod
    def sampled(labels: npt.NDArray[np.generic], factor: int) -> npt.NDArray[np.generic]:
        """Return labels [h, w] for a working copy from those of all pixels [H, W].

        A working pixel gets the label in the middle of what it stands for.
        """
        if factor <= 1:
            return labels
        height, width = labels.shape
        columns, rows = (
            np.minimum(np.arange(count) * factor + factor // 2, length - 1)
            for count, length in zip(
                working_size(width, height, factor), (width, height), strict=True
            )
        )
        return np.ascontiguousarray(labels[np.ix_(rows, columns)])

    def probability_to_full(self, probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Spread probabilities [h, w] to all pixels [H, W], bilinearly."""
        if self.factor == 1:
            return probability
        import cv2  # slow to import, and only large photos need it

        rows, columns = self.shape
        size = (columns * self.factor, rows * self.factor)
        full = cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(full[: self.height, : self.width], np.float32)

    def to_working(self, prompt: Prompt) -> Prompt:
        """Return a document's prompt in pixels of the working copy, as the engine sees it."""
        return scaled_prompt(prompt, 1 / self.factor)


def scaled_prompt(prompt: Prompt, scale: float) -> Prompt:
    """Return a prompt with the positions of clicks and boxes multiplied by `scale`."""
    if scale == 1:
        return prompt
    clicks = tuple(replace(c, position=tuple(v * scale for v in c.position)) for c in prompt.clicks)
    boxes = tuple(
        replace(b, x0=b.x0 * scale, y0=b.y0 * scale, x1=b.x1 * scale, y1=b.y1 * scale)
        for b in prompt.boxes
    )
    return replace(prompt, clicks=clicks, boxes=boxes)


def reduce(rgb: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    """Average blocks of `factor` x `factor` pixels; those at the far edges may be smaller.

    Args:
        rgb: [H, W, 3].
        factor: Edge of a block, from 1.

    Returns:
        [ceil(H / factor), ceil(W / factor), 3].
    """
    import cv2  # slow to import, and only large photos need it

    height, width = rgb.shape[:2]
    small_width, small_height = working_size(width, height, factor)
    rows, columns = height // factor, width // factor
    small = np.empty((small_height, small_width, 3), np.uint8)
    if rows and columns:
        whole = rgb[: rows * factor, : columns * factor]
        area = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        small[:rows, :columns] = area
    if columns < small_width:
        small[:, columns:] = _averaged(rgb[:, columns * factor :], factor)
    if rows < small_height:
        small[rows:] = _averaged(rgb[rows * factor :], factor)
    return small


def _averaged(rgb: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    by_rows = np.add.reduceat(rgb, np.arange(0, rgb.shape[0], factor), axis=0, dtype=np.uint32)
    sums = np.add.reduceat(by_rows, np.arange(0, rgb.shape[1], factor), axis=1)
    counts = np.outer(_block_sizes(rgb.shape[0], factor), _block_sizes(rgb.shape[1], factor))
    averaged: npt.NDArray[np.uint8] = ((sums + counts[..., None] // 2) // counts[..., None]).astype(
        np.uint8
    )
    return averaged


def _block_sizes(length: int, factor: int) -> npt.NDArray[np.uint32]:
    return np.diff(np.append(np.arange(0, length, factor), length)).astype(np.uint32)
