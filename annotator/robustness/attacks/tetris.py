"""The published attack: Adam on the newest click, kept near the error region by a penalty.

Reconstructed from the authors' published code (TETRIS, AAAI 2024), as the specification of
this project describes it. What the plugin API makes different: steps, disk and location term
are in pixels of the photo instead of the network's crop, the disk is an analytic ramp, and
the region comes from the engine's mask at its own threshold.
"""

import math
from dataclasses import dataclass

import numpy as np

from annotator.domain import CancelToken, Click
from annotator.robustness.attacks.adam import Adam
from annotator.robustness.contract import Floats, Round, Soft, SoftRound
from annotator.robustness.settings import Settings

QUALITY_WEIGHT = 1e-3
"""Of the quality beside the location term."""

STEP = 5.0
STEP_DIAGONAL = 400.0 * math.sqrt(2.0)
"""Steps are 5 pixels long where the diagonal is that of a square of 400 pixels."""


@dataclass(frozen=True)
class Visited:
    """One place that the optimiser was at.

    Attributes:
        position: [D] real.
        soft: What a click there gives.
        location: Its location term.
    """

    position: Floats
    soft: Soft
    location: float


@dataclass(frozen=True)
class Hit:
    """Where the attack ended.

    Attributes:
        click: On the pixel nearest to the best place.
        soft_quality: That the attack believes it gives.
        evaluations: Forward passes.
    """

    click: Click
    soft_quality: float
    evaluations: int


def optimise(
    round_: Round, sign: int, settings: Settings, cancel: CancelToken | None = None
) -> Hit:
    """Attack one click.

    Args:
        round_: With gradients.
        sign: +1 for MIN, -1 for MAX.
        settings: Steps, step length, slack.
        cancel: Looked at before every forward pass.

    Raises:
        Cancelled: If `cancel` was set.
    """
    assert isinstance(round_, SoftRound)
    position = round_.region.positions[round_.region.baseline].copy()
    adam = Adam(settings.lr_multiplier * STEP * round_.diagonal / STEP_DIAGONAL)
    best: Visited | None = None
    for _ in range(settings.steps):
        (cancel or CancelToken()).check()
        soft = round_.soft(position)
        location, slope = round_.penalty(position)
        here = Visited(position, soft, location)
        best = here if best is None or _accepted(here, best, sign, settings.slack) else best
        # MIN seeks a larger Dice loss, MAX a smaller one
        gradient = slope - sign * QUALITY_WEIGHT * soft.gradient
        position = round_.clamp(position + adam.step(gradient))
    assert best is not None  # as there is at least one step
    return Hit(round_.settle(best.position), best.soft.quality, settings.steps)


def _accepted(here: Visited, best: Visited, sign: int, slack: float) -> bool:
    """Say whether a place replaces the best one so far, by the published rule.

    The reference moves with every success, so that the term may grow by `slack` each time.
    """
    if here.location > slack * best.location:
        return False
    return _key(here.soft, sign) < _key(best.soft, sign)


def _key(soft: Soft, sign: int) -> tuple[float, float]:
    """Return (IoU, boundary IoU), lower is better; the second decides ties only."""
    second = 0.0 if np.isnan(soft.second) else soft.second
    return sign * soft.quality, sign * second
