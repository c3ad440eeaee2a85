"""From a photo, regions and a few words to frames."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.followclick.errors import MotionError
from models.followclick.flowing import Flowing
from models.followclick.glowing import Glowing
from models.followclick.guard import solid
from models.followclick.region import Bool, Float, UInt8, scale_of
from models.followclick.swaying import Swaying
from models.followclick.words import Family, Motion, parse

MIN_FRAMES, MAX_FRAMES = 8, 240
FASTEST = 16.0
"""Pixels a frame at 512 pixels beyond which no motion is to be followed."""
SOFTEST = 64.0
"""Pixels at 512 pixels beyond which an edge is not softened."""
_TINY = 16
_BRIGHTEST = 10.0
_SHORTEST_WAY = 6.0
"""Pixels at 512 that a loop has to flow: of two photos blended nearer, one seems to stand still."""


@dataclass(frozen=True)
class Request:
    """What one region shall do.

    Attributes:
        mask: [H, W] of the region.
        words: A few words, such as "flows slowly to the left".
        direction: Degrees anticlockwise from "right"; None for what the words or the motion say.
        strength: Mean flow in pixels a frame (tenths of brightness, where light changes);
            None for what the words say.
        confined: Whether pixels outside of the mask never change; objects may else leave it.
        force: Pour even what looks like a solid object.
        softness: Width of the region's soft edge in pixels; None for what suits the motion.
    """

    mask: Bool
    words: str = ""
    direction: float | None = None
    strength: float | None = None
    confined: bool = False
    force: bool = False
    softness: float | None = None


@dataclass(frozen=True)
class Animation:
    """What came of it.

    Attributes:
        frames: [T, H, W, 3] uint8; the first is the photo.
        support: [H, W]: outside of it every frame equals the photo.
        requested: Mean flow that each request's motion was scaled to, pixels a frame.
        notes: What a person should know, in words.
        flow: [T-1, H, W, 2] float32, (x, y) pixels by which what is seen moves until the frame
            after, as the motion's own formula says; None if it was not asked for.
    """

    frames: UInt8
    support: Bool
    requested: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    flow: Float | None = None


Renderer = Flowing | Swaying | Glowing


def animate(
    rgb: UInt8,
    requests: Sequence[Request],
    frames: int = 48,
    *,
    loop: bool = True,
    keep_flow: bool = False,
    progress: Callable[[float, str], None] = lambda fraction, message: None,
    check: Callable[[], None] = lambda: None,
) -> Animation:
    """Move regions of a photo.

    Args:
        rgb: [H, W, 3] uint8.
        requests: One a region; later ones lie above earlier ones.
        frames: How many, 8 to 240.
        loop: Whether the frame after the last would be the first again.
        keep_flow: Whether the flow is wanted too, 8 bytes a pixel and frame.
        progress: Told a part 0..1 and what is being done.
        check: Called before each step; raises to stop.

    Raises:
        MotionError: If a motion cannot be made, saying what can.
    """
    if not MIN_FRAMES <= frames <= MAX_FRAMES:
        raise MotionError(
            f"{frames} frames cannot be made.", f"Ask for {MIN_FRAMES} to {MAX_FRAMES}."
        )
    check()
    progress(0.0, "preparing")
    notes: list[str] = []
    renderers = []
    for request in requests:
        renderer = _renderer(rgb, request, frames, loop, notes, check)
        renderers += [renderer] if renderer else []
    made = _render(rgb, renderers, frames, progress, check)
    support = np.zeros(rgb.shape[:2], bool)
    for renderer in renderers:
        support |= renderer.support
    flow = _flow(rgb, renderers, frames, check) if keep_flow else None
    progress(1.0, "done")
    return Animation(made, support, tuple(r.requested for r in renderers), tuple(notes), flow)


def _render(
    rgb: UInt8,
    renderers: Sequence[Renderer],
    frames: int,
    progress: Callable[[float, str], None],
    check: Callable[[], None],
) -> UInt8:
    made = np.empty((frames, *rgb.shape), np.uint8)
    made[:] = rgb
    for number in range(1, frames):
        check()
        progress(number / frames, f"frame {number + 1} of {frames}")
        for above, renderer in enumerate(renderers):
            _paste(made[number], rgb, renderer, number, above > 0)
    return made


def _flow(
    rgb: UInt8, renderers: Sequence[Renderer], frames: int, check: Callable[[], None]
) -> Float:
    flow = np.zeros((frames - 1, *rgb.shape[:2], 2), np.float32)
    for number in range(frames - 1):
        check()
        for renderer in renderers:
            went, moving = renderer.flow(number)
            flow[number][renderer.box.slices][moving] = went[moving]
    return flow


def _paste(frame: UInt8, rgb: UInt8, renderer: Renderer, number: int, above: bool) -> None:
    part = renderer.frame(number)
    place = renderer.box.slices
    if not above:
        frame[place] = part
        return
    # What regions below changed stays where this one changes nothing.
    change = part.astype(np.int16) - rgb[place]
    frame[place] = np.clip(frame[place] + change, 0, 255).astype(np.uint8)


def _renderer(
    rgb: UInt8,
    request: Request,
    frames: int,
    loop: bool,
    notes: list[str],
    check: Callable[[], None],
) -> Renderer | None:
    motion = parse(request.words)
    mask = _checked_mask(request.mask, rgb)
    if not mask.any():
        notes.append("The region is empty: nothing moves.")
        return None
    if int(mask.sum()) < _TINY:
        notes.append(f"The region has only {int(mask.sum())} pixels: little can be seen.")
    if not motion.understood:
        notes.append(_not_understood(request.words))
    strength = _strength(request, motion, rgb, notes)
    if strength == 0:
        return None
    template = motion.template
    given = request.direction if request.direction is not None else motion.direction
    if given is not None and not math.isfinite(given):
        raise MotionError("The direction is no number.", "Give degrees, 0 is right, 90 up.")
    direction = template.direction if given is None else given % 360
    softness = _softness(request, rgb)
    if template.family is Family.GLOWING:
        return Glowing(
            rgb, mask, shape=template.name, strength=strength, frames=frames, softness=softness
        )
    if template.family is Family.FLOWING:
        _require_pourable(rgb, mask, direction, request)
        if loop and strength * frames < _SHORTEST_WAY * scale_of(rgb.shape):
            notes.append(_hardly_flows(strength * frames))
        return Flowing(
            rgb, mask, direction=direction, strength=strength, swirl=template.swirl,
            frames=frames, loop=loop, softness=softness, check=check,
        )  # fmt: skip
    return Swaying(
        rgb, mask, shape=template.name, direction=direction, strength=strength, frames=frames,
        loop=loop, confined=request.confined or template.name == "ripple", softness=softness,
        check=check,
    )  # fmt: skip


def _hardly_flows(way: float) -> str:
    return (
        f"The flow gets {way:.1f} pixels on before the loop begins anew, which can hardly be "
        "seen: ask for more frames, more strength, or no loop."
    )


def _checked_mask(mask: Bool, rgb: UInt8) -> Bool:
    if mask.shape != rgb.shape[:2]:
        raise MotionError(
            f"The region has {mask.shape[1]} x {mask.shape[0]} pixels, the photo "
            f"{rgb.shape[1]} x {rgb.shape[0]}.",
            "Give a mask of the photo's size.",
        )
    return np.asarray(mask, bool)


def _not_understood(words: str) -> str:
    what = f"{words.strip()[:60]!r} names no known motion" if words.strip() else "No words given"
    return f"{what}: it sways a little."


def _strength(request: Request, motion: Motion, rgb: UInt8, notes: list[str]) -> float:
    """Return the strength asked for, or what the words say, within what can be followed."""
    light = motion.template.family is Family.GLOWING
    size = 1.0 if light else scale_of(rgb.shape)
    if request.strength is None:
        calm = 1.0 if motion.understood else 0.5
        return motion.template.strength * motion.pace * size * calm
    if not (math.isfinite(request.strength) and request.strength >= 0):
        raise MotionError("The strength is no number from 0 up.", "1 is a good beginning.")
    most = _BRIGHTEST if light else FASTEST * size
    if request.strength > most:
        notes.append(f"Strength {request.strength:g} is beyond what can be followed: {most:g}.")
    return min(request.strength, most)


def _softness(request: Request, rgb: UInt8) -> float | None:
    if request.softness is None:
        return None
    if not (math.isfinite(request.softness) and request.softness >= 0):
        raise MotionError("The soft edge is no width from 0 up.", "Give pixels; 3 is usual.")
    return min(request.softness, SOFTEST * scale_of(rgb.shape))


def _require_pourable(rgb: UInt8, mask: Bool, direction: float, request: Request) -> None:
    reason = "" if request.force else solid(rgb, mask, direction, request.words)
    if reason:
        raise MotionError(
            f"The region looks like a solid object ({reason}): poured, it would show double.",
            "Let it sway, or choose a region of water, smoke or clouds; or force it.",
        )
