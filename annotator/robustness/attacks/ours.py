"""Our search for extreme clicks: a cover, a model of what it leaves open, gradients, walks.

Every candidate is a pixel of the permitted region and is scored by whole inference, zoom-in
included; the simulated user's click is always among them.
"""

from dataclasses import dataclass

import numpy as np

from annotator.robustness.attacks.adam import Adam
from annotator.robustness.attacks.cells import about_so_many
from annotator.robustness.attacks.pattern import search
from annotator.robustness.attacks.scored import Purse, Scored
from annotator.robustness.attacks.starts import starts
from annotator.robustness.attacks.surrogate import expect
from annotator.robustness.contract import Floats, Region, SoftRound
from annotator.robustness.settings import Settings

EXPLORE = 0.4
"""Share of the budget for looking everywhere."""

DESCEND = 0.1
"""Share of the budget for gradients: they lead to the nearest extreme, seldom to the farthest."""

POLISH = 0.1
"""Share of the budget for pattern searches; what is left of all is for the model."""

WALKS = 4
"""Places from which pattern searches begin at once."""

_LEAST_STEPS = 4


@dataclass(frozen=True)
class Found:
    """What one search found.

    Attributes:
        row: The most extreme candidate.
        evaluations: Candidates that were scored.
        soft_evaluations: Forward passes for gradients.
    """

    row: int
    evaluations: int
    soft_evaluations: int = 0


def seek(scored: Scored, sign: int, settings: Settings) -> Found:
    """Seek the candidate of lowest (sign +1) or highest (-1) quality within the budget.

    Args:
        scored: The round.
        sign: +1 for MIN, -1 for MAX.
        settings: Budget, starts, gradients.
    """
    purse = Purse(scored, sign, settings.evaluations)
    soft = 0
    edge = _explore(purse, settings)
    soft_round = scored.round if settings.gradients else None
    reserve = POLISH + (DESCEND if isinstance(soft_round, SoftRound) else 0.0)
    expect(purse, edge, int(reserve * settings.evaluations))
    if isinstance(soft_round, SoftRound):
        soft = _descend(purse, soft_round, edge, settings)
    _polish(purse, edge)
    return Found(purse.best(), len(purse.values), soft)


def _explore(purse: Purse, settings: Settings) -> int:
    """Score the starts and a cover of the region; return the cover's edge."""
    region = purse.scored.region
    purse.look(starts(region, settings.starts, settings.seed))
    spent = settings.evaluations - purse.left
    cells = about_so_many(region, max(1, int(EXPLORE * settings.evaluations) - spent))
    purse.look(cells.rows)
    return cells.edge


def _descend(purse: Purse, round_: SoftRound, edge: int, settings: Settings) -> int:
    """Follow gradients from the best places; return the number of forward passes."""
    allowed = int(DESCEND * settings.evaluations)
    walks = max(1, min(2, allowed // (2 * _LEAST_STEPS)))
    used = 0
    for row in _apart(purse, walks, edge):
        used += _follow(purse, round_, row, edge, allowed // walks)
    return used


def _follow(purse: Purse, round_: SoftRound, row: int, edge: int, allowed: int) -> int:
    """Take Adam steps from a candidate, scoring the candidate nearest to each place."""
    region, used = purse.scored.region, 0
    position = region.positions[row].copy()
    step = Adam(max(1.0, edge / 2) * _spacing(region))
    until = purse.left - allowed
    while purse.left > max(until, 0):
        purse.scored.check()
        soft = round_.soft(position)
        used, purse.left = used + 1, purse.left - 1
        # MIN climbs the loss, MAX descends it
        position = round_.clamp(position + step.step(-purse.sign * soft.gradient))
        position, near = _projected(region, position)
        purse.look(np.array([near]))
    return used


def _projected(region: Region, position: Floats) -> tuple[Floats, int]:
    """Return a position and its nearest candidate; where that is not close, the candidate's."""
    away, near = region.places.query(position)
    close = float(away) <= _spacing(region)
    return (position if close else region.positions[near].copy()), int(near)


def _spacing(region: Region) -> float:
    """Return the length of one step of the lattice in the unit of positions."""
    lattice, places = np.ptp(region.lattice, axis=0), np.ptp(region.positions, axis=0)
    longest = int(np.argmax(lattice))
    return float(places[longest] / lattice[longest]) if lattice[longest] else 1.0


def _polish(purse: Purse, edge: int) -> None:
    """Spend what is left on pattern searches, from the best places and then from others."""
    begun: set[int] = set()
    while purse.left > 0:
        rows = [row for row in _apart(purse, WALKS + len(begun), edge) if row not in begun]
        if not rows:
            if not _look_elsewhere(purse):
                return
            continue
        begun.update(rows[:WALKS])
        search(purse, rows[:WALKS], max(1.0, edge / 2))


def _look_elsewhere(purse: Purse) -> bool:
    """Score a candidate far from all others; say whether there was one."""
    region = purse.scored.region
    unseen = np.setdiff1d(np.arange(len(region)), np.array(list(purse.values)))
    if len(unseen) == 0:
        return False
    seen = region.lattice[list(purse.values)].astype(np.float64)
    some = unseen[:: max(1, len(unseen) // 512)]
    away = np.stack([((seen - region.lattice[row]) ** 2).sum(axis=1).min() for row in some])
    purse.look(some[[int(np.argmax(away))]])
    return True


def _apart(purse: Purse, count: int, edge: int) -> list[int]:
    """Return the best scored candidates that are at least a cell's edge apart."""
    lattice = purse.scored.region.lattice
    chosen: list[int] = []
    for row in purse.ranked():
        places = lattice[chosen].reshape(-1, lattice.shape[1])
        if (np.abs(places - lattice[row]).max(axis=1, initial=0) >= edge).all() or not chosen:
            chosen.append(row)
        if len(chosen) == count:
            break
    return chosen
