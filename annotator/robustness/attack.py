"""The one entry: attack a target in a mode and return the record."""

from annotator.domain import CancelToken, Progress, no_progress
from annotator.robustness.records import Record
from annotator.robustness.settings import Mode, Settings
from annotator.robustness.target import Target


def attack(
    target: Target,
    mode: Mode | str,
    settings: Settings | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Record:
    """Follow the worst, the simulated user's and the best clicks on one sample.

    Args:
        target: One sample of one engine.
        mode: How extremes are sought.
        settings: Choices; the default ones if None.
        progress: Told after every round.
        cancel: Looked at between inferences.

    Raises:
        Cancelled: If `cancel` was set.
        AnnotatorError: If the mode needs gradients that the engine has not, in words.
    """
    raise NotImplementedError("the modes follow")
