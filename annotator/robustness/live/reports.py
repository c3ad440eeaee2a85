"""What is known of the places where a click could be, and which of them stand out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from annotator.domain.cloud import Float32, Float64, Int64
from annotator.robustness.live.comparing import weights_of
from annotator.robustness.live.places import Places
from annotator.robustness.live.subjects import Question

SAFE = 0.8
"""Agreement from which on a click gives the same object."""

PLAUSIBLE = 0.05
"""Probability from which on a click may well be right; others are no one's next click."""

AROUND = 6
"""Nearest places, itself among them, that a safe spot must not be worse than."""

NOTHING = 0.002
"""Gains up to this are not worth a click."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found at [K] places.

    Attributes:
        rows: Numbers of the places.
        agreement: IoU of the mask with the present one or the consensus.
        gain: Expected gain of quality.
        right: Probability that such a click there is right.
        inside: Whether the click says "inside".
    """

    rows: Int64
    agreement: Float64
    gain: Float64
    right: Float64
    inside: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Spot:
    """One place.

    Attributes:
        position: (x, y) pixels of the working copy or (x, y, z) metres.
        flat: Flat index of its pixel, or row of its point.
        inside: Whether the click there says "inside".
        agreement: See `Found`.
        gain: See `Found`.
        right: See `Found`.
    """

    position: tuple[float, ...]
    flat: int
    inside: bool
    agreement: float
    gain: float
    right: float

    @property
    def help(self) -> float:
        """The gain to be expected from looking here: none if there is nothing to correct."""
        return self.right * max(self.gain, 0.0)


@dataclass(frozen=True)
class HowFar:
    """How much was done.

    Attributes:
        looked: How many places were looked at.
        left: How many are certainly still to be looked at.
        spacing: How far they are apart at the finest.
        coarse: Whether this is still the first look.
    """

    looked: int
    left: int
    spacing: float
    coarse: bool

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be looked at."""
        return self.left == 0


@dataclass(frozen=True, eq=False)
class Report:
    """What is known so far.

    Attributes:
        question: What was asked.
        places: All places.
        plausible: [N] whether a click there may well be right.
        how_far: How much was done.
        values: [N] float32 agreement at each place: that of the nearest one looked at;
            empty while there is none.
        rows: [K] the places looked at.
        safest: Where even the neighbours agree most; None while nothing is known.
        riskiest: Where the agreement is least.
        suggestion: Where the next click helps most; None if nowhere, or not asked.
        typical: Median agreement over the area; NaN while nothing is known.
        unsafe: Share of the area with an agreement below `SAFE`; NaN likewise.
        own: Agreement of the present mask with the consensus ("newest" only).
        near: Least agreement of places that a hand may slip to ("newest" only).
    """

    question: Question
    places: Places
    plausible: npt.NDArray[np.bool_]
    how_far: HowFar
    values: Float32
    rows: Int64
    safest: Spot | None = None
    riskiest: Spot | None = None
    suggestion: Spot | None = None
    typical: float = float("nan")
    unsafe: float = float("nan")
    own: float | None = None
    near: float | None = None


def report_of(
    question: Question,
    places: Places,
    plausible: npt.NDArray[np.bool_],
    found: Found,
    how_far: HowFar,
    own: float | None = None,
    near: Int64 | None = None,
) -> Report:
    """Put together what is known.

    Args:
        question: What was asked.
        places: All places.
        plausible: [N] whether a click there may well be right.
        found: What was found at some.
        how_far: How much was done.
        own: Agreement of the present mask with the consensus.
        near: Places that a hand may slip to from the newest click.
    """
    if not len(found.rows):
        return Report(question, places, plausible, how_far, np.zeros(0, np.float32), found.rows)
    nearest = places.share_out(found.rows)
    counted = nearest[plausible] if plausible.any() else nearest
    weights = weights_of(counted, len(found.rows))
    slipped = found.agreement[np.isin(found.rows, near)] if near is not None else np.zeros(0)
    return Report(
        question,
        places,
        plausible,
        how_far,
        found.agreement[nearest].astype(np.float32),
        found.rows,
        _safest(places, found),
        _riskiest(places, found),
        _most_helpful(places, found) if question.mode == "next" else None,
        _median(found.agreement, weights),
        float(weights[found.agreement < SAFE].sum()),
        own,
        float(slipped.min()) if len(slipped) else None,
    )


def _chosen(found: Found) -> Int64:
    """Return those that may well be somebody's click; all if there are none."""
    chosen = np.flatnonzero(found.right >= PLAUSIBLE)
    return chosen if len(chosen) else np.arange(len(found.rows))


def _safest(places: Places, found: Found) -> Spot:
    """Return the place whose neighbours, too, agree most: hands are not that steady."""
    chosen = _chosen(found)
    around = _around(places, found, chosen)
    best = np.lexsort((-around.mean(axis=1), -around.min(axis=1)))[0]
    return _spot(places, found, int(chosen[best]))


def _riskiest(places: Places, found: Found) -> Spot:
    chosen = _chosen(found)
    around = _around(places, found, chosen)
    worst = np.lexsort((around.mean(axis=1), found.agreement[chosen]))[0]
    return _spot(places, found, int(chosen[worst]))


def _around(places: Places, found: Found, chosen: Int64) -> Float64:
    """Return the agreement [C, k] of the nearest places looked at, each of `chosen` first."""
    positions = places.positions[found.rows]
    number = min(AROUND, len(positions))
    nearest = cKDTree(positions).query(positions[chosen], k=number)[1]
    return np.asarray(found.agreement[np.reshape(nearest, (len(chosen), number))], np.float64)


def _most_helpful(places: Places, found: Found) -> Spot | None:
    spot = _spot(places, found, int(np.argmax(found.right * np.maximum(found.gain, 0))))
    return spot if spot.help > NOTHING else None


def _spot(places: Places, found: Found, number: int) -> Spot:
    row = int(found.rows[number])
    position = tuple(float(v) for v in places.positions[row])
    return Spot(
        position,
        int(places.flat[row]),
        bool(found.inside[number]),
        float(found.agreement[number]),
        float(found.gain[number]),
        float(found.right[number]),
    )


def _median(values: Float64, weights: Float64) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
