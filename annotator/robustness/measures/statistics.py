"""How far figures can be trusted: bootstrap over images, paired differences, stable ranks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from annotator.robustness.contract import Floats, Rows

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval that resampled images give.

    Attributes:
        value: Of the images as they are.
        low: Lower end.
        high: Upper end.
        level: Share of resamplings inside.
    """

    value: float
    low: float
    high: float
    level: float = LEVEL


def resamplings(count: int, draws: int = DRAWS, seed: int = 0) -> Rows:
    """Return `draws` samples with replacement of `count` images, [draws, count]."""
    return np.random.default_rng(seed).integers(0, count, (draws, count))


def bootstrap(values: Floats, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """Return the mean over images with its percentile interval (Efron, 1979).

    Args:
        values: [N] one figure an image; NaNs are left out.
        seed: Decides the resampling; equal seeds compare engines on the same resamplings.
        draws: Number of resamplings.
        level: Share of them inside the interval.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if len(known) == 0:
        return Interval(np.nan, np.nan, np.nan, level)
    means = known[resamplings(len(known), draws, seed)].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(known.mean()), float(low), float(high), level)


def paired(first: Floats, second: Floats, seed: int = 0) -> Interval:
    """Return the mean difference first - second over the same images; sure if it excludes 0."""
    return bootstrap(np.asarray(first) - np.asarray(second), seed)


@dataclass(frozen=True)
class RankStability:
    """How far a ranking of engines survives other images.

    Attributes:
        kendall: Mean Kendall tau-b between the ranking and those of resampled images.
        spearman: Mean Spearman correlation likewise.
        first: Share of resamplings in which each engine is the best, by name.
        ranks: Interval of each engine's rank, 1 the best, by name.
    """

    kendall: float
    spearman: float
    first: Mapping[str, float]
    ranks: Mapping[str, Interval]


def rank_stability(
    figures: Mapping[str, Floats], seed: int = 0, draws: int = 1000, higher_is_better: bool = True
) -> RankStability:
    """Resample images and rank the engines anew.

    Args:
        figures: By engine, [N] one figure an image, all of the same images.
        seed: Decides the resampling.
        draws: Number of resamplings.
        higher_is_better: Whether rank 1 has the highest mean.
    """
    names = list(figures)
    table = np.stack([np.asarray(figures[name], np.float64) for name in names])
    signed = -table if higher_is_better else table
    means = signed[:, resamplings(table.shape[1], draws, seed)].mean(axis=2)
    ranks = stats.rankdata(means, axis=0)
    own = stats.rankdata(signed.mean(axis=1))
    ends = np.quantile(ranks, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return RankStability(
        kendall=_mean_agreement(stats.kendalltau, own, ranks),
        spearman=_mean_agreement(stats.spearmanr, own, ranks),
        first={n: float((ranks[i] == ranks.min(axis=0)).mean()) for i, n in enumerate(names)},
        ranks={
            n: Interval(float(own[i]), float(ends[0, i]), float(ends[1, i]))
            for i, n in enumerate(names)
        },
    )


def _mean_agreement(measure: object, own: Floats, ranks: Floats) -> float:
    """Return the mean of a rank correlation over resamplings; NaN for a single engine."""
    if len(own) < 2 or len(set(own.tolist())) == 1:
        return float("nan")
    assert callable(measure)
    varied = [column for column in ranks.T if len(set(column.tolist())) > 1]
    found = [float(measure(own, column)[0]) for column in varied]
    return float(np.mean(found)) if found else float("nan")
