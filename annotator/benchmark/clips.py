"""Measures of clips: motion in the region, what happens outside of it, the seam, sharpness."""

import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
Float = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ClipMeasures:
    """What was measured of a clip.

    Attributes:
        flow: Mean length of the optical flow in the core of the region, pixels a frame.
        direction: Of the mean flow there, degrees anticlockwise from "right"; NaN if it rests.
        outside: Largest difference from the first frame outside of what may change.
        first: Largest difference of the first frame from the photo.
        seam: Step from the last frame to the first, over its neighbours' (1 = no seam).
        sharpness: Of the region in the middle of the clip, relative to the photo's.
        i1_mse: Mean squared difference of the first frame from the photo.
    """

    flow: float
    direction: float
    outside: int
    first: int
    seam: float
    sharpness: float
    i1_mse: float


def measure(
    frames: UInt8, region: Bool, support: Bool | None = None, photo: UInt8 | None = None
) -> ClipMeasures:
    """Measure a looping clip.

    Args:
        frames: [T, H, W, 3].
        region: [H, W] bool: what shall move.
        support: [H, W] bool: what may change; the region if None.
        photo: [H, W, 3] that it was made from; the first frame if None.
    """
    photo = frames[0] if photo is None else photo
    core = region_core(region)
    moved = mean_flow(frames, core)
    difference = frames[0].astype(np.float32) - photo
    return ClipMeasures(
        flow=moved[0],
        direction=moved[1],
        outside=outside_error(frames, region if support is None else support, photo),
        first=int(np.abs(difference).max(initial=0)),
        seam=seam_ratio(frames, region),
        sharpness=sharpness_ratio(frames, core, photo),
        i1_mse=float((difference**2).mean()),
    )


def region_core(region: Bool, width: float = 12.0) -> Bool:
    """Return the region without its border, where motion has to come to rest.

    Args:
        region: [H, W].
        width: Of the border in pixels of a photo of 512; at most 0.3 of the region's depth.
    """
    if not region.any() or region.all():
        return region
    distance = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    scale = max(max(region.shape) / 512.0, 1 / 16)
    core: Bool = region & (distance >= min(width * scale, 0.3 * float(distance.max())))
    return core


def optical_flow(before: UInt8, after: UInt8) -> Float:
    """Return the flow [H, W, 2] between two pictures [H, W, 3], in pixels.

    Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, down to the
    pictures' full size. The usual presets stop at half of it and find 20 % more than there
    is in shifts of 0.1 pixels, and half of a fine ripple; this finds at most 4 % more.
    Pictures of less than 16 pixels a side have no flow that could be found.
    """
    if min(before.shape[:2]) < 16:
        return np.zeros((*before.shape[:2], 2), np.float32)
    grey = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (before, after)]
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    finder.setFinestScale(0)
    finder.setVariationalRefinementIterations(0)
    flow: Float = finder.calc(grey[0], grey[1], None)
    return flow


def mean_flow(frames: UInt8, core: Bool) -> tuple[float, float]:
    """Return mean length (pixels a frame) and direction (degrees) of the flow in `core`."""
    if not core.any() or len(frames) < 2:
        return 0.0, math.nan
    lengths, means = [], []
    for before, after in itertools.pairwise(frames):
        flow = optical_flow(before, after)[core]
        lengths.append(float(np.linalg.norm(flow, axis=-1).mean()))
        means.append(flow.mean(axis=0))
    dx, dy = (float(value) for value in np.mean(means, axis=0))
    still = math.hypot(dx, dy) < 1e-3
    return float(np.mean(lengths)), math.nan if still else math.degrees(math.atan2(-dy, dx)) % 360


def outside_error(frames: UInt8, support: Bool, photo: UInt8) -> int:
    """Return the largest difference from the photo outside of `support`, in grey levels."""
    outside = ~support
    if not outside.any():
        return 0
    still = photo[outside].astype(np.int16)
    return max(int(np.abs(frame[outside] - still).max()) for frame in frames)


def seam_ratio(frames: UInt8, region: Bool) -> float:
    """Return the mean squared step from last to first frame over the mean of its neighbours.

    1 where a loop goes on as smoothly as elsewhere; NaN if nothing changes around it.
    """
    if not region.any() or len(frames) < 4:
        return math.nan
    around = [frames[i][region].astype(np.float32) for i in (-2, -1, 0, 1)]
    steps = [float(((b - a) ** 2).mean()) for a, b in itertools.pairwise(around)]
    neighbours = (steps[0] + steps[2]) / 2
    return steps[1] / neighbours if neighbours > 0 else math.nan


def sharpness_ratio(frames: UInt8, core: Bool, photo: UInt8) -> float:
    """Return the mean squared gradient in the middle of a clip, relative to the photo's."""
    whole = _gradient_energy(photo)[core].mean() if core.any() else 0.0
    if whole <= 0:
        return math.nan
    return float(_gradient_energy(frames[len(frames) // 2])[core].mean() / whole)


def _gradient_energy(picture: UInt8) -> Float:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    energy: Float = cv2.Sobel(grey, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(grey, cv2.CV_32F, 0, 1) ** 2
    return energy
