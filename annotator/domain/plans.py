"""How regions of a photo shall move, as a person says it: without their masks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from annotator.domain.clicks import Prompt
from annotator.domain.cloud import Int32
from annotator.domain.regions import Region


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """What an object of a photo shall do; its mask is the object's own.

    Attributes:
        object_id: The object.
        words: A few words, such as "flows slowly to the left".
        arrow: (x0, y0, x1, y1) pixels of the photo, from tail to tip: the direction; None
            for what the words say.
        strength: Mean motion in pixels of the photo a frame; None for what the words say.
        confined: Whether pixels outside of its mask never change; else it may leave it.
        softness: Width of the soft edge in pixels of the photo; None for what suits the motion.
        moves: Whether it moves at all: what it would do is kept while it stands still.
    """

    object_id: int
    words: str = ""
    arrow: tuple[float, float, float, float] | None = None
    strength: float | None = None
    confined: bool = False
    softness: float | None = None
    moves: bool = True

    @property
    def direction(self) -> tuple[float, float] | None:
        """(x, y) from tail to tip, y down; None for what the words say."""
        if self.arrow is None:
            return None
        x0, y0, x1, y1 = self.arrow
        return x1 - x0, y1 - y0

    @property
    def problem(self) -> str:
        """What is wrong with it, in words; empty if nothing."""
        lengths = [v for v in (self.strength, self.softness) if v is not None]
        if any(not math.isfinite(v) or v < 0 for v in lengths):
            return "Strength and soft edge are numbers from 0 up."
        if self.arrow is not None and not all(map(math.isfinite, self.arrow)):
            return "An arrow goes from one place on the photo to another."
        return ""

    def region(self, labels: Int32, scale: float = 1.0) -> Region:
        """Return the region as engines are told it.

        Args:
            labels: [h, w] object ids.
            scale: Pixels of the labels a pixel of the photo.
        """
        return Region(
            self.object_id,
            np.asarray(labels == self.object_id),
            self.direction,
            None if self.strength is None else self.strength * scale,
            self.confined,
            None if self.softness is None else self.softness * scale,
        )


def motion_prompt(plans: Mapping[int, RegionPlan], labels: Int32, scale: float = 1.0) -> Prompt:
    """Return what an animation engine is asked; objects that stand still are left out.

    Args:
        plans: By object id.
        labels: [h, w] object ids: whose pixels are whose.
        scale: Pixels of the labels a pixel of the photo.
    """
    moving = [plan for _, plan in sorted(plans.items()) if plan.moves]
    return Prompt(
        object_ids=tuple(plan.object_id for plan in moving),
        words=tuple((plan.object_id, plan.words) for plan in moving if plan.words.strip()),
        regions=tuple(plan.region(labels, scale) for plan in moving),
    )
