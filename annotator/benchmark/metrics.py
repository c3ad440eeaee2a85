"""IoU, IoU@k and NoC@q as the AGILE3D evaluation defines them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def object_ious(
    truth: npt.NDArray[np.integer], prediction: npt.NDArray[np.integer]
) -> dict[int, float]:
    """Return the intersection over union of every object present in the truth.

    Args:
        truth: [N] true objects; 0 is background and no object.
        prediction: [N] predicted objects.
    """
    size = int(max(truth.max(initial=0), prediction.max(initial=0))) + 1
    hits = np.bincount(truth[truth == prediction], minlength=size)
    true_count = np.bincount(truth, minlength=size)
    predicted_count = np.bincount(prediction, minlength=size)
    union = true_count + predicted_count - hits
    present = np.flatnonzero(true_count[1:]) + 1
    return {int(k): float(hits[k] / union[k]) for k in present}


def mean_iou(truth: npt.NDArray[np.integer], prediction: npt.NDArray[np.integer]) -> float:
    """Return the mean of `object_ious`; NaN if the truth has no object."""
    values = list(object_ious(truth, prediction).values())
    return float(np.mean(values)) if values else float("nan")


@dataclass(frozen=True, slots=True)
class Step:
    """State of a sample after one click.

    Attributes:
        clicks_per_object: Clicks so far divided by the number of objects.
        iou: Mean IoU over the sample's objects on all points of the scan.
    """

    clicks_per_object: float
    iou: float


def iou_at(runs: Iterable[Sequence[Step]], clicks: float) -> float:
    """Mean IoU@k: over the samples, at exactly `clicks` clicks an object.

    A sample that became perfect before (and so got no further clicks) counts with its
    last IoU, so that success is not dropped from the mean.
    """
    values = [_iou_of_run(run, clicks) for run in runs if run]
    return float(np.mean(values)) if values else float("nan")


def _iou_of_run(run: Sequence[Step], clicks: float) -> float:
    reached = [step.iou for step in run if step.clicks_per_object <= clicks + 1e-9]
    return reached[-1] if reached else run[0].iou


def clicks_needed(run: Sequence[Step], quality: float, limit: float) -> float:
    """NoC@q of one sample: first clicks an object with IoU >= quality, else `limit`."""
    return next((step.clicks_per_object for step in run if step.iou >= quality), limit)


def noc_at(runs: Iterable[Sequence[Step]], quality: float, limit: float) -> float:
    """Mean NoC@q over the samples."""
    values = [clicks_needed(run, quality, limit) for run in runs if run]
    return float(np.mean(values)) if values else float("nan")
