"""IoU, boundary IoU, NoC, NoF and mIoU@k with the conventions of the published code."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from annotator.benchmark.images.simulator import IGNORE, Bool, Truth

BAND = 0.02
"""Width of the band along a mask's border, as a part of the picture's diagonal."""

Curve = npt.NDArray[np.float32]
"""[k] IoU after each click of one sample."""


def iou(truth: Truth, prediction: Bool) -> float:
    """Return the intersection over union where the truth is not ignored; NaN for 0/0."""
    return _iou(truth == 1, prediction, truth != IGNORE)


def boundary_iou(truth: Truth, prediction: Bool) -> float:
    """Return the IoU of the bands along the borders of both masks; NaN for 0/0.

    Cheng et al., "Boundary IoU", CVPR 2021. As published for clicks, the bands are drawn
    before ignored pixels are left out: an ignored hole has a band of its own.
    """
    width = band_width(truth.shape)
    return _iou(band(truth == 1, width), band(prediction, width), truth != IGNORE)


def _iou(first: Bool, second: Bool, counted: Bool) -> float:
    union = int(((first | second) & counted).sum())
    return int((first & second & counted).sum()) / union if union else float("nan")


def band_width(size: Sequence[int]) -> int:
    """Return the width in pixels of the band in a picture of that height and width."""
    diagonal = float(np.sqrt(size[0] ** 2 + size[1] ** 2))
    return max(1, round(BAND * diagonal))


def band(mask: Bool, width: int) -> Bool:
    """Return the pixels of a mask [H, W] within `width` rows and columns of its outside.

    The outside of the picture is outside of the mask.
    """
    inner = ndimage.minimum_filter(
        mask.astype(np.uint8), size=2 * width + 1, mode="constant", cval=0
    )
    result: Bool = mask & (inner == 0)
    return result


def clicks_needed(curve: Curve, quality: float, limit: int) -> int:
    """NoC of one sample: the first click with an IoU of at least `quality`, else `limit`.

    The comparison is made in float32, as published. A hit after the limit counts with its
    own number.
    """
    hits = np.flatnonzero(np.asarray(curve, np.float32) >= np.float32(quality))
    return int(hits[0]) + 1 if len(hits) else limit


def noc(curves: Iterable[Curve], quality: float, limit: int) -> float:
    """Return the mean NoC over the samples; NaN without any."""
    values = [clicks_needed(curve, quality, limit) for curve in curves]
    return float(np.mean(values)) if values else float("nan")


def nof(curves: Iterable[Curve], quality: float, limit: int) -> int:
    """Return the number of failures as published: also a success on the very last click."""
    return sum(clicks_needed(curve, quality, limit) == limit for curve in curves)


def strict_nof(curves: Iterable[Curve], quality: float, limit: int) -> int:
    """Return the number of samples that never reach `quality` within `limit` clicks."""
    return sum(clicks_needed(curve[:limit], quality, limit + 1) > limit for curve in curves)


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Return the mean IoU after each click, up to the length of the shortest sample."""
    if not curves:
        return np.zeros(0, np.float32)
    shortest = min(len(curve) for curve in curves)
    stacked = np.stack([np.asarray(curve, np.float32)[:shortest] for curve in curves])
    mean: Curve = stacked.mean(axis=0)
    return mean


def mean_iou_at(curves: Sequence[Curve], clicks: int) -> float:
    """Return the mean IoU after so many clicks; a sample that was ended counts as it was then."""
    values = [curve[min(clicks, len(curve)) - 1] for curve in curves if len(curve)]
    return float(np.mean(values)) if values else float("nan")
