"""Asks an engine what clicks elsewhere would give: a few places at a time, finer and finer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.domain import CancelToken
from annotator.domain.cloud import Float64
from annotator.engine.opened import OpenEngine
from annotator.robustness.live.comparing import Tally, quality
from annotator.robustness.live.places import Places, jumps
from annotator.robustness.live.reports import PLAUSIBLE, Found, HowFar, Report, report_of
from annotator.robustness.live.subjects import Present, Reading, Subject

COARSE = 120
"""Places of the first look."""

BUDGET = 900
"""Places looked at in all."""

JUMP = 0.04
"""Differences of the agreement that are looked into."""

PIECE_SECONDS = 0.15
"""How long predictions go on without looking whether anybody waits."""

LEAST_AT_ONCE, MOST_AT_ONCE = 2, 16
"""Engines remember answers to single prompts, which would push out those to real clicks."""

NEAR = 12
"""Places looked at around the newest click."""

REPORT_SECONDS = 0.3
"""How long nothing new is told: putting a report together takes as long as a prediction."""


@dataclass(eq=False)
class _Looks:
    """What was looked at, and what is yet to be."""

    present: Present
    places: Places
    right: Float64
    tally: Tally
    spacing: float
    queue: list[int]
    coarse: int

    @property
    def is_coarse(self) -> bool:
        """Whether the first look is still going on."""
        return len(self.tally.rows) < self.coarse


class Survey:
    """Looks at all places where a click could be; `piece` is called until it says False.

    Args:
        subject: The object.
        on_report: Told what is known after every piece, in the thread that calls `piece`.
    """

    def __init__(self, subject: Subject, on_report: Callable[[Report], object]) -> None:
        self._subject = subject
        self._on_report = on_report
        self._engine: OpenEngine | None = None
        self._looks: _Looks | None = None
        self._at_once = LEAST_AT_ONCE
        self._told = 0.0

    def piece(self, engine: OpenEngine, encoding: Any, cancel: CancelToken) -> bool:  # noqa: ANN401
        """Look at some more places.

        Returns:
            Whether there are more.

        Raises:
            Cancelled: If `cancel` was set; nothing of the piece is kept.
            AnnotatorError: If the engine fails.
        """
        if self._looks is None or self._engine is not engine:
            self._looks = self._begin(engine, encoding, cancel)
            self._engine = engine
        else:
            self._look_at_some(self._looks, engine, encoding, cancel)
        if not self._looks.queue:
            _plan_finer(self._looks)
        self._tell(self._looks)
        return bool(self._looks.queue)

    def _begin(self, engine: OpenEngine, encoding: Any, cancel: CancelToken) -> _Looks:  # noqa: ANN401
        present = self._subject.look(engine, encoding, cancel)
        places = self._subject.places(present)
        spacing = places.coarsest(COARSE)
        queue = [int(row) for row in places.spread_out(spacing)]
        # In random order they make a picture of the whole sooner.
        np.random.default_rng(0).shuffle(queue)
        coarse, newest = len(queue), self._subject.question.mode == "newest"
        if newest:
            queue += self._near_the_click(places, queue)
        tally = Tally(present.now.inside[self._subject.compared], coarse if newest else 0)
        right = self._subject.right(present, places)
        return _Looks(present, places, right, tally, spacing, queue, coarse)

    def _near_the_click(self, places: Places, queued: list[int]) -> list[int]:
        """Return some places around the newest click that are not looked at anyway."""
        near = places.within(self._subject.newest_position, self._subject.hand)
        chosen = near[np.linspace(0, len(near) - 1, min(NEAR, len(near))).astype(int)]
        return [int(row) for row in np.setdiff1d(chosen, queued)]

    def _look_at_some(
        self,
        looks: _Looks,
        engine: OpenEngine,
        encoding: Any,  # noqa: ANN401 - opaque
        cancel: CancelToken,
    ) -> None:
        rows = looks.queue[: self._at_once]
        signs = [self._subject.says_inside(looks.present, looks.places, row) for row in rows]
        asked = zip(rows, signs, strict=True)
        prompts = [self._subject.prompt_at(looks.places, row, inside) for row, inside in asked]
        started = time.perf_counter()
        answers = self._subject.answers(engine, encoding, prompts, cancel)
        seconds = max(time.perf_counter() - started, 1e-4)
        fitting = int(len(rows) * PIECE_SECONDS / seconds)
        self._at_once = min(max(fitting, LEAST_AT_ONCE), MOST_AT_ONCE)
        self._keep(looks, rows, answers)

    def _keep(self, looks: _Looks, rows: Sequence[int], answers: Sequence[Reading]) -> None:
        compared = self._subject.compared
        for row, answer in zip(rows, answers, strict=True):
            mask, probability = answer.inside[compared], answer.probability[compared]
            gain = quality(mask, probability) - quality(looks.tally.present, probability)
            looks.tally.add(row, mask, gain)
        del looks.queue[: len(rows)]

    def _tell(self, looks: _Looks) -> None:
        now = time.monotonic()
        looked = len(looks.tally.rows)
        mark = not looks.queue or looked in (0, looks.coarse)
        if mark or now - self._told >= REPORT_SECONDS:
            self._on_report(self._report(looks))
            self._told = time.monotonic()

    def _report(self, looks: _Looks) -> Report:
        tally, places, subject = looks.tally, looks.places, self._subject
        rows = np.array(tally.rows, np.int64)
        signs = np.array(
            [subject.says_inside(looks.present, places, row) for row in tally.rows], np.bool_
        )
        gains = np.array(tally.gains, np.float64)
        found = Found(rows, tally.agreements(), gains, looks.right[rows], signs)
        how_far = HowFar(len(rows), len(looks.queue), looks.spacing, coarse=looks.is_coarse)
        plausible = looks.right >= PLAUSIBLE
        if subject.question.mode == "next":
            return report_of(subject.question, places, plausible, found, how_far)
        near = places.within(subject.newest_position, subject.hand)
        return report_of(subject.question, places, plausible, found, how_far, tally.own(), near)


def _plan_finer(looks: _Looks) -> None:
    """Look where neighbours differ, half as far apart, until nothing is left to be seen."""
    while not looks.queue and looks.spacing > looks.places.spacing:
        room = BUDGET - len(looks.tally.rows)
        if room <= 0 or not looks.tally.rows:
            return
        looks.spacing /= 2
        looks.queue = _finer(looks)[:room]


def _finer(looks: _Looks) -> list[int]:
    """Return the places that are to be looked at now, where most is to be seen first."""
    places, seen = looks.places, np.array(looks.tally.rows, np.int64)
    new = np.setdiff1d(places.spread_out(looks.spacing), seen)
    new = new[looks.right[new] >= PLAUSIBLE]
    if not len(new):
        return []
    jump = jumps(places.positions[seen], looks.tally.agreements(), places.positions[new])
    order = np.argsort(-jump, kind="stable")
    return [int(row) for row in new[order][jump[order] > JUMP]]
