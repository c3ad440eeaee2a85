"""Run a simulated annotator against an engine: the interactive evaluation of AGILE3D."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from annotator.benchmark.metrics import Step, mean_iou
from annotator.benchmark.scenes import Sample
from annotator.benchmark.simulator import SimulatedClick, first_clicks, next_click
from annotator.domain import Click, Mask, PointCloud, Prompt
from annotator.domain.cloud import Int64
from annotator.domain.thinning import voxel_index

Predict = Callable[[Prompt], Mask]

SIMULATION_VOXEL = 0.05
"""Voxel edge in metres on which clicks are simulated if the engine names no points itself."""


@dataclass(frozen=True)
class Run:
    """What happened to one sample.

    Attributes:
        sample: Its name.
        objects: Number of objects M.
        steps: State after the first M clicks and after every further click.
        clicks: The clicks, in order.
        predict_seconds: Mean wall time of a prediction.
    """

    sample: str
    objects: int
    steps: list[Step] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    predict_seconds: float = 0.0


def simulation_rows(cloud: PointCloud, representatives: Int64 | None) -> Int64:
    """Return the points [V] that the simulated annotator sees and clicks."""
    if representatives is not None:
        return representatives
    return voxel_index(cloud.xyz, SIMULATION_VOXEL)[0]


def run_sample(
    sample: Sample, predict: Predict, rows: Int64, clicks_per_object: int, seed: int
) -> Run:
    """Annotate one sample with simulated clicks.

    One click on every object first, then always one in the middle of the deepest error,
    until `clicks_per_object` x M clicks are spent or nothing is wrong any more. Errors
    are sought on the points `rows`, the IoU is measured on all points.

    Args:
        sample: Scan and true objects.
        predict: Predicts the mask of the whole scan for a prompt.
        rows: [V] points that can be clicked.
        clicks_per_object: Budget; the published evaluation uses 20.
        seed: Decides the order of the first clicks.
    """
    count = len(sample.instances)
    truth = sample.truth[rows]
    xyz = sample.cloud.xyz[rows]
    run = Run(sample.name, count)
    pending = first_clicks(xyz, truth, random.Random(seed))
    seconds: list[float] = []
    while pending and len(run.clicks) + len(pending) <= clicks_per_object * count:
        run.clicks.extend(_clicks(pending, rows, sample.cloud, len(run.clicks)))
        started = time.perf_counter()
        labels = predict(Prompt(tuple(run.clicks), tuple(range(1, count + 1)))).labels
        seconds.append(time.perf_counter() - started)
        run.steps.append(Step(len(run.clicks) / count, mean_iou(sample.truth, labels)))
        following = next_click(xyz, truth, labels[rows])
        pending = [following] if following else []
    return Run(run.sample, count, run.steps, run.clicks, float(np.mean(seconds or [0.0])))


def _clicks(
    simulated: list[SimulatedClick],
    rows: npt.NDArray[np.int64],
    cloud: PointCloud,
    order: int,
) -> list[Click]:
    made = []
    for offset, click in enumerate(simulated):
        row = int(rows[click.point])
        x, y, z = (float(v) for v in cloud.xyz[row])
        made.append(Click((x, y, z), click.object_id, order + offset, index=row))
    return made
