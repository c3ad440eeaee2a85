"""How far a search stays behind the truth: exact extreme minus what was found."""

from collections.abc import Iterable
from dataclasses import dataclass

from annotator.robustness.records import Field, Record


@dataclass(frozen=True)
class Regret:
    """What a search missed in one round of one trajectory.

    Attributes:
        path: "min" or "max".
        round: 1 for the first click.
        found: Quality that the search found.
        extreme: Of the enumeration.
        regret: Difference, positive if the search missed something. Negative if it left the
            permitted region (`tetris`) or found what a stride left out.
        bound: What the enumeration's extreme rests on, see `Field`.
        stride: Of the enumeration.
    """

    path: str
    round: int
    found: float
    extreme: float
    regret: float
    bound: str
    stride: int


def compare(record: Record, fields: Iterable[Field]) -> list[Regret]:
    """Return the regret in every round that was enumerated: the same clicks before it.

    Args:
        record: What a search found.
        fields: Enumerated rounds of the same sample and engine; of two of the same round the
            later one counts.
    """
    known = {field.history: field for field in fields}
    regrets = []
    for path, sign in (("min", 1), ("max", -1)):
        for number, step in enumerate(record.paths[path], 1):
            field = known.get(step.clicks[:-1])
            if field is None or step.adopted or len(step.clicks) != number:
                continue
            extreme = float(field.quality.min() if sign > 0 else field.quality.max())
            missed = sign * (step.quality - extreme)
            regrets.append(
                Regret(path, number, step.quality, extreme, missed, field.bound, field.stride)
            )
    return regrets
