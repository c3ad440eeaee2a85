"""The one entry: attack a target in a mode and return the record."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from annotator.domain import AnnotatorError, CancelToken, Click, Progress, no_progress
from annotator.robustness.attacks.enumerate import field_of
from annotator.robustness.attacks.ours import seek
from annotator.robustness.attacks.scored import Scored
from annotator.robustness.attacks.tetris import optimise
from annotator.robustness.contract import History, Judged, Round, SoftRound, Target
from annotator.robustness.records import Field, Record, Step
from annotator.robustness.settings import Mode, Settings

_SIGNS = {"min": 1, "max": -1}
"""+1 looks for the lowest quality, -1 for the highest."""


def attack(
    target: Target,
    mode: Mode | str,
    settings: Settings | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Record:
    """Follow the worst, the simulated user's and the best clicks on one sample.

    In modes `ours` and `exhaustive` MIN <= BASE <= MAX holds after every click: the simulated
    user's click is always a candidate, and an attack that does worse than the user's clicks
    so far goes on from those.

    Args:
        target: One sample of one engine.
        mode: How extremes are sought.
        settings: Choices; the default ones if None.
        progress: Told after every round.
        cancel: Looked at between inferences.

    Raises:
        Cancelled: If `cancel` was set.
        AnnotatorError: If the mode needs gradients that the engine has not, in words.
    """
    settings = (settings or Settings()).for_kind(target.about.kind)
    running = _Running(target, Mode(mode), settings, cancel or CancelToken())
    rounds, done = 3 * settings.clicks, 0
    paths: dict[str, tuple[Step, ...]] = {}
    for name in ("base", "min", "max"):
        steps: list[Step] = []
        for step in running.path(name, paths.get("base", ())):
            steps.append(step)
            done += 1
            progress(done / rounds, f"{name}, click {len(steps)}")
        paths[name] = tuple(steps)
    ordered = {name: paths[name] for name in ("min", "base", "max")}
    record = Record(target.about, running.mode, settings, ordered, tuple(running.fields.values()))
    if running.mode is not Mode.TETRIS and not record.ordered:
        raise AssertionError("MIN <= BASE <= MAX does not hold, although it is built in")
    return record


@dataclass(frozen=True)
class _Move:
    """What a search proposes, and what it cost."""

    click: Click
    evaluations: int = 0
    soft_evaluations: int = 0
    soft_quality: float = math.nan


@dataclass
class _Running:
    """One attack under way."""

    target: Target
    mode: Mode
    settings: Settings
    cancel: CancelToken
    fields: dict[History, Field] = field(default_factory=dict)
    _first: Scored | None = None
    _known: dict[History, Judged] = field(default_factory=dict)

    def path(self, name: str, base: tuple[Step, ...]) -> Iterator[Step]:
        """Yield the rounds of a trajectory."""
        history: History = ()
        last: Step | None = None
        for number in range(self.settings.clicks):
            started = time.perf_counter()
            round_ = self._round(history)
            if round_ is None:
                step = _waiting(history, last, *self._judge(history))
            else:
                step = self._step(name, round_, history)
            if base and self.mode is not Mode.TETRIS:
                step = _not_worse_than(base[number], step, _SIGNS[name])
            history = step.clicks
            last = replace(step, seconds=time.perf_counter() - started)
            yield last

    def _round(self, history: History) -> Scored | None:
        """Return the round after a history; the first one is shared by all trajectories."""
        self.cancel.check()
        if not history and self._first is not None:
            return self._first
        permitted = self.settings.permitted_in(self.mode)
        round_ = self.target.round(history, permitted, self.cancel)
        if round_ is None:
            return None
        scored = Scored(round_, self.settings.batch, self.cancel)
        if not history:
            self._first = scored
        return scored

    def _step(self, name: str, scored: Scored, history: History) -> Step:
        baseline = scored.round.click(scored.region.baseline)
        if name == "base":
            return self._judged(_Move(baseline), scored, history)
        step = self._judged(self._search(scored, history, _SIGNS[name]), scored, history)
        if self.mode is Mode.TETRIS:
            return step
        usual = self._judged(_Move(baseline), scored, history)
        return _more_extreme(usual, step, _SIGNS[name])

    def _search(self, scored: Scored, history: History, sign: int) -> _Move:
        if self.mode is Mode.TETRIS:
            return self._published(scored.round, sign)
        if self.mode is Mode.EXHAUSTIVE:
            return self._enumerated(scored, history, sign)
        before = scored.asked
        found = seek(scored, sign, self.settings)
        asked = scored.asked - before
        return _Move(scored.round.click(found.row), asked, found.soft_evaluations)

    def _published(self, round_: Round, sign: int) -> _Move:
        if not isinstance(round_, SoftRound):
            raise AnnotatorError(
                f"{self.target.about.engine} has no gradients to click positions.",
                "The published attack needs them; mode `ours` works without.",
            )
        hit = optimise(round_, sign, self.settings, self.cancel)
        return _Move(hit.click, 0, hit.evaluations, hit.soft_quality)

    def _enumerated(self, scored: Scored, history: History, sign: int) -> _Move:
        before = scored.asked
        found, rows = field_of(scored, history, self.settings)
        if len(history) < self.settings.fields:
            self.fields.setdefault(history, found)
        best = int(rows[(sign * found.quality).argmin()])
        return _Move(scored.round.click(best), scored.asked - before)

    def _judged(self, move: _Move, scored: Scored, history: History) -> Step:
        """Return the step of a move: what a user would see after it."""
        clicks = (*history, move.click)
        judged, asked = self._judge(clicks)
        return Step(
            clicks,
            judged.quality,
            judged.second,
            move.evaluations + asked,
            move.soft_evaluations,
            soft_gap=move.soft_quality - judged.quality,
            candidates=len(scored.region),
            extras=judged.extras,
        )

    def _judge(self, clicks: History) -> tuple[Judged, int]:
        """Return what clicks give, and the inferences it took: none if they were judged before."""
        if clicks in self._known:
            return self._known[clicks], 0
        self._known[clicks] = self.target.judge(clicks, self.cancel)
        return self._known[clicks], 1


def _waiting(history: History, last: Step | None, judged: Judged, asked: int) -> Step:
    """Return the step of a round in which there is nothing left to click on."""
    candidates = 0 if last is None else last.candidates
    return Step(
        history, judged.quality, judged.second, asked, candidates=candidates, extras=judged.extras
    )


def _more_extreme(usual: Step, step: Step, sign: int) -> Step:
    """Return the step, with the simulated user's click in it if that is more extreme."""
    asked = step.evaluations + usual.evaluations
    if sign * step.quality <= sign * usual.quality:
        return replace(step, evaluations=asked)
    return replace(usual, evaluations=asked, soft_evaluations=step.soft_evaluations)


def _not_worse_than(base: Step, step: Step, sign: int) -> Step:
    """Return the step, or the simulated user's clicks if the attack does worse than those."""
    if sign * step.quality <= sign * base.quality:
        return step
    return replace(
        step, clicks=base.clicks, quality=base.quality, second=base.second,
        soft_gap=math.nan, adopted=True, extras=base.extras,
    )  # fmt: skip
