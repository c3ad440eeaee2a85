"""What predictions return: mask, pose or clip. Plain arrays, immutable by convention."""

from dataclasses import dataclass, field
from typing import Union

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Candidate:
    """One of several masks that an engine offers for an object, best first.

    Attributes:
        object_id: The object.
        inside: [H, W] bool: the pixels it would get.
        score: What the engine thinks of it, in [0, 1].
    """

    object_id: int
    inside: npt.NDArray[np.bool_]
    score: float


@dataclass(frozen=True)
class Mask:
    """A label for every point of a cloud or every pixel of an image.

    Attributes:
        labels: [N] (cloud) or [H, W] (image) int32 object ids, 0 = background.
        confidence: Same shape, float32 in [0, 1]: probability of the chosen label;
            None if the engine has none.
        probability: Same shape, float32: probability of "object" for single-object
            image engines; None elsewhere.
        candidates: Other masks that the engine offers, in the order that
            `Prompt.candidates` counts them; empty if it offers none.
    """

    labels: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32] | None = None
    probability: npt.NDArray[np.float32] | None = None
    candidates: tuple[Candidate, ...] = ()

    def changed_from(self, earlier: "Mask | None") -> npt.NDArray[np.int64]:
        """Return flat indices whose label differs from `earlier`: all that a canvas redraws."""
        now = self.labels.ravel()
        if earlier is None or earlier.labels.shape != self.labels.shape:
            return np.arange(now.size)
        return np.flatnonzero(now != earlier.labels.ravel())


@dataclass(frozen=True)
class Pose:
    """Keypoints of every person in an image: proposed ones by falling score, or those asked for.

    Attributes:
        keypoints: [P, K, 2] float32 pixels.
        visibility: [P, K] uint8, COCO values 0 absent, 1 occluded, 2 visible.
        boxes: [P, 4] float32, x0 y0 x1 y1 pixels.
        scores: [P] float32 in [0, 1].
    """

    keypoints: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A short animation.

    Attributes:
        frames: [T, H, W, 3] uint8.
        frames_per_second: Playback rate.
        flow: [T-1, H, W, 2] float32 pixels a frame, or None.
        notes: What a person should know of it, in words.
    """

    frames: npt.NDArray[np.uint8]
    frames_per_second: float = 24.0
    flow: npt.NDArray[np.float32] | None = field(default=None)
    notes: tuple[str, ...] = ()


Result = Union[Mask, Pose, Clip]  # noqa: UP007 - workers may run on Python 3.9
