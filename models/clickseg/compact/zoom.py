"""Answering clicks on a photo of any size: zoom in, encode each crop once, remember masks.

The first click sees the whole photo. Later ones see a crop around the last mask and the
inside clicks, scaled so that its long side is 448 pixels (RITM, Sofiiuk et al. 2022, and
f-BRS, Sofiiuk et al. 2020). The crop is kept while it still fits, and so is its encoding.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from models.clickseg.compact.clicks import Click, click_maps
from models.clickseg.compact.network import CompactClickNet, ImageFeatures

Probability = npt.NDArray[np.float32]
_ENCODINGS = 4


class Crop(NamedTuple):
    """A part of a photo in pixels; ends are excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def holds(self, click: Click) -> bool:
        """Say whether a click is inside."""
        return self.top <= click.y < self.bottom and self.left <= click.x < self.right


@dataclass(frozen=True)
class ZoomSettings:
    """How to look at a photo.

    Attributes:
        side: Long side of what the network sees, in pixels.
        zoom: Whether clicks after the first see a crop.
        expand: Size of a crop relative to the box of mask and clicks.
        smallest: Least height and width of a crop in pixels of the photo.
        renew_below: A crop is renewed when its overlap (IoU) with the wanted one is less.
        flip: Whether to average with the answer for the mirrored photo.
        again: Whether the first click is answered once more in a crop, if its mask's box
            covers less than this share of the photo; 0 for never.
    """

    side: int = 448
    zoom: bool = True
    expand: float = 1.4
    smallest: int = 200
    renew_below: float = 0.5
    flip: bool = False
    again: float = 0.0


class _Answer(NamedTuple):
    probability: Probability
    crop: Crop | None


class ZoomPredictor:
    """Answers lists of clicks on one photo.

    An answer depends on the photo and the clicks alone: the answers to the shorter lists,
    which give the previous mask and the crop, are remembered or made again.

    Args:
        network: In evaluation mode.
        image: RGB [H, W, 3], uint8.
        settings: How to look at it.
    """

    def __init__(
        self,
        network: CompactClickNet,
        image: npt.NDArray[np.uint8],
        settings: ZoomSettings | None = None,
    ) -> None:
        self._network, self._image = network, image
        self._settings = settings or ZoomSettings()
        self._answers: dict[tuple[Click, ...], _Answer] = {}
        self._encodings: OrderedDict[Crop, list[ImageFeatures]] = OrderedDict()
        self.encoded = 0
        height, width = image.shape[:2]
        self._whole = Crop(0, height, 0, width)

    def answer(self, clicks: Sequence[Click]) -> Probability:
        """Return the probability of "inside" for every pixel, [H, W]; 0 without clicks."""
        prompt = tuple(clicks)
        missing = [n for n in range(len(prompt) + 1) if prompt[:n] not in self._answers]
        for count in missing:
            self._answers[prompt[:count]] = self._next(prompt[:count])
        return self._answers[prompt].probability

    @torch.inference_mode()
    def _next(self, clicks: tuple[Click, ...]) -> _Answer:
        if not clicks:
            return _Answer(np.zeros(self._whole.shape, np.float32), None)
        before = self._answers[clicks[:-1]]
        answer = self._answer_in(self._crop(clicks, before), clicks, before)
        if len(clicks) == 1 and self._settings.again > 0:
            crop = self._closer(clicks, answer)
            answer = answer if crop is None else self._answer_in(crop, clicks, answer)
        return answer

    def _answer_in(self, crop: Crop | None, clicks: tuple[Click, ...], before: _Answer) -> _Answer:
        inside = self._look(crop or self._whole, clicks, before.probability)
        if crop is None:
            return _Answer(inside, None)
        full = np.zeros(self._whole.shape, np.float32)
        full[crop.top : crop.bottom, crop.left : crop.right] = inside
        return _Answer(full, crop)

    def _crop(self, clicks: tuple[Click, ...], before: _Answer) -> Crop | None:
        mask = before.probability > 0.5
        if not self._settings.zoom or len(clicks) < 2 or not mask.any():
            return None
        positive = [click for click in clicks if click.positive]
        wanted = self._wanted(mask, positive)
        kept = before.crop
        if kept is None or _overlap(kept, wanted) < self._settings.renew_below:
            return wanted
        return kept if all(kept.holds(click) for click in positive) else wanted

    def _closer(self, clicks: tuple[Click, ...], first: _Answer) -> Crop | None:
        """Return the crop to answer the first click again in, if it is worth it."""
        mask = first.probability > 0.5
        if not mask.any():
            return None
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        covered = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1) / mask.size
        positive = [click for click in clicks if click.positive]
        return self._wanted(mask, positive) if covered < self._settings.again else None

    def _wanted(self, mask: npt.NDArray[np.bool_], positive: list[Click]) -> Crop:
        ends = []
        for axis, name in ((1, "y"), (0, "x")):
            marked = np.flatnonzero(mask.any(axis=axis))
            places = [float(getattr(click, name)) for click in positive]
            low, high = min([float(marked[0]), *places]), max([float(marked[-1]), *places])
            size = max(self._settings.expand * (high - low + 1), self._settings.smallest)
            centre, length = (low + high) / 2, mask.shape[1 - axis]
            first = max(round(centre - size / 2), 0)
            ends += [int(first), int(min(round(centre + size / 2), length - 1)) + 1]
        return Crop(*ends)

    def _look(self, crop: Crop, clicks: tuple[Click, ...], previous: Probability) -> Probability:
        features = self._encode(crop)
        height, width = features[0].size
        scale_y, scale_x = height / crop.shape[0], width / crop.shape[1]
        seen = [
            Click(c.positive, (c.y - crop.top + 0.5) * scale_y - 0.5,
                  (c.x - crop.left + 0.5) * scale_x - 0.5)
            for c in clicks
        ]  # fmt: skip
        part = previous[crop.top : crop.bottom, crop.left : crop.right]
        device, dtype = features[0].x2.device, features[0].x2.dtype
        prev = torch.from_numpy(_resize(part, height, width))[None, None].to(device, dtype)
        maps = click_maps(seen, height, width)[None].to(device, dtype)
        logits = self._network.predict(features[0], maps, prev)
        if len(features) > 1:
            other = self._network.predict(features[1], maps.flip(3), prev.flip(3))
            logits = (logits + other.flip(3)) / 2
        inside: Probability = logits.float().sigmoid()[0, 0].cpu().numpy()
        return _resize(inside, *crop.shape)

    def _encode(self, crop: Crop) -> list[ImageFeatures]:
        if crop in self._encodings:
            self._encodings.move_to_end(crop)
            return self._encodings[crop]
        scale = self._settings.side / max(crop.shape)
        height, width = (max(round(n * scale), 1) for n in crop.shape)
        part = self._image[crop.top : crop.bottom, crop.left : crop.right]
        pixels = _resize((part / np.float32(255)).astype(np.float32), height, width)
        weight = next(self._network.parameters())
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(weight.device, weight.dtype)
        views = [image, image.flip(3)] if self._settings.flip else [image]
        self._encodings[crop] = [self._network.encode(view) for view in views]
        self.encoded += 1
        if len(self._encodings) > _ENCODINGS:
            self._encodings.popitem(last=False)
        return self._encodings[crop]


def _resize(values: Probability, height: int, width: int) -> Probability:
    """Resize [H, W] or [H, W, C]; averages where it shrinks."""
    if values.shape[:2] == (height, width):
        return np.ascontiguousarray(values)
    shrinks = height * width < values.shape[0] * values.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(np.ascontiguousarray(values), (width, height), interpolation=method)
    return np.asarray(resized, np.float32)


def _overlap(a: Crop, b: Crop) -> float:
    """Return the intersection over union of two crops."""
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    width = min(a.right, b.right) - max(a.left, b.left)
    shared = max(height, 0) * max(width, 0)
    return shared / (a.shape[0] * a.shape[1] + b.shape[0] * b.shape[1] - shared)
