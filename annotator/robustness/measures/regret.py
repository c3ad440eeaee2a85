"""How far a search stays behind the truth: exact extreme minus what was found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from annotator.domain import CancelToken
from annotator.robustness.attacks.enumerate import field_of
from annotator.robustness.attacks.scored import Scored
from annotator.robustness.contract import History, Target
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
    """

    path: str
    round: int
    found: float
    extreme: float
    regret: float
    bound: str


def compare(found: Record, exact: Record) -> list[Regret]:
    """Return the regret in every round that both records know: the same clicks before it."""
    fields = {field.history: field for field in exact.fields}
    return _regrets(found, fields)


def certify(
    target: Target, record: Record, rounds: int = 1, cancel: CancelToken | None = None
) -> tuple[list[Regret], list[Field]]:
    """Enumerate the first rounds of a record's own MIN and MAX trajectories.

    Args:
        target: The same sample and engine.
        record: What a search found.
        rounds: So many of them.
        cancel: Looked at between inferences.

    Returns:
        The regret of each round, and the fields.
    """
    settings = replace(record.settings, stride=1)
    fields: dict[History, Field] = {}
    for history in _histories(record, rounds):
        round_ = target.round(history, settings.permitted, cancel)
        if round_ is not None and history not in fields:
            fields[history] = field_of(Scored(round_, settings.batch, cancel), history, settings)[0]
    return _regrets(record, fields), list(fields.values())


def _histories(record: Record, rounds: int) -> Sequence[History]:
    steps = [record.paths[path][number] for path in ("min", "max") for number in range(rounds)]
    return [step.clicks[:-1] for step in steps if step.clicks]


def _regrets(record: Record, fields: dict[History, Field]) -> list[Regret]:
    regrets = []
    for path, sign in (("min", 1), ("max", -1)):
        for number, step in enumerate(record.paths[path]):
            field = fields.get(step.clicks[:-1])
            if field is None or step.adopted or len(step.clicks) != number + 1:
                continue
            extreme = float(field.quality.min() if sign > 0 else field.quality.max())
            missed = sign * (step.quality - extreme)
            regrets.append(Regret(path, number + 1, step.quality, extreme, missed, field.bound))
    return regrets
