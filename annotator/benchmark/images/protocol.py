"""The evaluation loop: click, predict, measure, until the mask is good enough."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from annotator.benchmark.images.metrics import Curve, boundary_iou, iou
from annotator.benchmark.images.simulator import Bool, PixelClick, Truth, next_click
from annotator.domain import Click, Prompt

Predict = Callable[[Sequence[PixelClick]], Bool]
"""All clicks so far -> the mask [H, W]."""


@dataclass(frozen=True)
class Budget:
    """When a sample is done.

    Attributes:
        target: It ends at this IoU; above 1 never.
        most: It ends after so many clicks; published: 20.
        least: It does not end before so many.
    """

    target: float = 0.9
    most: int = 20
    least: int = 1


@dataclass(frozen=True)
class Run:
    """What happened to one sample.

    Attributes:
        sample: Its name.
        clicks: In order.
        ious: IoU after each.
        boundary_ious: Boundary IoU after each.
        seconds: Wall time of each prediction.
        encode_seconds: Wall time of encoding its photo; 0 if that was done for another sample.
    """

    sample: str
    clicks: list[PixelClick] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)
    boundary_ious: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    encode_seconds: float = 0.0

    @property
    def curve(self) -> Curve:
        """IoU after each click in single precision, as published figures are made."""
        return np.array(self.ious, np.float32)


def run_sample(
    name: str, truth: Truth, predict: Predict, budget: Budget, encode_seconds: float = 0.0
) -> Run:
    """Annotate one object with simulated clicks.

    Args:
        name: Of the sample.
        truth: [H, W].
        predict: The engine.
        budget: When to stop.
        encode_seconds: Noted in the run.
    """
    run = Run(name, encode_seconds=encode_seconds)
    mask: Bool = np.zeros(truth.shape, bool)
    while len(run.clicks) < budget.most:
        run.clicks.append(next_click(truth, mask, run.clicks))
        started = time.perf_counter()
        mask = predict(run.clicks)
        run.seconds.append(time.perf_counter() - started)
        run.ious.append(iou(truth, mask))
        run.boundary_ious.append(boundary_iou(truth, mask))
        if run.ious[-1] >= budget.target and len(run.clicks) >= budget.least:
            break
    return run


def prompt_of(clicks: Sequence[PixelClick]) -> Prompt:
    """Return the clicks, at the centres of their pixels, as the prompt of object 1."""
    return Prompt.from_clicks(
        [
            Click((c.column + 0.5, c.row + 0.5), 1, order, click_id=order + 1, positive=c.positive)
            for order, c in enumerate(clicks)
        ]
    )
