"""Figures of a report: means with intervals, regret, what is unsafe, how a person fared."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from annotator.robustness.measures.curves import area
from annotator.robustness.measures.densities import field_summary
from annotator.robustness.measures.regret import Regret as Missed
from annotator.robustness.measures.regret import compare
from annotator.robustness.records import PATHS, Record
from annotator.robustness.report.gathering import Finding, Gathered, Setup

Floats = npt.NDArray[np.float64]
RESAMPLES = 4000
QUALITIES = (0.80, 0.85, 0.90)


@dataclass(frozen=True)
class Estimate:
    """A mean over samples with its 95 % interval.

    Attributes:
        value: The mean.
        low: Lower end; NaN if there are too few assets to tell.
        high: Upper end.
        count: Samples.
    """

    value: float
    low: float
    high: float
    count: int


def estimate(values: Sequence[float], groups: Sequence[str], seed: int = 0) -> Estimate:
    """Return a mean with its percentile-bootstrap interval (Efron and Tibshirani, 1993).

    Whole assets are drawn, since the objects of one asset are alike.

    Args:
        values: One a sample; NaN is left out.
        groups: Asset of each.
        seed: Of the resampling.
    """
    known = [(v, g) for v, g in zip(values, groups, strict=True) if math.isfinite(v)]
    if not known:
        return Estimate(math.nan, math.nan, math.nan, 0)
    numbers = np.array([value for value, _ in known])
    names, members = np.unique([group for _, group in known], return_inverse=True)
    if len(names) < 2:
        return Estimate(float(numbers.mean()), math.nan, math.nan, len(numbers))
    sums = np.bincount(members, numbers, len(names))
    counts = np.bincount(members, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Estimate(float(numbers.mean()), float(low), float(high), len(numbers))


def padded(curve: Floats, clicks: int) -> Floats:
    """Carry a trajectory that ended, as nothing was wrong any more, on to all clicks."""
    if not len(curve):
        return np.full(clicks, math.nan)
    return np.concatenate([curve[:clicks], np.full(max(0, clicks - len(curve)), curve[-1])])


def sample_area(record: Record, path: str) -> float:
    """Return the area under one trajectory of a record."""
    return area(padded(record.curve(path), record.settings.clicks))


def second_area(record: Record, path: str) -> float:
    """Return the same for the second score, boundary IoU; NaN if it was not measured."""
    curve = np.array([step.second for step in record.paths[path]])
    return area(padded(curve, record.settings.clicks))


def clicks_to(record: Record, path: str, quality: float) -> float:
    """Return the first click at which a trajectory reaches a quality, else all clicks (NoC)."""
    hits = np.flatnonzero(record.curve(path) >= quality)
    return float(hits[0] + 1) if len(hits) else float(record.settings.clicks)


@dataclass(frozen=True)
class Row:
    """The figures of one engine in one mode.

    Attributes:
        engine: How the report calls it.
        mode: Of attack.
        clicks: How many clicks the means are over; rows with other numbers do not compare.
        figures: Means by name: "min", "base", "max", "gap" (MAX - MIN), "drop" (BASE - MIN),
            the same of the second score with "2" behind, "noc90 min" and the like,
            "seconds", "processor" seconds and "evaluations" a sample.
        failing: Samples whose worst trajectory never reaches 0.9.
        ordered: Samples with MIN <= BASE <= MAX after every click.
    """

    engine: str
    mode: str
    clicks: int
    figures: dict[str, Estimate]
    failing: int
    ordered: int


Measure = Callable[[Finding], float]


def measures() -> dict[str, Measure]:
    """Return what is measured of every sample, by name."""
    found: dict[str, Measure] = {}
    for path in PATHS:
        found[path] = partial(_measured, sample_area, path)
        found[f"{path}2"] = partial(_measured, second_area, path)
        for quality in QUALITIES:
            name = f"noc{100 * quality:.0f} {path}"
            found[name] = partial(_measured, partial(clicks_to, quality=quality), path)
    found["gap"] = lambda f: sample_area(f.record, "max") - sample_area(f.record, "min")
    found["drop"] = lambda f: sample_area(f.record, "base") - sample_area(f.record, "min")
    found["gap2"] = lambda f: second_area(f.record, "max") - second_area(f.record, "min")
    found["seconds"] = partial(seconds_of, name="total")
    found["processor"] = partial(seconds_of, name="processor")
    found["evaluations"] = lambda f: float(evaluations_of(f.record))
    return found


def _measured(of: Callable[[Record, str], float], path: str, finding: Finding) -> float:
    return of(finding.record, path)


def seconds_of(finding: Finding, name: str) -> float:
    """Return the seconds that a task took: "total" by the clock, "processor" of work."""
    return float(finding.timing.get(name, math.nan))


def evaluations_of(record: Record) -> int:
    """Return the inferences that a record took, those with gradients included."""
    steps = [step for path in record.paths.values() for step in path]
    return sum(step.evaluations + step.soft_evaluations for step in steps)


def ranking(gathered: Gathered) -> list[Row]:
    """Return a row an engine, mode and number of clicks, the most robust engine of each first."""
    return [row for setup in gathered.setups for row in _ranked(gathered, setup)]


def _ranked(gathered: Gathered, setup: Setup) -> list[Row]:
    rows = [
        _row(engine, setup, found)
        for engine in gathered.engines
        if (found := gathered.of(engine, *setup))
    ]
    return sorted(rows, key=lambda row: row.figures["gap"].value)


def _row(engine: str, setup: Setup, found: Sequence[Finding]) -> Row:
    groups = [finding.group for finding in found]
    figures = {
        name: estimate([measure(f) for f in found], groups) for name, measure in measures().items()
    }
    return Row(
        engine,
        setup.mode,
        setup.clicks,
        figures,
        failing=sum(bool((f.record.curve("min") < 0.9).all()) for f in found),
        ordered=sum(f.record.ordered for f in found),
    )


def mean_curve(findings: Sequence[Finding], path: str) -> Floats:
    """Return the mean quality after each click over samples of one setup, [n]."""
    clicks = findings[0].setup.clicks
    return np.mean([padded(f.record.curve(path), clicks) for f in findings], axis=0)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Regret:
    """How far an attack stayed from the extremes that enumeration found for the same round.

    Attributes:
        engine: How the report calls it.
        mode: Of the attack.
        click: Number of the round, from 1.
        low: Found MIN less exact MIN.
        high: Exact MAX less found MAX.
        worst: The largest of all of them.
        inside: Share of searches that miss at most 0.01.
        bound: What was enumerated, in words.
    """

    engine: str
    mode: str
    click: int
    low: Estimate
    high: Estimate
    worst: float
    inside: float
    bound: str


def regrets(gathered: Gathered) -> list[Regret]:
    """Compare attacks with enumerations of the same rounds, wherever both exist.

    These are the rounds of an attack that was certified, and those that mode `exhaustive`
    enumerated after the same clicks: the first, and later ones if both had clicked alike.
    """
    rows = []
    for engine in gathered.engines:
        exact = {f.sample: f.record for f in gathered.of(engine, "exhaustive")}
        for mode in gathered.modes:
            found = gathered.of(engine, mode) if mode != "exhaustive" else []
            missed = [(f.group, m) for f in found for m in _missed(f.record, exact.get(f.sample))]
            for click in sorted({m.round for _, m in missed}):
                these = [(group, m) for group, m in missed if m.round == click]
                rows.append(_regret(engine, mode, click, these))
    return rows


def _missed(record: Record, exact: Record | None) -> list[Missed]:
    """Compare a record with its own certificate, else with an enumeration of its region."""
    others = exact.fields if exact and exact.permitted == record.permitted else ()
    return compare(record, [*others, *record.fields])


def _regret(engine: str, mode: str, click: int, missed: Sequence[tuple[str, Missed]]) -> Regret:
    by_path = {
        path: estimate(
            [m.regret for _, m in missed if m.path == path],
            [group for group, m in missed if m.path == path],
        )
        for path in ("min", "max")
    }
    values = [m.regret for _, m in missed]
    exact = all(m.bound == "exact" for _, m in missed)
    return Regret(
        engine,
        mode,
        click,
        by_path["min"],
        by_path["max"],
        worst=max(values),
        inside=float(np.mean(np.array(values) <= 0.01)),
        bound="every place" if exact else f"stride {max(m.stride for _, m in missed)}",
    )


def _first(finding: Finding, path: str) -> float:
    return float(finding.record.paths[path][0].quality)


@dataclass(frozen=True)
class Tail:
    """What a first click in the permitted region gives, over all places.

    Attributes:
        engine: How the report calls it.
        below: A click that gives less is unsafe.
        finger: How far a finger may be off.
        unit: Of `finger`: "px" or "m".
        figures: Means by the names of `field_summary`, and "places" scored.
    """

    engine: str
    below: float
    finger: float
    unit: str
    figures: dict[str, Estimate]


def tails(gathered: Gathered) -> list[Tail]:
    """Return what enumerated first clicks give, an engine a row."""
    return [
        _tail(engine, found)
        for engine in gathered.engines
        if (found := _enumerated(engine, gathered))
    ]


def _enumerated(engine: str, gathered: Gathered) -> list[Finding]:
    """Return a finding of each sample whose first round was enumerated: `exhaustive` if it was."""
    first: dict[str, Finding] = {}
    for mode in sorted(gathered.modes, key=lambda mode: mode != "exhaustive"):
        for finding in gathered.of(engine, mode):
            if finding.record.fields:
                first.setdefault(finding.sample, finding)
    return list(first.values())


def _tail(engine: str, found: Sequence[Finding]) -> Tail:
    groups = [finding.group for finding in found]
    about, settings = found[0].record.about, found[0].record.settings
    finger = settings.finger_on(about.kind)
    lines = [
        {
            **field_summary(f.record.fields[0], settings.unsafe_below, finger),
            "places": float(len(f.record.fields[0].quality)),
        }
        for f in found
    ]
    figures = {name: estimate([line[name] for line in lines], groups) for name in lines[0]}
    return Tail(engine, settings.unsafe_below, finger, about.unit, figures)


@dataclass(frozen=True)
class Coverage:
    """How a person's own clicks compare with the extremes that an attack found.

    Attributes:
        engine: How the report calls it.
        mode: Of attack.
        clicks: Clicks of the person that were compared.
        inside: Share whose quality lies between MIN and MAX of that click.
        below: Share that did worse than MIN.
        above: Share that did better than MAX.
        place: Mean place between MIN (0) and MAX (1), where they differ.
    """

    engine: str
    mode: str
    clicks: int
    inside: float
    below: float
    above: float
    place: float


def coverages(gathered: Gathered) -> list[Coverage]:
    """Return the rows of engines and modes for which clicks of a person are known."""
    rows = []
    for engine in gathered.engines:
        for mode in gathered.modes:
            triples = [t for f in gathered.of(engine, mode) for t in _against_user(f)]
            if triples:
                rows.append(_coverage(engine, mode, np.array(triples)))
    return rows


def _against_user(finding: Finding) -> list[tuple[float, float, float]]:
    """Return (person, MIN, MAX) after each click that all three have."""
    low, high = finding.record.curve("min"), finding.record.curve("max")
    return [
        (float(score), float(a), float(b))
        for score, a, b in zip(finding.user, low, high, strict=False)
    ]


def _coverage(engine: str, mode: str, triples: Floats) -> Coverage:
    person, low, high = triples.T
    wide = high > low
    places = (person[wide] - low[wide]) / (high[wide] - low[wide])
    return Coverage(
        engine,
        mode,
        len(triples),
        inside=float(((person >= low) & (person <= high)).mean()),
        below=float((person < low).mean()),
        above=float((person > high).mean()),
        place=float(np.clip(places, 0, 1).mean()) if wide.any() else math.nan,
    )


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by how much the worst first click takes from the simulated user's."""
    return sorted(findings, key=lambda f: _first(f, "min") - _first(f, "base"))


def rank_stability(gathered: Gathered, setup: Setup, seed: int = 0) -> dict[str, list[float]]:
    """Return how often each engine takes each place when assets are drawn again.

    Only samples that all engines have count.

    Args:
        gathered: Records of at least two engines.
        setup: Mode and number of clicks.
        seed: Of the resampling.

    Returns:
        By engine: share of draws in which it is first, second and so on, by MAX - MIN.
    """
    by_engine = {e: {f.sample: f for f in gathered.of(e, *setup)} for e in gathered.engines}
    present = {e: found for e, found in by_engine.items() if found}
    if len(present) < 2:
        return {}
    common = sorted(set.intersection(*(set(found) for found in present.values())))
    if not common:
        return {}
    gap = measures()["gap"]
    gaps = np.array([[gap(found[s]) for s in common] for found in present.values()])
    groups = [next(iter(present.values()))[s].group for s in common]
    names, members = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    times = np.stack([np.bincount(draw, minlength=len(names)) for draw in drawn])[:, members]
    places = np.argsort(np.argsort(gaps @ times.T, axis=0, kind="stable"), axis=0, kind="stable")
    return {
        engine: [float((row == place).mean()) for place in range(len(present))]
        for engine, row in zip(present, places, strict=True)
    }
