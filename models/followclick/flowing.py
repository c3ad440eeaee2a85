"""Texture that flows through a region: water, smoke, clouds, fire, sand, grass.

A steady velocity field is integrated forward from the first frame and backward from the last;
both warped photos are blended so that the last frame is the first again (Holynski et al.,
"Animating Pictures with Eulerian Motion Fields", CVPR 2021). As the field is steady, the
inverse of its flow map is the map of the negated field, so every frame is two lookups in the
photo: nothing is splatted and no hole is left.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from models.followclick.region import (
    Bool,
    Float,
    UInt8,
    box_of,
    core_of,
    inner_matte,
    inside_distance,
    scale_of,
    smoothstep,
    stall_width,
)

GHOST = 28.0
"""Pixels at 512 by which the two blended photos may be apart before ghosts show."""
_GRID = 256
"""Longest side that fields are integrated on; they are smooth by construction."""
_DEPTH = 0.6
_BLUR = 8.0
_BORDER = cv2.BORDER_REFLECT_101


def identity(height: int, width: int) -> Float:
    """Return the (x, y) of every pixel, [H, W, 2]."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack((x, y), axis=-1)


def lookup(image: Float, places: Float, how: int = cv2.INTER_LINEAR) -> Float:
    """Return the image at (x, y) places [H, W, 2], reflected at its border."""
    found: Float = remap(image, places, how)
    return found


def remap(image: Float | UInt8, places: Float, how: int, border: int = _BORDER) -> Any:  # noqa: ANN401
    """Return the image [h, w, ...] at (x, y) places [H, W, 2], in its own type."""
    found = cv2.remap(image, places, None, how, borderMode=border)  # type: ignore[call-overload]
    return found.reshape(*places.shape[:2], *image.shape[2:])


def curl_noise(shape: tuple[int, int], wavelength: float, seed: int = 0) -> Float:
    """Return a smooth divergence-free field [H, W, 2] of unit mean length.

    The rotated gradient of a random stream function in two octaves (Bridson et al.,
    "Curl-Noise for Procedural Fluid Flow", SIGGRAPH 2007).
    """
    height, width = shape
    random = np.random.default_rng(seed)
    stream = np.zeros(shape, np.float32)
    for octave in (1.0, 0.5):
        cell = max(wavelength * octave, 2.0)
        coarse = random.standard_normal((int(height / cell) + 4, int(width / cell) + 4))
        fine = cv2.resize(coarse.astype(np.float32), None, fx=cell, fy=cell,
                          interpolation=cv2.INTER_CUBIC)  # fmt: skip
        offset = int(cell)
        stream += octave * fine[offset : offset + height, offset : offset + width] * cell
    down: Float = np.gradient(stream, axis=0) if height > 1 else np.zeros_like(stream)  # type: ignore[assignment]
    across: Float = np.gradient(stream, axis=1) if width > 1 else np.zeros_like(stream)  # type: ignore[assignment]
    field = np.stack((down, -across), axis=-1).astype(np.float32)
    length = float(np.linalg.norm(field, axis=-1).mean())
    return field / np.float32(max(length, 1e-9))


def velocity_field(
    mask: Bool, direction: float, strength: float, swirl: float, scale: float
) -> Float:
    """Return a velocity [H, W, 2] in pixels a frame that never crosses the region's border.

    Along its banks a flow slips, and rests only where it would run into or come out of one:
    water beside a rock moves as fast as in midstream. Its mean length over the region's core is
    `strength`, its mean direction there exactly `direction`.

    Args:
        mask: [H, W], not empty.
        direction: Degrees anticlockwise from "right".
        strength: Pixels a frame.
        swirl: Part of curl noise.
        scale: Size of the image in units of 512 pixels.
    """
    distance = inside_distance(mask)
    core = core_of(mask, scale)
    angle = math.radians(direction)
    main = np.array([math.cos(angle), -math.sin(angle)], np.float32)
    noise = curl_noise((mask.shape[0], mask.shape[1]), 64.0 * scale)
    noise = noise - noise[core].mean(axis=0)
    rest = stall_width(distance, scale)
    # The border itself stands still, but the single pixel of a tiny region moves.
    ease = smoothstep(distance / rest) if rest >= 1 else mask.astype(np.float32)
    field = _slipping(main, distance, ease, rest) + np.float32(swirl) * noise * ease[..., None]
    field = _extended(field, mask, 3.0 * scale)
    mean = float(np.linalg.norm(field[core], axis=-1).mean())
    scaled: Float = field * np.float32(strength / max(mean, 1e-9))
    return scaled


def _slipping(main: Float, distance: Float, ease: Float, rest: float) -> Float:
    """Return a direction [H, W, 2] without what of it crosses the border, by how near that is."""
    if min(distance.shape) < 2 or rest < 1:
        return main * ease[..., None]
    smooth = cv2.GaussianBlur(distance, (0, 0), max(rest / 3, 0.5))
    down, across = np.gradient(smooth)
    inward = np.stack((across, down), axis=-1)
    inward = inward / np.maximum(np.linalg.norm(inward, axis=-1, keepdims=True), 1e-6)
    crossing = (inward @ main)[..., None] * inward
    field: Float = main - (1 - ease[..., None]) * crossing
    return field


def _extended(field: Float, mask: Bool, by: float) -> Float:
    """Continue a field outwards a little, so that its edge is not averaged with rest."""
    if mask.all():
        return field
    inside = mask.astype(np.float32)
    around = cv2.GaussianBlur(inside, (0, 0), max(by, 0.5))[..., None]
    spread = cv2.GaussianBlur(field * inside[..., None], (0, 0), max(by, 0.5))
    spread = spread.reshape(field.shape) / np.maximum(around, 1e-3)
    near: Float = np.where(mask[..., None], field, np.where(around > 0.01, spread, 0))
    return near.astype(np.float32)


@dataclass(frozen=True)
class Schedule:
    """When the flow starts over, so that its two photos are never too far apart.

    Attributes:
        steps: Distinct moments within a period.
        pace: Frames between two moments.
        stride: Moments from one frame to the next.
    """

    steps: int
    pace: float
    stride: int

    @classmethod
    def for_travel(cls, frames: int, strength: float, travel: float = GHOST) -> "Schedule":
        """Return the schedule of `frames` frames that loop, at so many pixels a frame.

        Args:
            frames: In the loop.
            strength: Pixels a frame.
            travel: Pixels after which it starts over at the latest.
        """
        repeats = math.ceil(strength * frames / travel - 1e-9)
        repeats = min(max(repeats, 1), max(frames // 4, 1))
        common = math.gcd(frames, repeats)
        return cls(frames // common, common / repeats, repeats // common)

    def moment(self, frame: int) -> int:
        """Return the moment that a frame shows."""
        return frame * self.stride % self.steps


def step_map(field: Float, pace: float) -> Float:
    """Return how far the steady field [H, W, 2] carries each pixel in `pace` frames (RK4)."""
    here = identity(*field.shape[:2])
    parts = max(1, math.ceil(float(np.abs(field).max(initial=0)) * abs(pace) / 2))
    parts = min(parts, 16)
    step = np.float32(pace / parts)
    moved = np.zeros_like(field)
    for _ in range(parts):
        place = here + moved
        k1 = lookup(field, place)
        k2 = lookup(field, place + step / 2 * k1)
        k3 = lookup(field, place + step / 2 * k2)
        k4 = lookup(field, place + step * k3)
        moved = moved + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return moved


def compose(moved: Float, step: Float, here: Float) -> Float:
    """Return the displacement after one more step: φ_(t+1) = φ_1 ∘ φ_t for steady fields."""
    return moved + lookup(step, here + moved)


class Flowing:
    """Renders one region; see the module.

    Attributes:
        box: Where its frames differ from the photo.
        support: [H, W] of the photo: pixels that may change.
        requested: Mean length of the field over the core, pixels a frame.
    """

    def __init__(
        self,
        rgb: UInt8,
        mask: Bool,
        *,
        direction: float,
        strength: float,
        swirl: float,
        frames: int,
        loop: bool = True,
        softness: float | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.scale = scale_of(rgb.shape)
        self.requested = strength
        self.support = mask
        self._check = check
        travel = _travel(mask, self.scale)
        once = not loop and strength * frames <= travel
        self._schedule = (
            Schedule(frames, 1.0, 1) if once else Schedule.for_travel(frames, strength, travel)
        )
        self._once = once
        reach = self._schedule.steps * self._schedule.pace * strength
        self.box = box_of(mask, math.ceil(min(2 * reach, 3 * travel)) + 8)
        part = np.ascontiguousarray(mask[self.box.slices])
        self._rgb = np.ascontiguousarray(rgb[self.box.slices])
        feather = 3.0 * self.scale if softness is None else softness
        self._matte = inner_matte(part, feather)[..., None]
        self._low, self._low_size = _low_pass(self._rgb, _BLUR * self.scale)
        field = velocity_field(part, direction, strength, swirl, self.scale)
        self._prepare(field)

    def _prepare(self, field: Float) -> None:
        """Integrate on a coarse grid: backward step by step, forward kept for all moments."""
        height, width = field.shape[:2]
        factor = max(1.0, max(height, width) / _GRID)
        size = (max(round(width / factor), 1), max(round(height / factor), 1))
        self._ratio = np.array([width / size[0], height / size[1]], np.float32)
        coarse = cv2.resize(field, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 2)
        coarse = coarse / self._ratio
        self._steady = coarse
        self._here = identity(size[1], size[0])
        self._fine = identity(height, width)
        self._backward = self._all_moments(step_map(coarse, -self._schedule.pace))
        self._forward = (
            [] if self._once else self._all_moments(step_map(coarse, self._schedule.pace))
        )

    def _all_moments(self, step: Float) -> list[Float]:
        moved = [np.zeros_like(step)]
        for _ in range(self._schedule.steps):
            self._check()
            moved.append(compose(moved[-1], step, self._here))
        return moved

    def frame(self, number: int) -> UInt8:
        """Return a frame's part within the box, [h, w, 3]."""
        moment = self._schedule.moment(number)
        if moment == 0:
            return self._rgb
        warped = self._moved(moment) if self._once else self._blended(moment)
        mixed = self._rgb + self._matte * (warped - self._rgb)
        return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)

    def flow(self, number: int) -> tuple[Float, Bool]:
        """Return where each pixel [h, w, 2] of the box goes until the frame after, and which do.

        The field is steady, so that this is the same for every frame.
        """
        height, width = self._rgb.shape[:2]
        step = step_map(self._steady, 1.0) * self._ratio
        fine = cv2.resize(step, (width, height), interpolation=cv2.INTER_LINEAR)
        moving = self._matte[..., 0] > 0
        return np.where(moving[..., None], fine.reshape(height, width, 2), 0), moving

    def _moved(self, moment: int) -> Float:
        return self._warp(self._backward[moment]).astype(np.float32)

    def _blended(self, moment: int) -> Float:
        """Blend both photos.

        The mean of two textures is paler than either, so that what differs from the local
        mean is raised to the contrast of one.
        """
        steps = self._schedule.steps
        first = 1.0 - moment / steps
        gain = 1.0 / math.hypot(first, 1.0 - first)
        back, ahead = self._backward[moment], self._forward[steps - moment]
        both = cv2.addWeighted(
            self._warp(back), first * gain, self._warp(ahead), (1 - first) * gain, 0.0,
            dtype=cv2.CV_32F,
        )  # fmt: skip
        low = first * self._warp_low(back) + (1 - first) * self._warp_low(ahead)
        width, height = self._rgb.shape[1], self._rgb.shape[0]
        low = cv2.resize(low, (width, height), interpolation=cv2.INTER_LINEAR)
        result: Float = both + np.float32(1.0 - gain) * low.reshape(both.shape)
        return result

    def _warp(self, moved: Float) -> UInt8:
        height, width = self._rgb.shape[:2]
        fine = cv2.resize(moved * self._ratio, (width, height), interpolation=cv2.INTER_LINEAR)
        places = self._fine + fine.reshape(height, width, 2)
        warped: UInt8 = remap(self._rgb, places, cv2.INTER_LANCZOS4)
        return warped

    def _warp_low(self, moved: Float) -> Float:
        width, height = self._low_size
        factor = np.array([width / self._here.shape[1], height / self._here.shape[0]], np.float32)
        coarse = cv2.resize(moved * factor, (width, height)).reshape(height, width, 2)
        return lookup(self._low, identity(height, width) + coarse)


def _travel(mask: Bool, scale: float) -> float:
    """Return how far a flow may go before it starts over, in pixels.

    Not much farther than the region is wide: it would be stretched from end to end.
    """
    depth = 3 * float(inside_distance(mask)[mask].mean())  # the radius, of a disc
    return min(GHOST * scale, max(_DEPTH * depth, GHOST / 4 * scale))


def _low_pass(rgb: UInt8, sigma: float) -> tuple[Float, tuple[int, int]]:
    """Return the photo without detail, on a grid as coarse as that allows, and its size."""
    height, width = rgb.shape[:2]
    factor = max(sigma / 2, 1.0)
    size = (max(round(width / factor), 1), max(round(height / factor), 1))
    small = cv2.resize(rgb.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(size[1], size[0], 3), size
