"""Simulated clicks: the official next-click rule, and looser ones to train with.

The rule (RITM, Sofiiuk et al. 2022): click the pixel farthest from the border of the
largest-looking error; inside if missed pixels reach deeper than falsely marked ones.
Depths are compared as integer squared distances, so that ties do not depend on rounding.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.clickseg.compact.clicks import Click
from models.clickseg.training.sources import VOID

Rng = np.random.Generator
Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]


def squared_depth(mask: Bool) -> Int:
    """Return squared distances [H, W] to the nearest pixel outside a mask or the frame."""
    padded = np.pad(mask, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    squared = np.rint(np.square(np.asarray(depth, np.float64)))
    result: Int = squared[1:-1, 1:-1].astype(np.int64)
    return result


def error_masks(target: npt.NDArray[Any], predicted: Bool) -> tuple[Bool, Bool]:
    """Return missed and falsely marked pixels; unknown ones (255) are neither."""
    missed: Bool = (target == 1) & ~predicted
    false: Bool = (target == 0) & predicted
    return missed, false


def next_click(
    target: npt.NDArray[Any], predicted: Bool, clicks: Sequence[Click] = ()
) -> Click | None:
    """Return the official next click, or None where nothing is wrong.

    Args:
        target: Truth [H, W]: 0, 1, 255 (unknown).
        predicted: The mask so far [H, W].
        clicks: Clicks so far; their pixels are not clicked again.
    """
    missed, false = (squared_depth(mask) for mask in error_masks(target, predicted))
    for click in clicks:
        missed[round(click.y), round(click.x)] = 0
        false[round(click.y), round(click.x)] = 0
    positive = bool(missed.max() > false.max())
    depth = missed if positive else false
    if depth.max() == 0:
        return None
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return Click(positive, float(y), float(x))


def loose_click(rng: Rng, target: npt.NDArray[Any], predicted: Bool) -> Click | None:
    """Return a click like a person's: in the deeper kind of error, not at its border."""
    missed, false = (squared_depth(mask) for mask in error_masks(target, predicted))
    positive = bool(missed.max() > false.max())
    depth = missed if positive else false
    deepest = int(depth.max())
    if deepest == 0:
        return None
    share = 1.0 if rng.random() < 0.5 else rng.uniform(0.1, 0.8)
    candidates = np.flatnonzero(depth.ravel() >= deepest * share)
    y, x = np.unravel_index(int(rng.choice(candidates)), depth.shape)
    return Click(positive, float(y), float(x))


def iou(target: npt.NDArray[Any], predicted: Bool) -> float:
    """Return the intersection over union, unknown pixels (255) left out; 1 for two empty masks."""
    known = target != VOID
    truth = (target == 1) & known
    union = int(((predicted & known) | truth).sum())
    return float((predicted & truth).sum() / union) if union else 1.0
