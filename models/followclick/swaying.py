"""Objects that move over what is behind them: a deforming layer on an inpainted plate."""

import itertools
import math
from collections.abc import Callable

import cv2
import numpy as np

from models.followclick.flowing import identity, lookup, remap
from models.followclick.region import (
    Bool,
    Float,
    UInt8,
    box_of,
    core_of,
    inner_matte,
    inside_distance,
    push_pull,
    scale_of,
    smoothstep,
)
from models.followclick.shapes import SHAPES, Place

_GRID = 256
_ROUNDS = 8
_FRINGE, _GAP, _SOFT = 2, 6, 1.5
"""Pixels at 512: how far an object's edge bleeds, what inpainting avoids, the layer's blur."""
_SHORTEST_CYCLE = 12
_SAMPLES, _STARTS = 4096, 32
_SWING = 0.06
"""Largest swing of a single cycle in parts of the photo's longer side; more is more cycles."""


class Swaying:
    """Renders one object; see the module.

    Attributes:
        box: Where its frames differ from the photo.
        support: [H, W] of the photo: pixels that may change.
        requested: Mean motion over the object and all frames, pixels a frame.
        swing: Largest displacement from the photo, pixels.
    """

    def __init__(
        self,
        rgb: UInt8,
        mask: Bool,
        *,
        shape: str,
        direction: float,
        strength: float,
        frames: int,
        loop: bool = True,
        confined: bool = False,
        softness: float | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.scale = scale_of(rgb.shape)
        self._softness = softness
        self.requested = strength
        self._frames, self._check, self._confined = frames, check, confined
        self._cycles, self._gain, self._shift, self.swing = 1, 0.0, 0.0, 0.0
        one_way = shape == "drift" and not loop
        self._modes_at(mask, shape, direction, loop)
        # What jumps begins on the ground, where the photo shows it.
        self._calibrate(strength, shape != "bounce" and not one_way, one_way)
        self._lay_out(rgb, mask, shape, direction, loop)

    # --- Motion

    def _modes_at(self, mask: Bool, shape: str, direction: float, loop: bool) -> None:
        """Set up the modes at some points of the mask, to calibrate them.

        Calibrated is on the core, as flows are: a confined motion rests at the border.
        """
        box = box_of(mask, 0)
        here, inside = _grid(box.top, box.left, mask[box.slices])
        rows = np.flatnonzero(inside)
        rows = rows[:: max(len(rows) // _SAMPLES, 1)]
        self._modes = SHAPES[shape](Place.of(mask, here, direction, loop, self.scale))
        self._samples = [mode.at_rows(rows) for mode in self._modes]
        self._weight = _ease(mask, here, self._confined, self.scale).ravel()[rows]
        core = core_of(mask, self.scale)
        _, counted = _grid(box.top, box.left, core[box.slices])
        self._counted = counted.ravel()[rows]
        if not self._counted.any():
            self._counted = np.ones_like(self._counted)

    def _calibrate(self, strength: float, shiftable: bool, one_way: bool) -> None:
        """Choose cycles and amplitude so that the mean motion over region and time is asked."""
        limit = _SWING * self.scale * 512
        for cycles in range(1, max(self._frames // _SHORTEST_CYCLE, 1) + 1):
            self._check()
            self._cycles = cycles
            self._shift = self._smoothest_start() if shiftable else 0.0
            mean, swing = self._mean_motion()
            self._gain = strength / mean if mean > 1e-9 else 0.0
            self.swing = swing * self._gain
            if one_way or self.swing <= limit:
                break

    def _smoothest_start(self) -> float:
        """Return the part of a cycle to begin at: where the seam's step is like its neighbours.

        Near a turning point of the motion the step over the seam would be far smaller than
        the others, at its fastest far larger.
        """
        return min((n / _STARTS for n in range(_STARTS)), key=self._seam)

    def _seam(self, shift: float) -> float:
        around = [self._sampled(number, shift) for number in (-2, -1, 0, 1)]
        steps = [float(((b - a) ** 2).sum()) for a, b in itertools.pairwise(around)]
        return abs(math.log((2 * steps[1] + 1e-12) / (steps[0] + steps[2] + 1e-12)))

    def _sampled(self, number: int, shift: float) -> Float:
        part = self._cycles * number / self._frames + shift
        moved: Float = sum(
            (mode.at(part) for mode in self._samples), np.zeros((len(self._weight), 2), np.float32)
        )
        return moved * self._weight[:, None]

    def _mean_motion(self) -> tuple[float, float]:
        """Return mean motion a frame and the largest displacement, at a gain of 1."""
        first = before = self._sampled(0, self._shift)
        total, swing = 0.0, 0.0
        for number in range(1, self._frames):
            now = self._sampled(number, self._shift)
            total += float(np.linalg.norm(now - before, axis=-1)[self._counted].mean())
            swing = max(swing, float(np.linalg.norm(now - first, axis=-1).max()))
            before = now
        return total / (self._frames - 1), swing

    def _moved(self, number: int) -> Float:
        part = self._cycles * number / self._frames
        moved: Float = -self._start
        for mode in self._modes:
            moved = moved + mode.at(part + self._shift)
        return moved * (np.float32(self._gain) * self._ease[..., None])

    # --- Layers

    def _lay_out(self, rgb: UInt8, mask: Bool, shape: str, direction: float, loop: bool) -> None:
        fringe = 0 if self._confined else max(round(_FRINGE * self.scale), 1)
        soft = _SOFT * max(self.scale, 0.5) if self._softness is None else self._softness / 2
        gap = max(round(_GAP * self.scale), 1) + math.ceil(2 * soft)
        around = max(math.ceil(3 * soft), gap) + fringe
        reach = 0 if self._confined else math.ceil(1.3 * self.swing) + around
        self.box = box_of(mask, reach + 2)
        self.support = mask if self._confined else _grown(mask, reach)
        part = np.ascontiguousarray(mask[self.box.slices])
        self._rgb = np.ascontiguousarray(rgb[self.box.slices])
        self._allowed = self.support[self.box.slices]
        self._fine_places(mask, shape, direction, loop)
        if self._confined:
            feather = 3 * self.scale if self._softness is None else self._softness
            self._matte = inner_matte(part, feather)[..., None]
            return
        self._layer(part, fringe, soft, gap)

    def _fine_places(self, mask: Bool, shape: str, direction: float, loop: bool) -> None:
        """Set up the modes over the whole box, on the grid that frames are warped by."""
        here, _ = _grid(self.box.top, self.box.left, mask[self.box.slices])
        self._modes = SHAPES[shape](Place.of(mask, here, direction, loop, self.scale))
        self._ease = _ease(mask, here, self._confined, self.scale)
        self._here = identity(*here.shape[:2])
        self._start = np.zeros((*here.shape[:2], 2), np.float32)
        for mode in self._modes:
            self._start += mode.at(self._shift)
        height, width = self._rgb.shape[:2]
        self._fine = identity(height, width)
        self._ratio = np.array([width / here.shape[1], height / here.shape[0]], np.float32)

    def _layer(self, part: Bool, fringe: int, soft: float, gap: int) -> None:
        """Cut the object out with its soft edge, and fill what is behind it.

        What the two layers miss of the photo goes with the object near its edge, so that hair
        that a mask misses leaves no rim behind.
        """
        whole = _grown(part, fringe)
        cut: Float = whole.astype(np.float32)
        alpha = cv2.GaussianBlur(cut, (0, 0), soft) if soft > 0 else cut
        self._alpha = np.where(alpha < 0.004, np.float32(0), alpha).astype(np.float32)
        image = self._rgb.astype(np.float32)
        hidden = _grown(whole, gap)
        self._plate = _plate(image, hidden)
        opaque = self._alpha[..., None]
        colour = push_pull(image, cut)
        missed = image - (self._plate + opaque * (colour - self._plate))
        along = _fading(whole, hidden)[..., None]
        self._moving = opaque * colour + along * missed
        self._rest = self._plate + (1 - along) * missed

    def frame(self, number: int) -> UInt8:
        """Return a frame's part within the box, [h, w, 3]."""
        moved = self._moved(number)
        if number == 0 or not moved.any():
            return self._rgb
        places = self._places(moved)
        if self._confined:
            warped = remap(self._rgb, places, cv2.INTER_LANCZOS4)
            mixed = self._rgb + self._matte * (warped.astype(np.float32) - self._rgb)
            still: UInt8 = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
            return still
        layer = lookup(self._moving, places, cv2.INTER_LANCZOS4)
        alpha = remap(self._alpha, places, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        # The plate where the object is not, the object, and what of the photo neither tells.
        out = layer + self._rest - alpha.reshape(*layer.shape[:2], 1) * self._plate
        out = np.clip(np.rint(out), 0, 255).astype(np.uint8)
        shown: UInt8 = np.where(self._allowed[..., None], out, self._rgb)
        return shown

    def flow(self, number: int) -> tuple[Float, Bool]:
        """Return where each pixel [h, w, 2] of the box goes until the frame after, and which do.

        What is at y in this frame is at x = y − D(x, t) in the photo, and goes by
        D(x, t + 1) − D(x, t).
        """
        height, width = self._rgb.shape[:2]
        now, then = self._moved(number), self._moved(number + 1)
        places = self._places(now)
        fine = cv2.resize(then - now, (width, height), interpolation=cv2.INTER_LINEAR)
        step: Float = np.asarray(fine, np.float32).reshape(height, width, 2)
        went = lookup(step, places)
        if self._confined:
            moving = self._matte[..., 0] > 0
        else:
            alpha = remap(self._alpha, places, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
            moving = self._allowed & (alpha.reshape(height, width) > 0.5)
        return np.where(moving[..., None], went, np.float32(0)), moving

    def _places(self, moved: Float) -> Float:
        """Return where in the photo each pixel comes from: the fixed point of x = y − D(x)."""
        moved = moved / self._ratio
        back = -moved
        for _ in range(_ROUNDS):
            back = -lookup(moved, self._here + back)
        height, width = self._rgb.shape[:2]
        fine = cv2.resize(back * self._ratio, (width, height), interpolation=cv2.INTER_LINEAR)
        return self._fine + fine.reshape(height, width, 2)


def _grid(top: int, left: int, mask: Bool) -> tuple[Float, Bool]:
    """Return (x, y) [h, w, 2] in the photo on a grid over a box, and what of it is inside."""
    height, width = mask.shape
    factor = max(1.0, max(height, width) / _GRID)
    size = (max(round(width / factor), 1), max(round(height / factor), 1))
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    here = (identity(size[1], size[0]) + np.float32(0.5)) * ratio - np.float32(0.5)
    inside = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    inside = inside.reshape(size[1], size[0])
    if not inside.any():
        inside = np.ones_like(inside)
    return here + np.array([left, top], np.float32), inside


def _ease(mask: Bool, here: Float, confined: bool, scale: float) -> Float:
    """Return how far a motion is free to go: a confined one rests at its region's border."""
    if not confined:
        return np.ones(here.shape[:2], np.float32)
    distance = inside_distance(mask)
    width = min(12.0 * scale, 0.3 * float(distance.max()))
    ease = smoothstep(distance / width) if width >= 1 else mask.astype(np.float32)
    eased: Float = remap(ease, np.ascontiguousarray(here), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    return eased


def _grown(mask: Bool, by: int) -> Bool:
    if by <= 0 or mask.all():
        return mask
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    grown: Bool = outside <= by
    return grown


def _fading(whole: Bool, hidden: Bool) -> Float:
    """Return 1 in an object, falling to 0 over what was hidden around it, [h, w]."""
    if whole.all():
        return np.ones(whole.shape, np.float32)
    outside = cv2.distanceTransform((~whole).astype(np.uint8), cv2.DIST_L2, 5)
    width = float(outside[hidden].max(initial=0)) + 1
    fading: Float = smoothstep(1 - np.asarray(outside, np.float32) / width)
    return fading


def _plate(image: Float, hidden: Bool) -> Float:
    """Fill what an object hides, with the grain of what is around it."""
    if hidden.all():
        return image
    filled = push_pull(image, (~hidden).astype(np.float32))
    detail = image - cv2.GaussianBlur(image, (0, 0), 2.0).reshape(image.shape)
    band = _grown(hidden, 16) & ~hidden
    # The median: lines that happen to pass by are no grain.
    sigma = 1.4826 * np.median(np.abs(detail[band]), axis=0) if band.any() else np.zeros(3)
    sigma = np.minimum(sigma, 8.0)
    white = np.random.default_rng(0).standard_normal(hidden.shape).astype(np.float32)
    noise = cv2.GaussianBlur(white, (0, 0), 0.7).reshape(*hidden.shape, 1)
    grain = noise * (sigma.astype(np.float32) * hidden[..., None])
    result: Float = filled + grain
    return result
