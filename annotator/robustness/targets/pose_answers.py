"""What a pose engine says of the people of one photo: its first guess, and after clicks."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from annotator.benchmark.poses.metrics import Float
from annotator.domain import CancelToken, PersonPrompt, Pose, Prompt
from annotator.domain.people import enclosing, union
from annotator.domain.poses import VISIBLE
from annotator.engine.opened import OpenEngine
from annotator.robustness.contract import History

Box = tuple[float, float, float, float]

_REMEMBERED = 64


class PoseAnswers:
    """An engine that is told people by their boxes and, click by click, their joints.

    Args:
        engine: The engine.
        encoding: Of the photo.
        boxes: (x0, y0, x1, y1) of every person, pixels.

    Attributes:
        starts: The box of every person and the engine's first guess in it.
    """

    def __init__(
        self,
        engine: OpenEngine,
        encoding: Any,  # noqa: ANN401 - opaque
        boxes: Sequence[Box],
    ) -> None:
        self._engine, self._encoding = engine, encoding
        self._answers: OrderedDict[PersonPrompt, Float] = OrderedDict()
        boxed = [PersonPrompt(number, box) for number, box in enumerate(boxes, 1)]
        guesses = self._ask(boxed, None) if boxed else []
        self.starts = tuple(
            _started(box, joints) for box, joints in zip(boxed, guesses, strict=True)
        )

    def joints(self, clicks: History, cancel: CancelToken | None = None) -> list[Float]:
        """Return the joints [K, 2] of every person after clicks."""
        told = [self.told(number, clicks) for number in range(len(self.starts))]
        new = [prompt for prompt in told if prompt not in self._answers and any(prompt.fixed)]
        for prompt, answer in zip(new, self._ask(new, cancel) if new else [], strict=True):
            self._answers[prompt] = answer
        found = [self._answers[prompt] if any(prompt.fixed) else _array(prompt) for prompt in told]
        self._forget()  # only now: the oldest may be one of those
        return found

    def _forget(self) -> None:
        while len(self._answers) > _REMEMBERED * len(self.starts):
            self._answers.popitem(last=False)

    def told(self, person: int, clicks: History) -> PersonPrompt:
        """Return what the engine is told of a person after clicks: first guess, placed joints."""
        start = self.starts[person]
        points, fixed = list(start.keypoints), list(start.fixed)
        for click in clicks:
            if click.object_id == person + 1 and click.index is not None:
                points[click.index] = (float(click.position[0]), float(click.position[1]))
                fixed[click.index] = True
        if not any(fixed):
            return start
        placed = [point for point, is_fixed in zip(points, fixed, strict=True) if is_fixed]
        box = union(start.box, enclosing(placed))
        return replace(start, box=box, keypoints=tuple(points), fixed=tuple(fixed))

    def variants(self, prompts: Sequence[PersonPrompt], cancel: CancelToken | None) -> list[Float]:
        """Return the joints [K, 2] of variants of one person, all asked for at once.

        People do not influence one another, so that variants may stand side by side.
        """
        numbered = [replace(prompt, object_id=i) for i, prompt in enumerate(prompts, 1)]
        return self._ask(numbered, cancel)

    def _ask(self, prompts: Sequence[PersonPrompt], cancel: CancelToken | None) -> list[Float]:
        answer = self._engine.predict_as_is(self._encoding, Prompt(people=tuple(prompts)), cancel)
        assert isinstance(answer, Pose)  # as OpenEngine has checked
        return [
            _pinned(prompt, row)
            for prompt, row in zip(prompts, answer.keypoints.astype(np.float64), strict=True)
        ]


def _started(boxed: PersonPrompt, joints: Float) -> PersonPrompt:
    points = tuple((float(x), float(y)) for x, y in joints.tolist())
    count = len(points)
    return replace(boxed, keypoints=points, visibility=(VISIBLE,) * count, fixed=(False,) * count)


def _array(prompt: PersonPrompt) -> Float:
    return np.array(prompt.keypoints, np.float64).reshape(-1, 2)


def _pinned(prompt: PersonPrompt, joints: Float) -> Float:
    """Return joints [K, 2] with the placed ones exactly where they are, not rounded."""
    fixed = np.array(prompt.fixed, np.bool_)
    if fixed.any():
        joints = np.where(fixed[:, None], _array(prompt), joints)
    return joints
