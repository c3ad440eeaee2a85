"""How far a search stayed behind: its own rounds, enumerated once it is over.

An attack in mode `exhaustive` goes its own way: of a search's later rounds it knows those
only before which both had clicked alike.
"""

from dataclasses import replace

from annotator.domain import CancelToken, Progress, no_progress
from annotator.robustness.attacks.enumerate import field_of
from annotator.robustness.attacks.scored import Scored
from annotator.robustness.contract import History, Target
from annotator.robustness.records import Field, Record


def certify(
    target: Target,
    record: Record,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Record:
    """Enumerate the first rounds of a record's own MIN and MAX trajectories.

    Args:
        target: The same sample and engine.
        record: What `ours` or `tetris` found; its settings say how many rounds, and how fine.
        progress: Told after every round.
        cancel: Looked at between inferences.

    Returns:
        The record with the fields of these rounds, the first round's first.

    Raises:
        Cancelled: If `cancel` was set.
    """
    histories = _histories(record)
    fields: list[Field] = []
    for number, history in enumerate(histories, 1):
        round_ = target.round(history, record.permitted, cancel)
        assert round_ is not None  # as the search clicked in it
        scored = Scored(round_, record.settings.batch, cancel)
        fields.append(field_of(scored, history, record.settings)[0])
        progress(number / len(histories), f"certifying, round {number}")
    return replace(record, fields=tuple(fields))


def _histories(record: Record) -> list[History]:
    """Return what was clicked before each round in which the search chose the click itself."""
    found = [
        step.clicks[:-1]
        for number in range(min(record.settings.certify, record.settings.clicks))
        for step in (record.paths["min"][number], record.paths["max"][number])
        if len(step.clicks) == number + 1 and not step.adopted
    ]
    return list(dict.fromkeys(found))
