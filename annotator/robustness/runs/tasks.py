"""The tasks of a run: which (plugin, sample, mode), in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.robustness.datasets import Dataset
from annotator.robustness.records import Record

Inside = npt.NDArray[np.bool_]


@dataclass(frozen=True, order=True)
class TaskKey:
    """What one record is about.

    Attributes:
        plugin: Reference of the engine.
        sample: Name of the sample.
        mode: Of attack.
    """

    plugin: str
    sample: str
    mode: str

    def __str__(self) -> str:
        return f"{self.plugin}, {self.sample}, {self.mode}"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a task found.

    Attributes:
        group: Asset of the sample.
        record: What the attack found.
        user: What the clicks of a person scored, one click more each; empty without any.
        shapes: Masks after the first click of trajectories, by their name, for pictures.
        timing: What it took besides, in seconds, and where; no two runs are alike in it.
    """

    group: str
    record: Record
    user: tuple[float, ...] = ()
    shapes: Mapping[str, Inside] = field(default_factory=dict)
    timing: dict[str, Any] = field(default_factory=dict)


def tasks_of(
    dataset: Dataset, plugins: Sequence[str], modes: Sequence[str], limit: int
) -> Iterator[TaskKey]:
    """Give the tasks of a run: one engine after another, one asset after another.

    Args:
        dataset: Where samples come from.
        plugins: References of engines.
        modes: Of attack.
        limit: Only so many samples; 0 for all.
    """
    sources = dataset.sources[: limit or None]
    for plugin in plugins:
        for source in sources:
            for mode in modes:
                yield TaskKey(plugin, source.name, mode)
