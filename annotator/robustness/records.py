"""What an attack found: trajectories and fields of one engine on one sample, as JSON and arrays."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.robustness.contract import (
    About,
    Floats,
    History,
    Rows,
    click_json,
    clicks_from_json,
)
from annotator.robustness.settings import Mode, Permitted, Settings

RECORD_VERSION = 1
PATHS = ("min", "base", "max")
"""The three trajectories of a record: worst clicks, the simulated user's, best clicks."""

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """One round of a trajectory.

    Attributes:
        clicks: All clicks so far, the one of this round last. Usually they begin with those of
            the step before; if `adopted`, the attack did worse than the simulated user and
            went on from that user's clicks.
        quality: After these clicks, by whole inference.
        second: Boundary IoU or the like; NaN if there is none.
        evaluations: Whole inferences that this round took. What another trajectory asked for
            before costs nothing: in the first round MAX is left with what MIN did not ask for,
            if every place is tried with nothing. All steps add up to what the record took.
        soft_evaluations: Forward passes with gradients that it took.
        seconds: Wall time.
        soft_gap: Quality of the soft result minus `quality`, both at this click; NaN without.
        candidates: Size of the permitted region.
        adopted: See `clicks`.
        extras: Further figures by name.
    """

    clicks: History
    quality: float
    second: float = math.nan
    evaluations: int = 0
    soft_evaluations: int = 0
    seconds: float = 0.0
    soft_gap: float = math.nan
    candidates: int = 0
    adopted: bool = False
    extras: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the step as JSON values; NaN becomes null."""
        plain = {k: _null_nan(v) for k, v in vars(self).items() if k not in ("clicks", "extras")}
        extras = {k: _null_nan(v) for k, v in self.extras.items()}
        return {"clicks": [click_json(c) for c in self.clicks], **plain, "extras": extras}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Step":
        """Read what `to_json` returned."""
        plain = {k: math.nan if v is None else v for k, v in values.items()}
        extras = {k: math.nan if v is None else v for k, v in values["extras"].items()}
        whole = {**plain, "clicks": clicks_from_json(values["clicks"]), "extras": extras}
        return cls(**dict[str, Any](whole))


@dataclass(frozen=True, eq=False)
class Field:
    """Quality by where one click goes, after a history.

    Attributes:
        history: Clicks before.
        positive: Sign of the click.
        object_id: The object that it is for.
        positions: [K, D] of the candidates that were scored.
        quality: [K].
        weight: [K] share of users who click there or where it stands for.
        share: [K] share of the region that it stands for: itself or, with a stride, the
            candidates of its cell that were not scored.
        baseline: Row of the simulated user's click.
        candidates: Size of the permitted region; K if every one was scored.
        stride: Edge of the cells of which one candidate each was scored, see `Settings`.
        lower: No candidate of the region gives less.
        upper: No candidate of the region gives more.
        bound: What `lower` and `upper` rest on: "exact", every candidate was scored;
            "empirical", a Lipschitz constant was estimated from the scores; "none", they are
            the extremes of what was scored.
        evaluations: Whole inferences it took.
        seconds: Wall time.
        indices: [K] rows of a cloud's points; None elsewhere.
    """

    history: History
    positive: bool
    object_id: int
    positions: Floats
    quality: Floats
    weight: Floats
    share: Floats
    baseline: int
    candidates: int
    stride: int
    lower: float
    upper: float
    bound: str
    evaluations: int = 0
    seconds: float = 0.0
    indices: Rows | None = None

    @property
    def exact(self) -> bool:
        """Whether every candidate was scored."""
        return self.bound == "exact"

    def unsafe_share(self, below: float) -> float:
        """Return the share of the region where a click gives a quality below a threshold."""
        return float(self.share[self.quality < below].sum())

    def to_json(self) -> dict[str, Any]:
        """Return everything but the arrays as JSON values."""
        plain = {k: v for k, v in vars(self).items() if not isinstance(v, np.ndarray)}
        return {**plain, "history": [click_json(c) for c in self.history]}

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {k: v for k, v in vars(self).items() if isinstance(v, np.ndarray)}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Arrays) -> "Field":
        """Rebuild a field from its JSON values and arrays."""
        plain = {**values, "history": clicks_from_json(values["history"])}
        return cls(**dict[str, Any]({**plain, **arrays}))


@dataclass(frozen=True, eq=False)
class Record:
    """All that one attack on one sample of one engine found.

    Attributes:
        about: Engine, sample, what is measured.
        mode: How extremes were sought.
        settings: With which choices.
        paths: Trajectories by their name in `PATHS`.
        fields: Enumerated rounds (`exhaustive`, or a search that was certified), the first
            round's first.
        made_with: Versions, digests and the like, as the runner knows them.
    """

    about: About
    mode: Mode
    settings: Settings
    paths: Mapping[str, tuple[Step, ...]]
    fields: tuple[Field, ...] = ()
    made_with: Mapping[str, Any] = field(default_factory=dict)

    @property
    def permitted(self) -> Permitted:
        """Where the clicks of its searches could go."""
        return self.settings.permitted_in(self.mode)

    def curve(self, path: str) -> Floats:
        """Return the quality after each click of a trajectory, [n]."""
        return np.array([step.quality for step in self.paths[path]])

    def seconds_of(self, path: str) -> float:
        """Return the wall time of a trajectory."""
        return sum(step.seconds for step in self.paths[path])

    @property
    def ordered(self) -> bool:
        """Whether MIN <= BASE <= MAX after every click; by construction but in mode `tetris`."""
        low, base, high = (self.curve(path) for path in PATHS)
        return bool((low <= base).all() and (base <= high).all())

    def timeless(self) -> "Record":
        """Return the record without wall times: equal for equal runs of deterministic engines."""
        paths = {k: tuple(replace(s, seconds=0.0) for s in v) for k, v in self.paths.items()}
        fields = tuple(replace(f, seconds=0.0) for f in self.fields)
        return replace(self, paths=paths, fields=fields)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the fields' arrays as JSON values."""
        return {
            "version": RECORD_VERSION,
            "about": {**vars(self.about), "notes": list(self.about.notes)},
            "mode": self.mode.value,
            "settings": self.settings.to_json(),
            "paths": {name: [s.to_json() for s in steps] for name, steps in self.paths.items()},
            "fields": [f.to_json() for f in self.fields],
            "made_with": dict(self.made_with),
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of all fields, named `field<number>_<name>`."""
        return {
            f"field{number}_{name}": array
            for number, found in enumerate(self.fields)
            for name, array in found.arrays().items()
        }

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Arrays) -> "Record":
        """Rebuild a record from what `to_json` and `arrays` returned.

        Raises:
            ValueError: If it was written by a later version.
        """
        if values["version"] > RECORD_VERSION:
            raise ValueError(f"records of version {values['version']} are not known")
        return cls(
            about=About(**{**values["about"], "notes": tuple(values["about"]["notes"])}),
            mode=Mode(values["mode"]),
            settings=Settings.from_json(values["settings"]),
            paths={k: tuple(Step.from_json(s) for s in v) for k, v in values["paths"].items()},
            fields=tuple(
                Field.from_parts(f, _of_field(arrays, n)) for n, f in enumerate(values["fields"])
            ),
            made_with=values["made_with"],
        )


def _of_field(arrays: Arrays, number: int) -> dict[str, npt.NDArray[Any]]:
    prefix = f"field{number}_"
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _null_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return None if isinstance(value, float) and math.isnan(value) else value
