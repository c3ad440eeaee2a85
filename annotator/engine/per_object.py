"""Many objects in one image from engines that see one object at a time.

Most click networks for photos answer "inside or outside" of a single object. Each object
is asked for by itself, with the clicks that concern it; the answers share the pixels.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import BACKGROUND, CancelToken, Click, Mask, Prompt

Predict = Callable[[Any, Prompt, CancelToken | None], Mask]

REMEMBERED_BYTES = 1 << 30
"""Size of the answers kept: a click on one object must not ask anew for the others."""


@dataclass
class PerObject:
    """Asks a single-object engine for every object of a prompt.

    Attributes:
        predict: (encoding, prompt of one object, cancel) -> its mask with `probability`.
        threshold: The engine's own: a pixel belongs to the object above it.
    """

    predict: Predict
    threshold: float
    _known: "OrderedDict[tuple[int, Prompt], tuple[Any, Mask]]" = field(default_factory=OrderedDict)

    def mask(self, encoding: Any, prompt: Prompt, cancel: CancelToken | None = None) -> Mask:  # noqa: ANN401 - opaque
        """Return one mask of all objects that were clicked or boxed.

        Raises:
            Cancelled: If `cancel` was set meanwhile.
        """
        answers = {
            object_id: self._answer_for(object_id, encoding, prompt, cancel)
            for object_id in prompt.prompted_ids
        }
        if not answers:
            return self._answer(encoding, Prompt(), cancel)
        return compose(answers, dict.fromkeys(answers, self.threshold) | dict(prompt.thresholds))

    def _answer_for(
        self,
        object_id: int,
        encoding: Any,  # noqa: ANN401 - opaque
        prompt: Prompt,
        cancel: CancelToken | None,
    ) -> Mask:
        """Ask for an object; once more if a click says that its answer took another one's place.

        Clicks of other objects elsewhere are left out: they would only disturb an answer
        that is right, and cost a run of every object for every click.
        """
        alone = self._answer(encoding, prompt.of_object(object_id), cancel)
        told = contradicting(object_id, alone, prompt)
        if not told:
            return alone
        return self._answer(encoding, prompt.of_object(object_id, told), cancel)

    def _answer(self, encoding: Any, prompt: Prompt, cancel: CancelToken | None) -> Mask:  # noqa: ANN401
        if cancel is not None:
            cancel.check()
        # The encoding is kept beside its answer, so its id cannot pass to another one.
        key = (id(encoding), prompt)
        if key not in self._known:
            self._known[key] = encoding, self.predict(encoding, prompt, cancel)
            self._forget_oldest()
        self._known.move_to_end(key)
        return self._known[key][1]

    def _forget_oldest(self) -> None:
        size = sum(_bytes_of(mask) for _, mask in self._known.values())
        while size > REMEMBERED_BYTES and len(self._known) > 1:
            _, (_, mask) = self._known.popitem(last=False)
            size -= _bytes_of(mask)


def contradicting(object_id: int, answer: Mask, prompt: Prompt) -> frozenset[Click]:
    """Return inside clicks of other objects on pixels that an object's answer took."""
    height, width = answer.labels.shape
    return frozenset(
        click
        for click in prompt.clicks
        if click.positive
        and click.object_id not in (object_id, BACKGROUND)
        and answer.labels[_within(click.position[1], height), _within(click.position[0], width)]
    )


def _within(place: float, size: int) -> int:
    """Return the row or column of a place, at most the last one."""
    return min(max(int(place), 0), size - 1)


def _bytes_of(mask: Mask) -> int:
    arrays = (mask.labels, mask.confidence, mask.probability, *(c.inside for c in mask.candidates))
    return sum(array.nbytes for array in arrays if array is not None)


def compose(answers: Mapping[int, Mask], thresholds: Mapping[int, float]) -> Mask:
    """Share the pixels of an image among objects: the surest one wins.

    Args:
        answers: By object id, the mask of that object alone (labels 0 and 1).
        thresholds: By object id, the probability that its pixels exceed.

    Returns:
        Labels [H, W]; `confidence` of the chosen label; `probability` of the object if
        there is only one; all candidates, named by their objects.
    """
    first = next(iter(answers.values()))
    labels = np.zeros(first.labels.shape, np.int32)
    best = np.zeros(first.labels.shape, np.float32)
    largest = np.zeros(first.labels.shape, np.float32)
    for object_id, answer in answers.items():
        probability = _probability(answer)
        margin = np.where(answer.labels > 0, _margin(probability, thresholds[object_id]), 0)
        wins = margin > best
        labels[wins] = object_id
        best[wins] = margin[wins]
        np.maximum(largest, probability, out=largest)
    candidates = tuple(
        replace(candidate, object_id=object_id)
        for object_id, answer in answers.items()
        for candidate in answer.candidates
    )
    confidence = np.where(labels > 0, largest, 1 - largest)
    alone = first.probability if len(answers) == 1 else None
    return Mask(labels, confidence, alone, candidates)


def _probability(answer: Mask) -> npt.NDArray[np.float32]:
    if answer.probability is not None:
        return answer.probability
    return answer.labels.astype(np.float32)


def _margin(probability: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.float32]:
    """Return how far above its threshold a pixel is, 0..1, so that thresholds are comparable."""
    margin = (probability - np.float32(threshold)) / np.float32(max(1 - threshold, 1e-6))
    # A pixel that the engine gave to the object stays its own where nobody else wants it.
    floor = np.float32(np.finfo(np.float32).tiny)
    clipped: npt.NDArray[np.float32] = np.maximum(margin, floor)
    return clipped
