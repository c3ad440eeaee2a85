"""Whether a region may be poured: cups, faces, rocks and houses would show double.

What flows is smooth, or drawn out along its flow, or of fine even grain; most of it is cool or
neutral in colour. Four kinds of evidence speak for a solid object instead, each measured on the
photo at 512 pixels, the size at which the flow's two photos are blended.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models.followclick.region import Bool, Float, UInt8, box_of, core_of, scale_of

LIMIT = 0.35
"""Part of a region's edge energy on long edges across the flow that shows double."""
_SIDE, _LOOKED_AT = 256, 512
_LEAST = 256
"""Pixels in which nothing can be told."""
WARM_MEDIA = ("sand", "dust", "fire", "flame", "burn", "lava", "grass", "wheat", "straw", "sunset",
              "mud", "fur", "hair", "honey")  # fmt: skip
"""Words of what flows though it is of the colours of skin, wood and fur."""


def structure(rgb: UInt8, mask: Bool, direction: float) -> float:
    """Return the part of a region that lies on strong, long edges across the flow, 0..1.

    Coherence of the structure tensor (Weickert, "Coherence-Enhancing Diffusion Filtering",
    IJCV 1999) at the scale of an object's parts. Edges along the flow count not: pouring
    along them shows nothing double.
    """
    box = box_of(mask, 8)
    part, inside = rgb[box.slices], core_of(mask, scale_of(mask.shape))[box.slices]
    whole = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrink = max(1.0, max(whole.shape) / _SIDE, max(mask.shape) / _LOOKED_AT)
    size = (max(round(whole.shape[1] / shrink), 1), max(round(whole.shape[0] / shrink), 1))
    grey = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
    core = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return _coherent(np.asarray(grey, np.float32), core.reshape(size[1], size[0]) > 0, direction)


def _coherent(grey: Float, core: Bool, direction: float) -> float:
    if min(grey.shape) < 16 or core.sum() < _LEAST:
        return 0.0
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(a, (0, 0), 5.0) for a in (gx * gx, gy * gy, gx * gy))
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    energy = xx + yy
    coherence = spread / np.maximum(energy, 1e-6)
    across = 0.5 * np.arctan2(2 * xy, xx - yy)  # of the gradient, modulo 180 degrees
    along_flow = np.cos(across + np.radians(direction)) ** 2
    counted = energy * ((coherence > 0.75) & (along_flow > 0.25))
    return float(counted[core].sum() / max(float(energy[core].sum()), 1e-6))


@dataclass(frozen=True)
class Look:
    """How a region looks at 512 pixels, in CIE L*a*b*.

    Attributes:
        sharpest: 97th percentile of the fine gradient of lightness, a pixel.
        sparse: 95th percentile of it over its median: high where a few edges stand on smooth
            ground, as on made things.
        relief: Mean gradient at two pixels' blur.
        drawn: Anisotropy of the whole region's gradients, 0 (none) to 1 (all one way): water
            under a flat view and falling water are drawn out, rocks and leaves are not.
        warm: Part of the region in the hues of skin, fur, wood and fruit.
        tint: Median (a*, b*): b* is below 0 for blue, a* for green.
    """

    sharpest: float
    sparse: float
    relief: float
    drawn: float
    warm: float
    tint: tuple[float, float]

    @property
    def cool(self) -> bool:
        """Whether it has the colour of sky and deep water."""
        return self.tint[1] < -8


def look_at(rgb: UInt8, mask: Bool) -> Look | None:
    """Measure a region of a photo; None if it is too small to tell anything."""
    box = box_of(mask, 16)
    shrink = max(1.0, max(mask.shape) / _LOOKED_AT)
    part, inside = np.ascontiguousarray(rgb[box.slices]), mask[box.slices].astype(np.uint8)
    size = (max(round(part.shape[1] / shrink), 1), max(round(part.shape[0] / shrink), 1))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    covered = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
    covered = covered.reshape(size[1], size[0])
    core = cv2.erode(covered, np.ones((7, 7), np.uint8)) > 0
    core = core if core.sum() >= _LEAST else covered > 0
    if core.sum() < _LEAST or min(size) < 16:
        return None
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return _look(np.asarray(lab, np.float32), core)


def _look(lab: Float, core: Bool) -> Look:
    fine = np.hypot(*_gradient(lab[..., 0], 1.0))[core]
    coarse = np.hypot(*_gradient(lab[..., 0], 2.0))[core]
    gx, gy = (g[core] for g in _gradient(lab[..., 0], 1.5))
    xx, yy, xy = (float((a * b).mean()) for a, b in ((gx, gx), (gy, gy), (gx, gy)))
    soft = cv2.GaussianBlur(lab, (0, 0), 1.5)[core]
    hue = np.degrees(np.arctan2(soft[:, 2], soft[:, 1]))
    coloured = np.hypot(soft[:, 1], soft[:, 2]) > 10
    return Look(
        sharpest=float(np.percentile(fine, 97)),
        sparse=float(np.percentile(fine, 95) / (np.median(fine) + 0.05)),
        relief=float(coarse.mean()),
        drawn=float(np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-6)),
        warm=float((coloured & (hue > -10) & (hue < 88)).mean()),
        tint=(float(np.median(soft[:, 1])), float(np.median(soft[:, 2]))),
    )


def _gradient(channel: Float, sigma: float) -> tuple[Float, Float]:
    smooth = cv2.GaussianBlur(np.ascontiguousarray(channel), (0, 0), sigma)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    return np.asarray(across), np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8))


def solid(rgb: UInt8, mask: Bool, direction: float, words: str = "") -> str:
    """Return why a region looks like a solid object, in words; empty if it may be poured.

    Args:
        rgb: [H, W, 3].
        mask: [H, W], not empty.
        direction: Of the flow, degrees anticlockwise from "right".
        words: What the user says it is.
    """
    look = look_at(rgb, mask)
    if look is None:
        return ""
    across = structure(rgb, mask, direction)
    if across > LIMIT and look.sharpest > 3.5 and not (look.cool and look.sharpest < 7.6):
        return f"{across:.0%} of it are long edges across the flow"
    if look.warm > 0.5 and look.sharpest > 3 and not _says_warm(words):
        return f"{look.warm:.0%} of it have the colours of skin, fur, wood or fruit"
    if look.sparse > 4.1 and look.sharpest > 7.6 and not look.cool:
        return "few sharp edges stand on smooth ground"
    if _rocky(look):
        return "it has the uneven relief of rock, drawn out in no direction"
    return ""


def _rocky(look: Look) -> bool:
    """Whether it is rough, uneven (as gravel is not), of no direction (as water is) nor green."""
    rough = look.relief > 2 and look.sparse > 2.6 and look.drawn < 0.35
    return rough and look.tint[1] > 1.5 and look.tint[0] > -5


def _says_warm(words: str) -> bool:
    told = words.lower()
    return any(word in told for word in WARM_MEDIA)
