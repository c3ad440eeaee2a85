"""Photos as targets: an image engine, a photo, the true mask of one object."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from annotator.benchmark.images.metrics import boundary_iou, iou
from annotator.benchmark.images.simulator import Bool, Truth, next_click
from annotator.domain import CancelToken, Click, Prompt
from annotator.robustness.contract import (
    About,
    Floats,
    History,
    Judged,
    Region,
    Rows,
    Scores,
    Soft,
)
from annotator.robustness.settings import Permitted
from annotator.robustness.targets.photo_regions import (
    errors,
    permitted_pixels,
    photo_region,
    pixel_clicks,
    pixel_of,
)
from annotator.robustness.targets.photo_soft import SoftPhoto, known

_REMEMBERED_MASKS = 64

_PIXELS_AT_ONCE = 1 << 25
"""Of all masks that an engine is asked for together: its answers have eight bytes a pixel."""


class PhotoEngine(Protocol):
    """What a photo target asks of an engine; an `OpenEngine` has it all."""

    @property
    def threshold(self) -> float:
        """Probability that the pixels of an object exceed."""

    @property
    def differentiable(self) -> bool:
        """Whether `soft_probability` works."""

    def predict_many(
        self,
        encoding: Any,  # noqa: ANN401 - opaque
        prompts: Sequence[Prompt],
        cancel: CancelToken | None = None,
    ) -> Sequence[Any]:
        """Return the mask of each prompt of one object; one prompt as if asked by itself."""

    def soft_probability(self, encoding: Any, prompt: Prompt, position: Any) -> Any:  # noqa: ANN401
        """See `DifferentiableClicks`."""


class PhotoTarget:
    """One object of one photo as an image engine segments it.

    Args:
        engine: The engine.
        encoding: Of the photo.
        truth: [H, W].
        engine_name: As the run names it.
        sample: Name of the sample.
    """

    def __init__(
        self, engine: PhotoEngine, encoding: object, truth: Truth, engine_name: str, sample: str
    ) -> None:
        self.engine, self.encoding, self.truth = engine, encoding, truth
        self.about = About("image", engine_name, sample, second="boundary IoU", notes=NOTES)
        self._masks: OrderedDict[History, Bool] = OrderedDict()

    def round(
        self, history: History, permitted: Permitted, cancel: CancelToken | None = None
    ) -> "PhotoRound | None":
        """Return the round after a history; None if there is no error left."""
        mask = self.mask(history, cancel)
        clicked = pixel_clicks(history, self.truth.shape)
        baseline = next_click(self.truth, mask, clicked)
        wrong = errors(self.truth, mask, baseline.positive)
        if not wrong[baseline.row, baseline.column]:
            return None
        allowed = permitted_pixels(wrong, clicked, baseline, permitted)
        region = photo_region(wrong, allowed, baseline)
        if self.engine.differentiable:
            return SoftPhotoRound(self, history, region, baseline.positive, wrong)
        return PhotoRound(self, history, region, baseline.positive)

    def judge(self, clicks: History, cancel: CancelToken | None = None) -> Judged:
        """Return IoU and boundary IoU after clicks."""
        mask = self.mask(clicks, cancel)
        return Judged(known(iou(self.truth, mask)), boundary_iou(self.truth, mask))

    def mask(self, clicks: History, cancel: CancelToken | None = None) -> Bool:
        """Return the mask [H, W] after clicks, from an inference by itself; empty without any."""
        if not clicks:
            return np.zeros(self.truth.shape, bool)
        if clicks not in self._masks:
            self._masks[clicks] = self.masks([clicks], cancel)[0]
            if len(self._masks) > _REMEMBERED_MASKS:
                self._masks.popitem(last=False)
        return self._masks[clicks]

    def masks(self, runs: Sequence[History], cancel: CancelToken | None = None) -> list[Bool]:
        """Return the masks [H, W] after several runs of clicks."""
        prompts = [prompt_of(clicks) for clicks in runs]
        most = max(1, _PIXELS_AT_ONCE // self.truth.size)
        masks: list[Bool] = []
        for start in range(0, len(prompts), most):
            part = prompts[start : start + most]
            answers = self.engine.predict_many(self.encoding, part, cancel)
            masks += [np.asarray(answer.labels > 0) for answer in answers]
        return masks


NOTES = (
    "Clicks are drawn by the engine; steps and the location term of mode tetris are in pixels "
    "of the photo, not of the network's crop.",
)


def prompt_of(clicks: History) -> Prompt:
    """Return clicks inside (object 1) and outside (object 0) as image engines take them."""
    return Prompt.from_clicks(list(clicks)).of_object(1)


class PhotoRound:
    """One click that is to be placed on a photo."""

    def __init__(
        self, target: PhotoTarget, history: History, region: Region, positive: bool
    ) -> None:
        self._target, self._history = target, history
        self.region, self._positive = region, positive

    def click(self, row: int) -> Click:
        """Return the candidate as a click."""
        x, y = (float(value) for value in self.region.positions[row])
        return self._click(x, y)

    def _click(self, x: float, y: float) -> Click:
        return Click((x, y), 1, len(self._history), positive=self._positive)

    def score(self, rows: Rows, cancel: CancelToken | None = None) -> Scores:
        """Score candidates by whole inference."""
        runs = [(*self._history, self.click(int(row))) for row in rows]
        masks = self._target.masks(runs, cancel)
        return Scores(np.array([known(iou(self._target.truth, mask)) for mask in masks]))


class SoftPhotoRound(PhotoRound):
    """The same with gradients."""

    def __init__(
        self,
        target: PhotoTarget,
        history: History,
        region: Region,
        positive: bool,
        wrong: Bool,
    ) -> None:
        super().__init__(target, history, region, positive)
        self._soft = SoftPhoto(target.truth, wrong, target.engine.threshold)
        self.diagonal = float(np.hypot(*target.truth.shape))

    def soft(self, position: Floats) -> Soft:
        """Evaluate any real position (x, y)."""
        prompt = prompt_of((*self._history, self._click(*_plain(position))))
        engine, encoding = self._target.engine, self._target.encoding
        return self._soft.evaluate(
            lambda place: engine.soft_probability(encoding, prompt, place), position
        )

    def penalty(self, position: Floats) -> tuple[float, Floats]:
        """Return TETRIS' location term and its gradient."""
        return self._soft.penalty(position)

    def clamp(self, position: Floats) -> Floats:
        """Return the nearest position in the photo."""
        height, width = self._target.truth.shape
        return np.clip(position, 0.0, np.array([width, height]) - 0.5)

    def settle(self, position: Floats) -> Click:
        """Return the click on the middle of the pixel."""
        row, column = pixel_of(_plain(position), self._target.truth.shape)
        return self._click(column + 0.5, row + 0.5)


def _plain(position: Floats) -> tuple[float, float]:
    return float(position[0]), float(position[1])
