"""Regions: mattes, distances to the border, boxes."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Box:
    """Rows `top` to `bottom` and columns `left` to `right` (both exclusive) of an image."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return the box as an index."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self.bottom - self.top, self.right - self.left


def box_of(mask: Bool, margin: int) -> Box:
    """Return the box around a mask [H, W] that is not empty, with a margin inside the image."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = mask.shape
    return Box(
        max(int(rows[0]) - margin, 0),
        min(int(rows[-1]) + 1 + margin, height),
        max(int(columns[0]) - margin, 0),
        min(int(columns[-1]) + 1 + margin, width),
    )


def inside_distance(mask: Bool) -> Float:
    """Return each pixel's distance [H, W] to the nearest pixel outside; 0 there.

    The border of the image is no border of the region: a river goes on beyond it. A region
    of everything is infinitely deep, which is returned as 1e6.
    """
    if mask.all():
        return np.full(mask.shape, 1e6, np.float32)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(distance, np.float32)


def smoothstep(x: Float) -> Float:
    """Return 3x² − 2x³ of x clipped to [0, 1]."""
    part: Float = np.clip(x, 0, 1)
    result: Float = part * part * (3 - 2 * part)
    return result


def inner_matte(mask: Bool, feather: float) -> Float:
    """Return a matte [H, W] in [0, 1] that is exactly 0 outside of the mask.

    It rises over `feather` pixels from the border inwards. A region thinner than that keeps
    its ridge opaque.
    """
    distance = inside_distance(mask)
    width = max(min(feather, float(distance.max(initial=0))), 1.0)
    matte = smoothstep(distance / width)
    return np.where(mask, matte, np.float32(0)).astype(np.float32)


def core_of(mask: Bool, scale: float) -> Bool:
    """Return the pixels on which a flow is calibrated: away from the border where it stalls.

    Args:
        mask: [H, W] of the region.
        scale: Size of the image in units of 512 pixels.
    """
    distance = inside_distance(mask)
    core: Bool = mask & (distance >= stall_width(distance, scale))
    return core if core.any() else mask


def stall_width(distance: Float, scale: float) -> float:
    """Return over how many pixels a flow comes to rest at the border of its region."""
    return min(12.0 * scale, 0.3 * float(distance.max(initial=0)))


def scale_of(shape: tuple[int, ...]) -> float:
    """Return the size of an image [H, W, ...] in units of 512 pixels."""
    return max(max(shape[:2]) / 512.0, 1 / 16)


def push_pull(image: Float, known: Float) -> Float:
    """Fill the unknown pixels smoothly from the known ones.

    Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4: averages over ever coarser
    grids where something is known, handed down where nothing is.

    Args:
        image: [H, W, C].
        known: [H, W] weights in [0, 1].

    Returns:
        [H, W, C]; equal to `image` where `known` is 1.
    """
    height, width = known.shape
    weighted = image * known[..., None]
    if min(height, width) <= 1:
        total = float(known.sum())
        mean = weighted.sum((0, 1)) / total if total > 0 else image.mean((0, 1))
        filled: Float = weighted + (1 - known[..., None]) * mean.astype(np.float32)
        return filled
    half = ((width + 1) // 2, (height + 1) // 2)
    weights = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(weighted, half, interpolation=cv2.INTER_AREA)
    coarse = coarse.reshape(*weights.shape, -1) / np.maximum(weights, 1e-8)[..., None]
    below = push_pull(coarse.astype(np.float32), np.minimum(weights * 4, 1))
    up = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR)
    result: Float = weighted + (1 - known[..., None]) * up.reshape(image.shape)
    return result
