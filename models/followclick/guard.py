"""Whether a region may be poured: cups, faces and houses would show double."""

import cv2
import numpy as np

from models.followclick.region import Bool, Float, UInt8, box_of, core_of, scale_of

LIMIT = 0.35
_SIDE = 256


def structure(rgb: UInt8, mask: Bool, direction: float) -> float:
    """Return the part of a region that lies on strong, long edges across the flow, 0..1.

    Coherence of the structure tensor (Weickert, "Coherence-Enhancing Diffusion Filtering",
    IJCV 1999) at the scale of an object's parts. Edges along the flow count not: pouring
    along them shows nothing double.
    """
    box = box_of(mask, 8)
    part, inside = rgb[box.slices], core_of(mask, scale_of(mask.shape))[box.slices]
    whole = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrink = max(1.0, max(whole.shape) / _SIDE)
    size = (max(round(whole.shape[1] / shrink), 1), max(round(whole.shape[0] / shrink), 1))
    grey = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
    core = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return _coherent(np.asarray(grey, np.float32), core.reshape(size[1], size[0]) > 0, direction)


def _coherent(grey: Float, core: Bool, direction: float) -> float:
    if min(grey.shape) < 16 or core.sum() < 256:
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
