"""Two or more engines on the clicks of finished work: which is better, and how sure is that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.benchmark.metrics import object_ious
from annotator.domain import Prompt

QUALITIES = (0.80, 0.85, 0.90)
RESAMPLES = 4000
Labels = npt.NDArray[np.integer[Any]]
Answer = Callable[[Prompt], tuple[Labels, float]]
"""Prompt -> labels and the seconds that they took."""


@dataclass(frozen=True)
class ObjectTrial:
    """How one object of one asset fared with one engine.

    Attributes:
        asset: Name of the asset.
        object_id: The object.
        clicks: Its own clicks after each step, ascending.
        ious: Its IoU after each step.
    """

    asset: str
    object_id: int
    clicks: tuple[int, ...]
    ious: tuple[float, ...]

    @property
    def final(self) -> float:
        """IoU after the last click."""
        return self.ious[-1]

    def needed(self, quality: float) -> int:
        """Return its clicks when it first reached an IoU; one more than all if it never did."""
        for clicks, iou in zip(self.clicks, self.ious, strict=True):
            if iou >= quality:
                return clicks
        return self.clicks[-1] + 1


@dataclass(frozen=True)
class AssetTrial:
    """One engine on one asset.

    Attributes:
        asset: Name of the asset.
        objects: Its objects.
        encode_seconds: What the encoding took.
        click_seconds: What each click took.
        labels: After the last click.
    """

    asset: str
    objects: tuple[ObjectTrial, ...]
    encode_seconds: float
    click_seconds: tuple[float, ...]
    labels: Labels

    @property
    def mean_ious(self) -> list[float]:
        """Mean IoU over the objects after each click."""
        return [float(np.mean(step)) for step in zip(*(o.ious for o in self.objects), strict=True)]


def try_clicks(
    asset: str, prompts: Sequence[Prompt], truth: Labels, answer: Answer, encode_seconds: float
) -> AssetTrial:
    """Give an engine the recorded clicks one by one.

    Args:
        asset: Name of the asset.
        prompts: One click more each.
        truth: Finished labels; its clicked objects count, from the first click on.
        answer: The engine.
        encode_seconds: What its encoding took.
    """
    clicked = prompts[-1].prompted_ids
    objects = [i for i in clicked if (truth == i).any()]
    ious: dict[int, list[float]] = {i: [] for i in objects}
    seconds: list[float] = []
    labels: Labels = np.zeros(truth.shape, np.int32)
    for prompt in prompts:
        labels, took = answer(prompt)
        seconds.append(took)
        found = object_ious(truth.ravel(), labels.ravel())
        for object_id in objects:
            ious[object_id].append(found[object_id])
    trials = [ObjectTrial(asset, i, _clicks_of(i, prompts), tuple(ious[i])) for i in objects]
    return AssetTrial(asset, tuple(trials), encode_seconds, tuple(seconds), labels)


def _clicks_of(object_id: int, prompts: Sequence[Prompt]) -> tuple[int, ...]:
    return tuple(sum(c.object_id == object_id for c in prompt.clicks) for prompt in prompts)


def growing(prompt: Prompt) -> list[Prompt]:
    """Return the prompts of the first click, the first two, and so on; all boxes from the start."""
    ordered = sorted(prompt.clicks, key=lambda click: click.order)
    return [
        replace(prompt, clicks=tuple(ordered[:count]), candidates=())
        for count in range(1, len(ordered) + 1)
    ]


@dataclass(frozen=True)
class Difference:
    """A figure of a second engine less that of the first, over the same objects.

    Attributes:
        mean: The difference.
        low: Lower end of its 95 % confidence interval.
        high: Upper end.
        count: Objects (or clicks) compared.
    """

    mean: float
    low: float
    high: float
    count: int

    @property
    def sure(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def paired_difference(
    first: Sequence[float], second: Sequence[float], groups: Sequence[str], seed: int = 0
) -> Difference:
    """Compare two engines by the paired percentile bootstrap (Efron and Tibshirani, 1993).

    Args:
        first: Figures of the first engine.
        second: Figures of the second one, of the same objects in the same order.
        groups: Asset of each; whole assets are drawn where there are at least five, since
            the objects of one scan are alike, else single objects.
        seed: Of the resampling.
    """
    apart = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    if not len(apart):
        return Difference(float("nan"), float("nan"), float("nan"), 0)
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < 5:
        names, members = np.arange(len(apart)), np.arange(len(apart))
    sums = np.bincount(members, apart, len(names))
    counts = np.bincount(members, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Difference(float(apart.mean()), float(low), float(high), len(apart))


Figures = dict[str, tuple[list[float], list[str]]]
"""By name, a value for each object or click, and the asset of each."""


def figures_of(trials: Sequence[AssetTrial]) -> Figures:
    """Return what is compared: IoU in the end and on the way, clicks needed, seconds a click."""
    objects = [trial for asset in trials for trial in asset.objects]
    names = [trial.asset for trial in objects]
    figures: Figures = {
        "IoU, last click": ([trial.final for trial in objects], names),
        "IoU, mean over clicks": ([float(np.mean(trial.ious)) for trial in objects], names),
    }
    for quality in QUALITIES:
        needed = [float(trial.needed(quality)) for trial in objects]
        figures[f"clicks to {quality:.0%}"] = needed, names
    pairs = [(seconds, asset.asset) for asset in trials for seconds in asset.click_seconds]
    figures["seconds a click"] = [s for s, _ in pairs], [name for _, name in pairs]
    return figures


def mean_by_click(trials: Sequence[AssetTrial], most: int = 20) -> list[float]:
    """Return the mean IoU after the first, second … click, assets counting alike.

    An asset with fewer clicks counts on with its last IoU, so that every step is a mean
    over the same assets.
    """
    runs = [trial.mean_ious for trial in trials if trial.objects]
    longest = min(most, max(map(len, runs), default=0))
    return [
        float(np.mean([run[min(step, len(run) - 1)] for run in runs])) for step in range(longest)
    ]
