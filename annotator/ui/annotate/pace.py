"""Mean time per click, live: the rule of `annotator.project.stats` without rereading the log."""

import time

from annotator.domain import AnnotatorError
from annotator.project import Project
from annotator.project.stats import IDLE_SECONDS, statistics


class Pace:
    """Counts the time from what a person last did or saw to each click."""

    def __init__(self, seconds: float = 0.0, clicks: int = 0) -> None:
        self._seconds, self._clicks = seconds, clicks
        self._since = time.monotonic()

    @classmethod
    def of(cls, project: Project) -> "Pace":
        """Start with the clicks of earlier sessions."""
        try:
            earlier = statistics(project).click_s
        except AnnotatorError:
            return cls()
        return cls(sum(earlier), len(earlier))

    @property
    def mean_seconds(self) -> float | None:
        """Mean seconds per click; None before the first."""
        return self._seconds / self._clicks if self._clicks else None

    def mark(self) -> None:
        """Note that the person did or saw something: the next click's time starts here."""
        self._since = time.monotonic()

    def click(self) -> None:
        """Count a click; a longer pause than `IDLE_SECONDS` counts as that long."""
        self._seconds += min(time.monotonic() - self._since, IDLE_SECONDS)
        self._clicks += 1
        self.mark()
