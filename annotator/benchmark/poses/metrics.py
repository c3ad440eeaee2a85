"""Measures of keypoints: OKS, AP of one photo, PCK."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from annotator.domain import Skeleton

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""OKS at which COCO calls a person found; AP is the mean over them."""

_RECALLS = np.linspace(0.0, 1.0, 101)
_TINY = np.spacing(1)


def oks(joints: Float, truth: Float, labelled: Bool, area: float, sigmas: Float) -> Float:
    """Object keypoint similarity of predictions with one person (COCO's definition).

    Args:
        joints: [P, K, 2] pixels.
        truth: [K, 2] pixels.
        labelled: [K] which joints count.
        area: Of the person, square pixels.
        sigmas: [K].

    Returns:
        [P] in 0..1; 0 if nothing is labelled.
    """
    if not labelled.any():
        return np.zeros(len(joints))
    squared = ((joints - truth) ** 2).sum(2) / (2 * sigmas) ** 2 / (area + _TINY) / 2
    found: Float = np.exp(-squared[:, labelled]).mean(1)
    return found


def average_precision(scores: Float, similarity: Float, ignored: Bool) -> float:
    """AP@[.50:.95] of the people of one photo, as pycocotools evaluates it.

    Args:
        scores: [P] of the predictions.
        similarity: [P, G] OKS of each prediction with each person.
        ignored: [G] people who may be found or not, such as crowds.

    Returns:
        0..1; NaN if nobody counts.
    """
    people = int((~ignored).sum())
    if not people:
        return float("nan")
    order = np.argsort(-scores, kind="mergesort")
    return float(np.mean([_precision(similarity[order], ignored, t, people) for t in THRESHOLDS]))


def _precision(similarity: Float, ignored: Bool, threshold: float, people: int) -> float:
    hits = _matches(similarity, ignored, threshold)
    counted = hits >= 0
    true = np.cumsum(hits[counted] == 1)
    false = np.cumsum(hits[counted] == 0)
    if not len(true):
        return 0.0
    precision = true / (true + false + _TINY)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(true / people, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[np.minimum(places, len(precision))].mean())


def _matches(similarity: Float, ignored: Bool, threshold: float) -> npt.NDArray[np.int64]:
    """Return for each prediction, the best first: 1 found, 0 false, -1 does not count."""
    taken = np.zeros(similarity.shape[1], bool)
    hits = np.zeros(len(similarity), np.int64)
    for row, found in enumerate(similarity):
        best, choice = min(threshold, 1 - 1e-10), -1
        for person in np.argsort(ignored, kind="mergesort").tolist():
            if taken[person] and not ignored[person]:
                continue
            if choice >= 0 and not ignored[choice] and ignored[person]:
                break
            if found[person] >= best:
                best, choice = found[person], person
        if choice >= 0:
            taken[choice] = True
            hits[row] = -1 if ignored[choice] else 1
    return hits


def torso(skeleton: Skeleton, truth: Float, labelled: Bool, box: Sequence[float]) -> float:
    """Return the length that PCK is measured by, in pixels.

    It is the distance from left shoulder to right hip, the torso's diameter as Leeds Sports
    Pose is evaluated; half the longer side of the box where one of the two is not labelled.
    """
    numbers = {name: i for i, name in enumerate(skeleton.joints)}
    ends = [numbers[name] for name in ("left_shoulder", "right_hip") if name in numbers]
    if len(ends) == 2 and labelled[ends].all():
        length = float(np.linalg.norm(truth[ends[0]] - truth[ends[1]]))
        if length > 0:
            return length
    return 0.5 * max(box[2] - box[0], box[3] - box[1])


def errors(joints: Float, truth: Float) -> Float:
    """Return the distance of every joint from the truth in pixels, [K]."""
    found: Float = np.linalg.norm(joints - truth, axis=1)
    return found
