"""The square part of a photo that the network sees of one person, and the way back.

Coordinates of photos and views are pixels with the origin at the corner of the first pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDE = 192
"""Width and height of a view, pixels."""
MARGIN = 1.35
"""A view is so many times as long as the longer side of a person's box."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An affine map from photo to view.

    Attributes:
        matrix: [2, 3]; view = matrix[:, :2] @ photo + matrix[:, 2].
    """

    matrix: Floats

    @classmethod
    def around(
        cls, box: Floats, margin: float = MARGIN, turn: float = 0.0, mirrored: bool = False
    ) -> "Frame":
        """Return the frame around a box.

        Args:
            box: (left, top, right, bottom), pixels, [4].
            margin: Length of the view relative to the box's longer side.
            turn: Rotation of the content, radians.
            mirrored: Whether left and right change places.
        """
        centre = (box[:2] + box[2:]) / 2
        scale = SIDE / (max(float((box[2:] - box[:2]).max()), 1.0) * margin)
        cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
        linear = np.array([[cos, -sin], [sin, cos]])
        if mirrored:
            linear[0] *= -1
        return cls(np.concatenate([linear, (SIDE / 2 - linear @ centre)[:, None]], axis=1))

    @property
    def scale(self) -> float:
        """Pixels of the view in a pixel of the photo."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def to_view(self, points: Floats) -> Floats:
        """Map points [..., 2] of the photo to the view."""
        mapped: Floats = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return mapped

    def to_photo(self, points: Floats) -> Floats:
        """Map points [..., 2] of the view to the photo."""
        mapped: Floats = (points - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T
        return mapped

    def cut(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the view [SIDE, SIDE, 3] of a photo [H, W, 3]; grey outside of it."""
        matrix = self.matrix
        shrink = int(1 / max(self.scale, 1e-6))
        if shrink > 1:
            photo, matrix = _halved(photo, matrix, shrink)
        # OpenCV counts from pixel centres
        shift = matrix[:, :2] @ np.full(2, 0.5) + matrix[:, 2] - 0.5
        warp = np.concatenate([matrix[:, :2], shift[:, None]], axis=1)
        grey = (127, 127, 127)
        view = cv2.warpAffine(photo, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=grey)
        return np.asarray(view, np.uint8)


def _halved(
    photo: NDArray[np.uint8], matrix: Floats, shrink: int
) -> tuple[NDArray[np.uint8], Floats]:
    """Average blocks of pixels first, for bilinear sampling alone skips pixels."""
    high, wide = photo.shape[:2]
    size = (max(wide // shrink, 1), max(high // shrink, 1))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    factors = np.array([wide / size[0], high / size[1]])
    linear = matrix[:, :2] * factors
    return np.asarray(small, np.uint8), np.concatenate([linear, matrix[:, 2:]], axis=1)


def box_of(points: Floats) -> Floats:
    """Return the box (left, top, right, bottom) of points [n, 2]."""
    return np.concatenate([points.min(0), points.max(0)])
