"""Light that changes: glow, flicker, twinkle."""

import math

import cv2
import numpy as np

from models.followclick.region import Bool, Float, UInt8, box_of, inner_matte, scale_of

STEP = 0.1
"""Change of brightness at strength 1, as a part of the brightness."""
_CYCLE = 48


class Glowing:
    """Renders one region.

    Attributes:
        box: Where its frames differ from the photo.
        support: [H, W] of the photo: pixels that may change.
        requested: 0: nothing moves.
    """

    def __init__(
        self,
        rgb: UInt8,
        mask: Bool,
        *,
        shape: str,
        strength: float,
        frames: int,
        softness: float | None = None,
    ) -> None:
        scale = scale_of(rgb.shape)
        self.requested = 0.0
        self.support, self.box = mask, box_of(mask, 0)
        self._rgb = np.ascontiguousarray(rgb[self.box.slices])
        self._frames, self._shape = frames, shape
        self._cycles = max(round(frames / _CYCLE), 1)
        feather = 8 * scale if softness is None else softness
        matte = inner_matte(mask, feather)[self.box.slices]
        self._amount = (np.float32(STEP * strength) * matte)[..., None]
        self._phase = np.zeros(matte.shape, np.float32)
        if shape == "twinkle":
            self._spots(scale)

    def _spots(self, scale: float) -> None:
        """Let bright spots change each by itself, and leave the rest."""
        grey = self._rgb.astype(np.float32).mean(axis=-1)
        spot = grey - cv2.GaussianBlur(grey, (0, 0), 6 * scale).reshape(grey.shape)
        bright = np.clip(spot / max(float(np.abs(spot).max()), 1.0) * 3, 0, 1)
        self._amount = self._amount * bright[..., None].astype(np.float32)
        random = np.random.default_rng(0)
        cell = max(4 * scale, 1.0)
        size = (int(grey.shape[0] / cell) + 1, int(grey.shape[1] / cell) + 1)
        coarse = random.uniform(0, 2 * math.pi, size).astype(np.float32)
        fine = cv2.resize(coarse, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
        self._phase = fine.reshape(grey.shape)

    def frame(self, number: int) -> UInt8:
        """Return a frame's part within the box, [h, w, 3]."""
        light = self._light(2 * math.pi * self._cycles * number / self._frames)
        lit = self._rgb * (1 + self._amount * light[..., None])
        return np.clip(np.rint(lit), 0, 255).astype(np.uint8)

    def flow(self, number: int) -> tuple[Float, Bool]:
        """Return 0 for each pixel [h, w, 2] of the box, and that all of the region stands still."""
        still = np.zeros((*self._phase.shape, 2), np.float32)
        return still, self._amount[..., 0] > 0

    def _light(self, turn: float) -> Float:
        """Return the change of light [h, w], which is 0 in the first frame."""
        if self._shape == "flicker":
            # Sines without a common rhythm but with the clip's period look like a flame.
            value = sum(math.sin(n * turn) / n**0.5 for n in (2, 5, 7)) / 1.5
            return np.full_like(self._phase, value)
        if self._shape == "glow":
            return np.full_like(self._phase, math.sin(turn))
        light: Float = np.sin(np.float32(2 * turn) - self._phase) + np.sin(self._phase)
        return light
