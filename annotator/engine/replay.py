"""The previous mask without state: it is found again from the clicks that led to it.

Several networks take the mask of the click before as an input. Engines keep nothing
between calls, so the earlier clicks are replayed, one at a time; answers are remembered,
so that a further click costs one step only.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from annotator.domain import CancelToken, Prompt

Step = Callable[[Any, Prompt, Any], Any]

REMEMBERED = 64
"""Answers kept: enough for the clicks of a few objects."""


def history(prompt: Prompt) -> list[Prompt]:
    """Return the prompts that led to this one, itself last, one click more each.

    A box counts as the first gesture. Prompts without a positive click or box give no
    mask and are left out. Thresholds are dropped: they change what is shown, not what a
    network is fed.

    Args:
        prompt: Of one object (1 inside, 0 outside).
    """
    clicks = tuple(sorted(prompt.clicks, key=lambda click: click.order))
    first = 0 if prompt.boxes else 1
    steps = (
        replace(prompt, clicks=clicks[:count], thresholds=())
        for count in range(first, len(clicks) + 1)
    )
    return [step for step in steps if step.prompted_ids]


@dataclass
class Replay:
    """Replays the earlier clicks of a prompt.

    Attributes:
        step: (encoding, prompt, answer to the prompt before or None) -> answer.
    """

    step: Step
    _known: "OrderedDict[tuple[int, Prompt], tuple[Any, Any]]" = field(default_factory=OrderedDict)

    def before(self, encoding: Any, prompt: Prompt, cancel: CancelToken | None = None) -> Any:  # noqa: ANN401 - opaque
        """Return the answer to the prompt without its newest click; None if there is none.

        Raises:
            Cancelled: If `cancel` was set meanwhile.
        """
        answer, steps = self._latest_known(encoding, history(prompt)[:-1])
        for step in steps:
            if cancel is not None:
                cancel.check()
            answer = self.step(encoding, step, answer)
            self._keep(encoding, step, answer)
        return answer

    def remember(self, encoding: Any, prompt: Prompt, answer: Any) -> None:  # noqa: ANN401 - opaque
        """Keep the answer to a whole prompt: the next click will want it.

        It must be what `step` would give, bit by bit.
        """
        self._keep(encoding, history(prompt)[-1], answer)

    def _latest_known(self, encoding: Any, steps: list[Prompt]) -> tuple[Any, list[Prompt]]:  # noqa: ANN401 - opaque
        """Return the last known answer on the way, and the steps that are left after it."""
        for number in range(len(steps), 0, -1):
            key = (id(encoding), steps[number - 1])
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key][1], steps[number:]
        return None, steps

    def _keep(self, encoding: Any, prompt: Prompt, answer: Any) -> None:  # noqa: ANN401 - opaque
        # The encoding is kept beside its answer, so its id cannot pass to another one.
        self._known[id(encoding), prompt] = encoding, answer
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
