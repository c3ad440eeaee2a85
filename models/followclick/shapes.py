"""How objects move: a displacement in time for each class of motion.

Every motion is a sum of modes A_k(x) s_k(t, φ_k(x)) with s_k(0, φ) = 0 and the clip's length as
period, after the modal analysis of Davis et al., "Image-Space Modal Bases", SIGGRAPH 2015: the
first frame is the photo and the last leads into it again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.followclick.region import Bool, Float

Timing = Callable[[float, Float], Float]
"""(part of a cycle 0..1, phase [H, W]) -> factor [H, W] that is 0 at the beginning."""


@dataclass(frozen=True)
class Mode:
    """One mode.

    Attributes:
        shape: [H, W, 2] displacement at factor 1.
        phase: [H, W] radians.
        timing: When it is how strong.
        harmonic: Cycles of it within a cycle of the motion.
    """

    shape: Float
    phase: Float
    timing: Timing
    harmonic: int = 1

    def at(self, part: float) -> Float:
        """Return the displacement [H, W, 2] at a part of the cycle."""
        factor = self.timing((part * self.harmonic) % 1.0, self.phase)
        moved: Float = self.shape * factor[..., None]
        return moved

    def at_rows(self, rows: npt.NDArray[np.int64]) -> "Mode":
        """Return the mode at some pixels only, by flat number: shapes [n, 2]."""
        shape = self.shape.reshape(-1, 2)[rows]
        return Mode(shape, self.phase.ravel()[rows], self.timing, self.harmonic)


def swinging(part: float, phase: Float) -> Float:
    """Return sin(2πp − φ) + sin φ."""
    turn = np.float32(2 * math.pi * part)
    result: Float = np.sin(turn - phase) + np.sin(phase)
    return result


def bouncing(part: float, phase: Float) -> Float:
    """Return the height of a jump, a parabola that touches the ground at 0 and 1."""
    return np.full_like(phase, 4 * part * (1 - part))


def breathing(part: float, phase: Float) -> Float:
    """Return how full lungs are: in during two fifths of a breath, out in the rest."""
    half = part / 0.4 if part < 0.4 else 1 + (part - 0.4) / 0.6
    return np.full_like(phase, 0.5 - 0.5 * math.cos(math.pi * half))


def going(part: float, phase: Float) -> Float:
    """Return the way of what never turns back."""
    return np.full_like(phase, part)


def there_and_back(part: float, phase: Float) -> Float:
    """Return a way out and back, slow at both ends."""
    return np.full_like(phase, 0.5 - 0.5 * math.cos(2 * math.pi * part))


@dataclass(frozen=True)
class Place:
    """Where an object is, for building shapes.

    Attributes:
        x: [H, W] column less the centre's, in half widths of the object.
        y: [H, W] row less the centre's, in half heights.
        half: (width, height) / 2 of the object in pixels.
        hangs: Whether it is held from above: it touches the top of the photo, not the bottom.
        direction: Degrees anticlockwise from "right".
        loop: Whether the clip ends as it began.
        scale: Size of the photo in units of 512 pixels.
    """

    x: Float
    y: Float
    half: tuple[float, float]
    hangs: bool
    direction: float
    loop: bool
    scale: float

    @classmethod
    def of(cls, mask: Bool, here: Float, direction: float, loop: bool, scale: float) -> "Place":
        """Measure a mask [H, W] that is not empty; `here` are the (x, y) [h, w, 2] to fill."""
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        centre = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
        half = max((columns[-1] - columns[0]) / 2, 0.5), max((rows[-1] - rows[0]) / 2, 0.5)
        hangs = bool(rows[0] == 0 and rows[-1] < mask.shape[0] - 1)
        x = ((here[..., 0] - centre[0]) / half[0]).astype(np.float32)
        y = ((here[..., 1] - centre[1]) / half[1]).astype(np.float32)
        return cls(x, y, (float(half[0]), float(half[1])), hangs, direction, loop, scale)

    @property
    def towards(self) -> tuple[float, float]:
        """Return the direction as a unit vector, y down."""
        angle = math.radians(self.direction)
        return math.cos(angle), -math.sin(angle)

    def along(self, amount: Float) -> Float:
        """Return a field of such lengths in the direction."""
        dx, dy = self.towards
        field: Float = np.stack((amount * dx, amount * dy), axis=-1).astype(np.float32)
        return field

    @property
    def lever(self) -> Float:
        """Return the distance from the anchor: 0 at the held end, 1 at the free one."""
        lever = (1 + self.y) / 2 if self.hangs else (1 - self.y) / 2
        # Beyond the free end the bend goes on, so that a frame's inverse is smooth there.
        return np.clip(lever, 0, 1.5).astype(np.float32)

    @property
    def still(self) -> Float:
        """Return no phase at all."""
        return np.zeros_like(self.x)


def sway(place: Place) -> list[Mode]:
    """Bend about the anchor, the free end late; with a small overtone."""
    lever = place.lever
    bend = place.along(lever**1.5)
    return [
        Mode(bend, np.float32(0.8) * lever, swinging),
        Mode(0.25 * bend, 1.5 * lever + 0.5, swinging, harmonic=2),
    ]


def flutter(place: Place) -> list[Mode]:
    """Send waves across the direction from the held side to the free one, as in a flag."""
    dx, dy = place.towards
    far = np.clip((1 + place.x * dx + place.y * dy) / 2, 0, 1.5)
    across = np.stack((-dy * far, dx * far), axis=-1).astype(np.float32)
    return [
        Mode(across, (3.5 * far).astype(np.float32), swinging),
        Mode(0.3 * across, (6.0 * far + 1).astype(np.float32), swinging, harmonic=2),
    ]


def nod(place: Place) -> list[Mode]:
    """Rotate a little about the middle of the held end."""
    width, height = place.half
    pivot = -1.0 if place.hangs else 1.0
    arm_x, arm_y = place.x * width, (place.y - pivot) * height
    rotation = np.stack((-arm_y, arm_x), axis=-1).astype(np.float32) / np.float32(2 * height)
    return [Mode(rotation, place.still, swinging)]


def turn(place: Place) -> list[Mode]:
    """Move the middle and leave the outline, as a cylinder turning about its axis looks."""
    dx, dy = place.towards
    across = np.clip(place.x * dx + place.y * dy, -1, 1)
    return [Mode(place.along(np.sqrt(1 - across**2).astype(np.float32)), place.still, swinging)]


def breathe(place: Place) -> list[Mode]:
    """Swell from the lower middle, upwards more than sideways."""
    width, height = place.half
    field = np.stack((0.5 * place.x * width, (place.y - 1) * height), axis=-1)
    return [Mode(field.astype(np.float32) / np.float32(height), place.still, breathing)]


def bounce(place: Place) -> list[Mode]:
    """Jump."""
    return [Mode(place.along(np.ones_like(place.x)), place.still, bouncing)]


def bob(place: Place) -> list[Mode]:
    """Float up and down, with a hint of roll."""
    up = place.along(np.ones_like(place.x))
    return [Mode(up, place.still, swinging), Mode(0.15 * nod(place)[0].shape, place.still + 1,
                                                  swinging)]  # fmt: skip


def drift(place: Place) -> list[Mode]:
    """Go one way; in a loop, there and back."""
    timing = there_and_back if place.loop else going
    return [Mode(place.along(np.ones_like(place.x)), place.still, timing)]


def ripple(place: Place) -> list[Mode]:
    """Run three trains of waves over water, shorter towards the horizon."""
    near = np.clip((1 + place.y) / 2, 0, 1)
    modes = []
    for turn_by, length, size in ((0.0, 90.0, 1.0), (0.5, 64.0, 0.5), (-0.6, 120.0, 0.8)):
        angle = math.radians(place.direction) + turn_by
        dx, dy = math.cos(angle), -math.sin(angle)
        way = place.x * place.half[0] * dx + 1.5 * place.y * place.half[1] * dy
        wavelength = np.float32(length * place.scale) * (0.6 + 0.4 * near)
        amount = np.float32(size) * (0.4 + 0.6 * near)
        field = np.stack((0.4 * amount, amount), axis=-1).astype(np.float32)
        modes.append(Mode(field, (2 * math.pi * way / wavelength).astype(np.float32), swinging))
    return modes


SHAPES: dict[str, Callable[[Place], list[Mode]]] = {
    "sway": sway,
    "flutter": flutter,
    "nod": nod,
    "turn": turn,
    "breathe": breathe,
    "bounce": bounce,
    "bob": bob,
    "drift": drift,
    "ripple": ripple,
}
"""By name of the template in `words`."""
