"""The object that is asked about: its clicks, how an engine is asked, how answers are read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from annotator.domain import BACKGROUND, CancelToken, Click, Mask, PointCloud, Prompt
from annotator.domain.cloud import Float32, Float64, Int64
from annotator.domain.masks import bounds_of
from annotator.domain.thinning import voxel_index
from annotator.engine.api import EngineKind, HasRepresentatives
from annotator.engine.opened import OpenEngine
from annotator.engine.per_object import contradicting
from annotator.robustness.live.places import Places, pixel_places, point_places

Mode = Literal["next", "newest"]
Bool = npt.NDArray[np.bool_]

COMPARED = 1 << 17
"""Pixels or points on which masks are compared at most; of larger ones every k-th is."""

UNSURE = 0.05
"""Probabilities between this and one less this are where the engine is not sure."""

MARGIN = 0.15
"""How much of the object's size a box around it is larger at each side."""

SLIP = 0.01
"""How far a hand may slip on a photo, as a part of its diagonal."""

CLICKED_VOXEL = 0.05
"""Voxel edge in metres of the places on a scan, if the engine names no points itself."""


@dataclass(frozen=True)
class Question:
    """Which click is asked about.

    Attributes:
        prompt: All clicks, as the engine is asked.
        object_id: Whose click it is.
        mode: "next": one more click, that corrects what the mask says where it is; "newest":
            the object's newest click, had it been elsewhere where it would have said the same.
    """

    prompt: Prompt
    object_id: int
    mode: Mode = "next"

    @property
    def newest(self) -> Click | None:
        """The object's newest click; None if it has none."""
        mine = [click for click in self.prompt.clicks if click.object_id == self.object_id]
        return max(mine, key=lambda click: click.order, default=None)

    @property
    def base(self) -> Prompt:
        """The clicks that stay as they are."""
        if self.mode == "next":
            return self.prompt
        kept = tuple(click for click in self.prompt.clicks if click is not self.newest)
        return replace(self.prompt, clicks=kept)


@dataclass(frozen=True, eq=False)
class Reading:
    """What an answer says of the object.

    Attributes:
        inside: [M] flat, whether each pixel or point is the object's.
        probability: [M] float32, how probable that is.
    """

    inside: Bool
    probability: Float32


@dataclass(frozen=True, eq=False)
class Present:
    """What there is before a click is moved or added.

    Attributes:
        now: The answer to all clicks.
        before: The answer to those that stay as they are.
    """

    now: Reading
    before: Reading


class Subject(ABC):
    """An object of an asset that an engine is asked about."""

    def __init__(self, question: Question) -> None:
        self.question = question

    @property
    @abstractmethod
    def compared(self) -> Int64:
        """Flat indices [S] of the pixels or points on which masks are compared."""

    @abstractmethod
    def places(self, present: Present) -> Places:
        """Return where the click could be."""

    @abstractmethod
    def prompt_at(self, places: Places, row: int, positive: bool) -> Prompt:
        """Return the prompt with the click at a place."""

    @property
    def newest_inside(self) -> bool:
        """Whether the newest click says "inside"."""
        newest = self.question.newest
        return newest is not None and newest.positive

    @property
    def newest_position(self) -> Float64:
        """Where the newest click is, [D]."""
        newest = self.question.newest
        return np.array(newest.position if newest else (), np.float64)

    @property
    @abstractmethod
    def hand(self) -> float:
        """How far a hand may slip, in pixels or metres."""

    def right(self, present: Present, places: Places) -> Float64:
        """Return the probability [N] that the click at a place is right, as the engine sees it."""
        flat = places.flat
        probability = present.now.probability[flat].astype(np.float64)
        if self.question.mode == "newest":
            return probability if self.newest_inside else 1 - probability
        return np.where(present.now.inside[flat], 1 - probability, probability)

    def says_inside(self, present: Present, places: Places, row: int) -> bool:
        """Whether the click at a place says "inside": as the newest did, or as corrects there."""
        if self.question.mode == "newest":
            return self.newest_inside
        return not present.now.inside[places.flat[row]]

    def look(self, engine: OpenEngine, encoding: Any, cancel: CancelToken) -> Present:  # noqa: ANN401
        """Ask for what there is now; raises like `answers`."""
        self.begin(engine, encoding, cancel)
        question = self.question
        (now,) = self.answers(engine, encoding, [question.prompt], cancel)
        if question.mode == "next":
            return Present(now, now)
        before = Reading(np.zeros_like(now.inside), np.zeros_like(now.probability))
        if question.object_id in question.base.prompted_ids:
            (before,) = self.answers(engine, encoding, [question.base], cancel)
        return Present(now, before)

    def read(self, mask: Mask) -> Reading:
        """Return what an answer says of the object."""
        inside = self._inside(mask.labels.ravel())
        return Reading(inside, self._probability(mask, inside))

    def answers(
        self,
        engine: OpenEngine,
        encoding: Any,  # noqa: ANN401 - opaque
        prompts: Sequence[Prompt],
        cancel: CancelToken,
    ) -> list[Reading]:
        """Return the answers to several prompts, together if the engine can.

        Raises:
            Cancelled: If `cancel` was set meanwhile.
            AnnotatorError: If the plugin fails.
        """
        asked = [self._as_asked(engine, prompt) for prompt in prompts]
        return [self.read(mask) for mask in _masks(engine, encoding, asked, cancel)]

    def _as_asked(self, engine: OpenEngine, prompt: Prompt) -> Prompt:
        return prompt

    @abstractmethod
    def begin(self, engine: OpenEngine, encoding: Any, cancel: CancelToken) -> None:  # noqa: ANN401
        """Find out what `places` and `prompt_at` need of the engine; raises like `answers`."""

    def _inside(self, labels: npt.NDArray[np.int32]) -> Bool:
        return np.asarray(labels == self.question.object_id)

    def _probability(self, mask: Mask, inside: Bool) -> Float32:
        if mask.probability is not None:
            return mask.probability.ravel()
        if mask.confidence is None:
            return inside.astype(np.float32)
        sure = mask.confidence.ravel()
        return np.where(inside, sure, 1 - sure)


class PhotoSubject(Subject):
    """An object of a photo.

    Args:
        question: In pixels of the working copy.
        shape: (height, width) of the working copy.
    """

    def __init__(self, question: Question, shape: tuple[int, int]) -> None:
        super().__init__(question)
        self.shape = shape
        self._alone = False
        self._told: frozenset[Click] = frozenset()

    def begin(self, engine: OpenEngine, encoding: Any, cancel: CancelToken) -> None:  # noqa: ANN401
        """Find out which clicks of other objects the engine is told, as `PerObject` does."""
        manifest = engine.manifest
        self._alone = manifest.kind is EngineKind.IMAGE and not manifest.capabilities.many_objects
        self._told = frozenset()
        if self._alone:
            prompt, number = self.question.prompt, self.question.object_id
            (mask,) = _masks(engine, encoding, [prompt.of_object(number)], cancel)
            self._told = contradicting(number, mask, prompt)

    def _as_asked(self, engine: OpenEngine, prompt: Prompt) -> Prompt:
        if not self._alone:
            return prompt
        return prompt.of_object(self.question.object_id, self._told)

    def _inside(self, labels: npt.NDArray[np.int32]) -> Bool:
        return np.asarray(labels > 0) if self._alone else super()._inside(labels)

    @cached_property
    def compared(self) -> Int64:
        """Every k-th pixel of every k-th row."""
        height, width = self.shape
        step = max(1, int(np.ceil(np.sqrt(height * width / COMPARED))))
        flat = np.arange(height * width, dtype=np.int64).reshape(height, width)
        return np.ascontiguousarray(flat[step // 2 :: step, step // 2 :: step]).ravel()

    @property
    def hand(self) -> float:
        """A hundredth of the photo's diagonal."""
        return max(SLIP * float(np.hypot(*self.shape)), 2.0)

    def places(self, present: Present) -> Places:
        """Return pixels around the object, or those that the newest click was about."""
        now, then = (r.inside.reshape(self.shape) for r in (present.now, present.before))
        if self.question.mode == "next":
            return pixel_places(self._around(now, present.now.probability.reshape(self.shape)))
        return pixel_places(self._about_newest(now, then))

    def _around(self, inside: Bool, probability: Float32) -> Bool:
        """Return a box around mask, clicks and all that the engine is not sure of."""
        unsure = (probability > UNSURE) & (probability < 1 - UNSURE)
        spoken_of = inside | unsure
        for click in self.question.prompt.clicks:
            if click.object_id == self.question.object_id:
                spoken_of[self._pixel(click)] = True
        x0, y0, x1, y1 = bounds_of(spoken_of) or (0, 0, self.shape[1], self.shape[0])
        wide, high = round((x1 - x0) * MARGIN) + 1, round((y1 - y0) * MARGIN) + 1
        region = np.zeros(self.shape, np.bool_)
        region[max(y0 - high, 0) : y1 + high, max(x0 - wide, 0) : x1 + wide] = True
        return region

    def _about_newest(self, now: Bool, then: Bool) -> Bool:
        """Return the part of what the newest click changed in which it lies.

        A click that changed nothing where it lies may have been anywhere in the mask (an
        inside click) or in what it keeps out of the mask's surroundings.
        """
        click = self.question.newest
        assert click is not None
        changed = now & ~then if click.positive else then & ~now
        at = self._pixel(click)
        if not changed[at]:
            changed = (
                now.copy() if click.positive else self._around(then, then.astype(np.float32)) & ~now
            )
            changed[at] = True
        return _part_at(changed, at)

    def _pixel(self, click: Click) -> tuple[int, int]:
        x, y = click.position[:2]
        height, width = self.shape
        return min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)

    def prompt_at(self, places: Places, row: int, positive: bool) -> Prompt:
        """Return the prompt with a click inside or outside the object at a place."""
        x, y = (float(v) for v in places.positions[row])
        return _with(self.question, Click((x, y), self.question.object_id, positive=positive))


class SceneSubject(Subject):
    """An object of a scan; "outside" clicks are clicks on the background.

    Args:
        question: In points of the working set.
        cloud: The working points.
    """

    def __init__(self, question: Question, cloud: PointCloud) -> None:
        super().__init__(question)
        self.cloud = cloud
        self._rows: Int64 = np.zeros(0, np.int64)

    def begin(self, engine: OpenEngine, encoding: Any, cancel: CancelToken) -> None:  # noqa: ANN401
        """Find the points that stand for the engine's voxels."""
        if isinstance(engine.engine, HasRepresentatives):
            self._rows = engine.engine.representatives(encoding)
        else:
            self._rows = voxel_index(self.cloud.xyz, CLICKED_VOXEL)[0]

    @property
    def compared(self) -> Int64:
        """The points that stand for voxels, or every k-th of them."""
        return self._rows[:: -(-len(self._rows) // COMPARED)]

    @property
    def hand(self) -> float:
        """Two of the usual voxels."""
        return 2 * CLICKED_VOXEL

    def places(self, present: Present) -> Places:
        """Return voxels around the object, or those that the newest click was about."""
        rows = self._rows
        if self.question.mode == "next":
            chosen = self._around(present.now, rows)
        else:
            chosen = self._about_newest(present, rows)
        low, high = self.cloud.bounds
        volume = max(float(np.prod(np.maximum(high - low, 1e-3))), 1e-9)
        spacing = max((volume / max(len(rows), 1)) ** (1 / 3) / 2, 0.01)
        return point_places(self.cloud.xyz, rows[chosen], spacing)

    def _around(self, now: Reading, rows: Int64) -> Bool:
        sure = now.probability[rows]
        xyz = self.cloud.xyz[rows]
        spoken_of = now.inside[rows] | ((sure > UNSURE) & (sure < 1 - UNSURE))
        if not spoken_of.any():
            return np.ones(len(rows), np.bool_)
        low, high = xyz[spoken_of].min(axis=0), xyz[spoken_of].max(axis=0)
        margin = (high - low) * MARGIN + CLICKED_VOXEL
        return np.asarray(((xyz >= low - margin) & (xyz <= high + margin)).all(axis=1))

    def _about_newest(self, present: Present, rows: Int64) -> Bool:
        now, then = present.now.inside[rows], present.before.inside[rows]
        changed = now & ~then
        return changed if changed.any() else now

    def prompt_at(self, places: Places, row: int, positive: bool) -> Prompt:
        """Return the prompt with a click on the object or on the background at a place."""
        x, y, z = (float(v) for v in places.positions[row])
        number = self.question.object_id if positive else BACKGROUND
        return _with(self.question, Click((x, y, z), number, index=int(places.flat[row])))


def _masks(
    engine: OpenEngine,
    encoding: Any,  # noqa: ANN401 - opaque
    prompts: Sequence[Prompt],
    cancel: CancelToken,
) -> list[Mask]:
    results = engine.predict_many(encoding, prompts, cancel)
    return [result for result in results if isinstance(result, Mask)]


def _with(question: Question, click: Click) -> Prompt:
    """Return the clicks that stay, and one more in its place in time."""
    base, newest = question.base, question.newest
    order = 1 + max((c.order for c in base.clicks), default=-1)
    if question.mode == "newest" and newest is not None:
        order = newest.order
    clicks = sorted((*base.clicks, replace(click, order=order)), key=lambda c: c.order)
    ids = tuple(sorted({*base.object_ids, question.object_id}))
    return replace(base, clicks=tuple(clicks), object_ids=ids)


def _part_at(region: Bool, at: tuple[int, int]) -> Bool:
    """Return the connected part of a region [H, W] that holds a pixel."""
    import cv2  # slow to import

    _, names = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    return np.asarray(names == names[at])
