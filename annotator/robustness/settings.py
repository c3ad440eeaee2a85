"""What is attacked for how long: everything that a record depends on besides engine and sample."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from annotator.domain import AnnotatorError


class Mode(StrEnum):
    """How extreme clicks are sought."""

    TETRIS = "tetris"
    OURS = "ours"
    EXHAUSTIVE = "exhaustive"


class Permitted(StrEnum):
    """Where the click of a round may go, inside the error region that its sign means."""

    DISK = "disk-inside"
    CENTRE = "centre-inside"
    COMPONENT = "same-component"


FINGERS = {"image": 5.0, "scene": 0.1, "pose": 5.0}
"""How far a finger may be off by kind of target: pixels, in scans metres."""


@dataclass(frozen=True)
class Settings:
    """Choices of an attack; equal settings give equal records for deterministic engines.

    Attributes:
        clicks: Rounds of each trajectory.
        permitted: Where clicks may go (`ours`, `exhaustive`).
        evaluations: Budget of inferences a round and direction (`ours`): hard ones and forward
            passes for gradients count one each.
        steps: Forward passes a round and direction (`tetris`); published: 11.
        lr_multiplier: Of the published step length (`tetris`); published: 1.
        slack: A candidate's location term may be so many times the incumbent's (`tetris`).
        gradients: Whether `ours` uses gradients where the engine has them.
        starts: Places that `ours` begins from, the baseline included.
        stride: Edge of the cells of which `exhaustive` scores one candidate each, in the
            target's spacing (pixels, voxels); 1 scores every candidate.
        refine: Whether `exhaustive` looks into cells that may hold an extreme, by a Lipschitz
            bound estimated from the scores: coarse to fine.
        safety: The estimated Lipschitz constant is taken so many times.
        fields: Rounds of which `exhaustive` keeps the fields.
        certify: Rounds of the worst and the best clicks that `ours` and `tetris` found which
            are enumerated afterwards, by `stride` and `refine`.
        unsafe_below: A click is unsafe if the quality it gives is below.
        finger: Distance in pixels, in scans metres, that a finger may be off; None for that
            of the kind of target, see `for_kind`.
        seed: Decides random starts.
        batch: Prompts handed to the engine at once.
    """

    clicks: int = 10
    permitted: Permitted = Permitted.CENTRE
    evaluations: int = 100
    steps: int = 11
    lr_multiplier: float = 1.0
    slack: float = 1.05
    gradients: bool = True
    starts: int = 8
    stride: int = 1
    refine: bool = False
    safety: float = 1.5
    fields: int = 1
    certify: int = 0
    unsafe_below: float = 0.8
    finger: float | None = None
    seed: int = 0
    batch: int = 32

    def __post_init__(self) -> None:
        object.__setattr__(self, "permitted", Permitted(self.permitted))
        for name in ("clicks", "evaluations", "steps", "starts", "stride", "batch"):
            if getattr(self, name) < 1:
                raise AnnotatorError(f"{name} must be at least 1, not {getattr(self, name)}.")

    def permitted_in(self, mode: Mode) -> Permitted:
        """Return where clicks may go in a mode; the published attack knows one rule only."""
        return Permitted.CENTRE if mode is Mode.TETRIS else self.permitted

    def finger_on(self, kind: str) -> float:
        """Return how far a finger may be off on a kind of target, in the unit of its positions."""
        return FINGERS[kind] if self.finger is None else self.finger

    def for_kind(self, kind: str) -> "Settings":
        """Return the settings with what depends on the kind of target filled in.

        Args:
            kind: "image", "scene" or "pose".
        """
        return replace(self, finger=self.finger_on(kind))

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {**asdict(self), "permitted": self.permitted.value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Settings":
        """Read what `to_json` returned; unknown names are left out, missing ones get defaults."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
