"""Scores of one round's candidates: asked for in batches, remembered, counted."""

import numpy as np

from annotator.domain import CancelToken
from annotator.robustness.contract import Floats, Round, Rows


class Scored:
    """A round whose scores are remembered, so that MIN and MAX share what both ask for.

    Args:
        round_: The round.
        batch: Candidates scored at once.
        cancel: Looked at between batches.
    """

    def __init__(self, round_: Round, batch: int, cancel: CancelToken | None = None) -> None:
        self.round, self.region = round_, round_.region
        self._batch, self._cancel = batch, cancel or CancelToken()
        self._known: dict[int, float] = {}

    @property
    def asked(self) -> int:
        """Inferences made so far."""
        return len(self._known)

    def check(self) -> None:
        """Stop if asked to.

        Raises:
            Cancelled: If the token was set.
        """
        self._cancel.check()

    def quality(self, rows: Rows) -> Floats:
        """Return the quality [K] of candidates."""
        missing = [row for row in dict.fromkeys(rows.tolist()) if row not in self._known]
        for start in range(0, len(missing), self._batch):
            self.check()
            part = missing[start : start + self._batch]
            found = self.round.score(np.array(part, np.int64), self._cancel).quality
            self._known.update(zip(part, found.tolist(), strict=True))
        return np.array([self._known[row] for row in rows.tolist()])


class Purse:
    """One search's budget of evaluations, and the best that it has seen.

    Candidates that the other direction scored already count like all others, so that what
    a search finds does not depend on who came first.

    Args:
        scored: The round.
        sign: +1 looks for the lowest quality, -1 for the highest.
        limit: Evaluations that may be spent.
    """

    def __init__(self, scored: Scored, sign: int, limit: int) -> None:
        self.scored, self.sign = scored, sign
        self.left = limit
        self.values: dict[int, float] = {}

    def look(self, rows: Rows) -> None:
        """Score candidates, in order, as long as the budget lasts."""
        new = [row for row in dict.fromkeys(rows.tolist()) if row not in self.values]
        new = new[: max(self.left, 0)]
        if not new:
            return
        self.left -= len(new)
        quality = self.scored.quality(np.array(new, np.int64))
        self.values.update(zip(new, (self.sign * quality).tolist(), strict=True))

    def value(self, row: int) -> float:
        """Return signed quality, lower is better; infinite if the candidate was not scored."""
        return self.values.get(row, np.inf)

    def best(self) -> int:
        """Return the best candidate; of equal ones the one scored first."""
        return min(self.values, key=self.values.__getitem__)

    def ranked(self) -> list[int]:
        """Return all scored candidates, best first."""
        return sorted(self.values, key=self.values.__getitem__)
