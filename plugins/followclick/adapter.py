"""Between the embedded animator and the plugin API: regions, words, clips."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from annotator.domain import (
    BACKGROUND,
    AnnotatorError,
    CancelToken,
    Clip,
    Image,
    Progress,
    Prompt,
    Region,
    no_progress,
)
from annotator.engine.api import PluginContext
from models.followclick import MotionError, Request, animate, clicked_region

_LARGEST_FLOW = 512 * 2**20
"""Bytes up to which a clip keeps its flow unless told otherwise."""


class AnimationEngine:
    """Animates regions of a photo; an encoding is the photo itself."""

    def __init__(self, context: PluginContext) -> None:
        self._values = context.parameters

    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Take a photo.

        Raises:
            Cancelled: If `cancel` was set.
        """
        if cancel:
            cancel.check()
        progress(1.0, "ready")
        return np.ascontiguousarray(asset.rgb)

    def predict(
        self,
        encoding: npt.NDArray[np.uint8],
        prompt: Prompt,
        *,
        cancel: CancelToken | None = None,
    ) -> Clip:
        """Animate the prompt's regions; without any, nothing moves.

        Raises:
            Cancelled: If `cancel` was set.
            AnnotatorError: If a motion cannot be made, with the nearest that can.
        """
        return self.predict_with_progress(encoding, prompt, cancel=cancel)

    def predict_with_progress(
        self,
        encoding: npt.NDArray[np.uint8],
        prompt: Prompt,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Clip:
        """Do what `predict` does and tell how far it is; raises the same."""
        rgb, factor = self._reduced(encoding)
        words = dict(prompt.words)
        requests = [
            self._request(region, words.get(region.object_id, ""), rgb, factor)
            for region in _regions(encoding, prompt)
        ]
        keeps, why_not = self._keeps_flow(rgb)
        try:
            made = animate(
                rgb,
                requests,
                int(self._values["frames"]),
                loop=bool(self._values["loop"]),
                keep_flow=keeps,
                progress=progress,
                check=cancel.check if cancel else lambda: None,
            )
        except MotionError as error:
            raise AnnotatorError(error.message, error.remedy) from error
        notes = (*made.notes, *why_not)
        return Clip(made.frames, float(self._values["fps"]), made.flow, notes)

    def _keeps_flow(self, rgb: npt.NDArray[np.uint8]) -> tuple[bool, tuple[str, ...]]:
        """Return whether the clip gets its flow, and what a person should know if not."""
        size = (int(self._values["frames"]) - 1) * rgb.shape[0] * rgb.shape[1] * 8
        if self._values["flow"] != "auto":
            return self._values["flow"] == "always", ()
        if size <= _LARGEST_FLOW:
            return True, ()
        much = f"{size / 2**20:,.0f} MB"
        return False, (f"The flow field is not kept: it would take {much} (see the parameters).",)

    def _reduced(self, rgb: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        """Return the photo at the size of the clip, and by how much it is smaller."""
        longest, limit = max(rgb.shape[:2]), int(self._values["largest_side"])
        if not limit or longest <= limit:
            return rgb, 1.0
        factor = limit / longest
        size = tuple(max(round(side * factor), 1) for side in rgb.shape[1::-1])
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), factor

    def _request(
        self, region: Region, words: str, rgb: npt.NDArray[np.uint8], factor: float
    ) -> Request:
        mask = np.asarray(region.mask, bool)
        if factor < 1:
            size = (rgb.shape[1], rgb.shape[0])
            mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        return Request(
            mask=mask,
            words=words,
            direction=_degrees(region.arrow),
            strength=None if region.strength is None else region.strength * factor,
            confined=region.confined,
            softness=None if region.softness is None else region.softness * factor,
            force=bool(self._values["force"]),
        )

    def close(self) -> None:
        """Nothing is kept."""


def _degrees(arrow: tuple[float, float] | None) -> float | None:
    if arrow is None or not any(arrow):
        return None
    return math.degrees(math.atan2(-arrow[1], arrow[0])) % 360


def _regions(rgb: npt.NDArray[np.uint8], prompt: Prompt) -> list[Region]:
    """Return the prompt's regions, and those of clicked objects that have none."""
    told = {region.object_id for region in prompt.regions}
    grown = []
    for object_id in prompt.prompted_ids:
        clicks = [c.position for c in prompt.clicks if c.object_id == object_id and c.positive]
        if object_id not in told and object_id != BACKGROUND and clicks:
            grown.append(Region(object_id, clicked_region(rgb, clicks)))
    return sorted((*prompt.regions, *grown), key=lambda region: region.object_id)


def create(context: PluginContext) -> AnimationEngine:
    """Return the engine."""
    return AnimationEngine(context)
