"""What attacks talk to: one object of one sample as one engine sees it.

A target knows photos, scans or poses; attacks know candidates and scores. A target is
deterministic and keeps nothing between calls that could change an answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from annotator.domain import CancelToken, Click
from annotator.robustness.settings import Permitted

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
History = tuple[Click, ...]
"""All clicks before the round, in order of time."""


@dataclass(frozen=True)
class About:
    """What a target is.

    Attributes:
        kind: "image", "scene" or "pose".
        engine: The engine as the run names it.
        sample: The sample's name.
        quality: Name of the score: "IoU", "mean IoU", "OKS"; higher is better, at most 1.
        second: Name of the score that breaks ties, as "boundary IoU"; empty if there is none.
        unit: Of positions: "px" or "m".
        spacing: Distance of neighbouring candidates, in `unit`.
        notes: What a reader of the figures should know, in words.
    """

    kind: str
    engine: str
    sample: str
    quality: str = "IoU"
    second: str = ""
    unit: str = "px"
    spacing: float = 1.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Region:
    """Where the click of one round may go: finitely many candidates, the baseline among them.

    Attributes:
        positions: [C, D] of the candidates, D = 2 (x, y) or 3 (x, y, z), in `About.unit`.
        lattice: [C, D] int64 cells of the candidates, neighbours differing by 1.
        baseline: Row of the click that the simulated user makes.
        weight: [C] share of users who click there; sums to 1. Photos: by the distance to the
            region's border.
        component: [C] int64 connected part of the region that each candidate is in.
        depth: [C] distance to the region's border, in `About.unit`.
        indices: [C] rows of a cloud's points; None for photos and poses.
    """

    positions: Floats
    lattice: Rows
    baseline: int
    weight: Floats
    component: Rows
    depth: Floats
    indices: Rows | None = None

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def tree(self) -> cKDTree:
        """Of the lattice."""
        return cKDTree(self.lattice)

    @cached_property
    def places(self) -> cKDTree:
        """Of the positions."""
        return cKDTree(self.positions)


@dataclass(frozen=True)
class Judged:
    """What a list of clicks gives, by whole inference as a user would see it.

    Attributes:
        quality: Higher is better, at most 1.
        second: The second score; NaN if there is none.
        extras: Further figures by name.
    """

    quality: float
    second: float = math.nan
    extras: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scores:
    """What candidates give, by whole inference of many at once.

    Attributes:
        quality: [K].
        extras: Further figures [K] by name, as the drift of joints that were not clicked.
    """

    quality: Floats
    extras: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Soft:
    """What a click at any real position gives, through the engine's soft encoding of clicks.

    Attributes:
        loss: Smooth, lower is better: 1 - soft Dice.
        gradient: [D] of the loss by the position.
        quality: Of the thresholded soft result.
        second: Likewise.
    """

    loss: float
    gradient: Floats
    quality: float
    second: float


class Round(Protocol):
    """One click that is to be placed, after those of the history."""

    @property
    def region(self) -> Region:
        """Where it may go."""

    def click(self, row: int) -> Click:
        """Return the candidate as the click that follows the history."""

    def score(self, rows: Rows, cancel: CancelToken | None = None) -> Scores:
        """Score candidates by whole inference, as many at once as the engine likes.

        Args:
            rows: [K] of the region; no more than should be in memory at once.
            cancel: Looked at between inferences.

        Raises:
            Cancelled: If `cancel` was set.
        """


@runtime_checkable
class SoftRound(Protocol):
    """What a round adds if its engine can be differentiated by where the click is."""

    @property
    def diagonal(self) -> float:
        """Diagonal of the picture in `About.unit`, which step lengths are relative to."""

    def soft(self, position: Floats) -> Soft:
        """Evaluate any real position [D]."""

    def penalty(self, position: Floats) -> tuple[float, Floats]:
        """Return how far a click at a position is outside of the error region, and its gradient.

        TETRIS' location term: the mean over the picture of the click's disk times the
        distance to the region.
        """

    def clamp(self, position: Floats) -> Floats:
        """Return the nearest position in the picture."""

    def settle(self, position: Floats) -> Click:
        """Return the click that a person can make nearest to a position, permitted or not."""


class Target(Protocol):
    """One sample of one engine."""

    @property
    def about(self) -> About:
        """What it is."""

    def round(
        self, history: History, permitted: Permitted, cancel: CancelToken | None = None
    ) -> Round | None:
        """Return the round after a history; None if there is no error left to click on."""

    def judge(self, clicks: History, cancel: CancelToken | None = None) -> Judged:
        """Return what clicks give, from one inference by itself.

        Scores of many candidates at once may differ from it by rounding.
        """


def click_json(click: Click) -> dict[str, Any]:
    """Return the part of a click that a record keeps."""
    return {
        "position": list(click.position),
        "object": click.object_id,
        "positive": click.positive,
        "index": click.index,
    }


def clicks_from_json(values: Sequence[Mapping[str, Any]]) -> History:
    """Read a list of what `click_json` returned."""
    return tuple(
        Click(tuple(v["position"]), v["object"], i, index=v["index"], positive=v["positive"])
        for i, v in enumerate(values)
    )
