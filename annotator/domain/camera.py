"""The camera that orbits a point cloud, and the projection it makes: no Qt, no OpenGL."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Float64
from annotator.domain.signals import Signal

Vector = tuple[float, float, float]

VIEW_DIRECTIONS: Mapping[str, tuple[float, float]] = {
    "front": (-90.0, 0.0),
    "back": (90.0, 0.0),
    "left": (180.0, 0.0),
    "right": (0.0, 0.0),
    "top": (-90.0, 90.0),
    "bottom": (-90.0, -90.0),
    "iso": (-55.0, 35.0),
}
"""Azimuth and elevation in degrees of the named views; from the front one looks along +y."""

MINIMUM_ZOOM, MAXIMUM_ZOOM = 1e-4, 50.0  # distance in scene radii


@dataclass(frozen=True)
class Projection:
    """A camera's mapping from metres to pixels at one picture size.

    Attributes:
        eye: [3] float64, metres.
        right: [3] float64, unit vector that points right in the picture.
        up: [3] float64, unit vector that points up in the picture.
        forward: [3] float64, unit vector into the picture.
        focal: Focal length in pixels.
        width: Picture width in pixels.
        height: Picture height in pixels.
        near: Depth in metres below which nothing is drawn.
    """

    eye: Float64
    right: Float64
    up: Float64
    forward: Float64
    focal: float
    width: int
    height: int
    near: float

    def project(self, xyz: npt.ArrayLike) -> tuple[Float64, Float64, Float64]:
        """Project points.

        Args:
            xyz: [K, 3] metres.

        Returns:
            x [K] and y [K] in pixels, and depth [K] in metres along the view; x and y
            are NaN for points nearer than `near`.
        """
        offset = np.asarray(xyz, np.float64).reshape(-1, 3) - self.eye
        depth = (offset * self.forward).sum(axis=1)
        scale = self.focal / np.where(depth > self.near, depth, np.nan)
        x = (offset * self.right).sum(axis=1) * scale + self.width / 2
        y = self.height / 2 - (offset * self.up).sum(axis=1) * scale
        return x, y, depth

    def ray(self, x: float, y: float) -> Float64:
        """Return the direction [3] through a pixel, scaled to unit depth."""
        across, down = (x - self.width / 2) / self.focal, (y - self.height / 2) / self.focal
        direction: Float64 = self.forward + self.right * across - self.up * down
        return direction


class OrbitCamera:
    """A perspective camera on a sphere around a pivot, z up.

    Every method that moves it emits `changed`. The owner keeps `viewport` and the
    scene's bounds up to date; a headless user sets them once.

    Attributes:
        pivot: Point (x, y, z) in metres that the camera turns around and looks at.
        distance: Metres from the pivot to the eye.
        azimuth: Degrees around z of the eye, 0 on the +x side, -90 in front.
        elevation: Degrees of the eye above the pivot, in [-90, 90].
        field_of_view: Vertical opening in degrees.
        viewport: Picture size (width, height) in logical pixels.
        changed: Emitted after every move.
    """

    def __init__(self, viewport: tuple[int, int] = (800, 600)) -> None:
        self.pivot: Vector = (0.0, 0.0, 0.0)
        self.distance = 5.0
        self.azimuth, self.elevation = VIEW_DIRECTIONS["iso"]
        self.field_of_view = 45.0
        self.viewport = viewport
        self.changed: Signal[[]] = Signal()
        self.set_bounds(np.full(3, -1.0), np.full(3, 1.0))

    @property
    def radius(self) -> float:
        """Half the diagonal of the scene's bounds in metres, never zero."""
        return max(float(np.linalg.norm(self._high - self._low)) / 2, 1e-2)

    def set_bounds(
        self, low: npt.ArrayLike, high: npt.ArrayLike, outline: npt.ArrayLike | None = None
    ) -> None:
        """Say what the scene is.

        Args:
            low: [3] per-axis minimum in metres.
            high: [3] per-axis maximum.
            outline: [K, 3] points that `fit` shows, such as a sample; default the box.
        """
        self._low = np.asarray(low, np.float64).reshape(3)
        self._high = np.asarray(high, np.float64).reshape(3)
        given = None if outline is None else np.asarray(outline, np.float64).reshape(-1, 3)
        self._outline = (
            box_corners(self._low, self._high) if given is None or not len(given) else given
        )

    def axes(self) -> tuple[Float64, Float64, Float64]:
        """Return the unit vectors right, up and forward, each [3]."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        right = np.array([-math.sin(a), math.cos(a), 0.0])
        up = np.array([-math.sin(e) * math.cos(a), -math.sin(e) * math.sin(a), math.cos(e)])
        forward = np.array([-math.cos(e) * math.cos(a), -math.cos(e) * math.sin(a), -math.sin(e)])
        return right, up, forward

    def projection(self, width: int = 0, height: int = 0) -> Projection:
        """Return the projection to a picture of the given size, by default the viewport's."""
        width, height = width or self.viewport[0], height or self.viewport[1]
        right, up, forward = self.axes()
        eye = np.asarray(self.pivot) - forward * self.distance
        near = max(min(self.distance, self.radius) * 5e-3, 1e-6)
        return Projection(eye, right, up, forward, self._focal(height), width, height, near)

    def _focal(self, height: int) -> float:
        return height / 2 / math.tan(math.radians(self.field_of_view) / 2)

    def orbit(self, right: float, up: float) -> None:
        """Turn around the pivot by degrees to the right and upwards."""
        self.azimuth = (self.azimuth + right + 180.0) % 360.0 - 180.0
        self.elevation = min(90.0, max(-90.0, self.elevation + up))
        self.changed.emit()

    def pan(self, dx: float, dy: float) -> None:
        """Shift the picture by logical pixels, so that the pivot stays under the pointer."""
        right, up, _ = self.axes()
        metres = self.distance / self._focal(self.viewport[1])
        self._place(np.asarray(self.pivot) - right * (dx * metres) + up * (dy * metres))
        self.changed.emit()

    def zoom(self, factor: float) -> None:
        """Go `factor` times nearer to the pivot."""
        self._zoom_towards(np.asarray(self.pivot), factor)

    def zoom_at(
        self, factor: float, x: float, y: float, target: npt.ArrayLike | None = None
    ) -> None:
        """Go `factor` times nearer to what is under a pixel, which stays there.

        Args:
            factor: Above 1 zooms in.
            x: Logical pixels from the left.
            y: Logical pixels from the top.
            target: [3] point under the pixel; by default on the plane through the pivot.
        """
        if target is None:
            projection = self.projection()
            target = projection.eye + projection.ray(x, y) * self.distance
        self._zoom_towards(np.asarray(target, np.float64), factor)

    def _zoom_towards(self, target: Float64, factor: float) -> None:
        wanted = self.distance / max(factor, 1e-6)
        distance = min(max(wanted, self.radius * MINIMUM_ZOOM), self.radius * MAXIMUM_ZOOM)
        self._place(target + (np.asarray(self.pivot) - target) * (distance / self.distance))
        self.distance = distance
        self.changed.emit()

    def set_pivot(self, point: npt.ArrayLike) -> None:
        """Look at a point [3] from the same direction and distance."""
        self._place(np.asarray(point, np.float64))
        self.changed.emit()

    def fit(self, low: npt.ArrayLike | None = None, high: npt.ArrayLike | None = None) -> None:
        """Show a box [3], [3] as large as possible from the present direction.

        Without a box the outline given to `set_bounds` is shown. The distance at which
        each corner touches the edge of the picture is exact; the pivot is shifted until
        the perspective picture, not only the box, is in the middle.
        """
        if low is None or high is None:
            corners = self._outline
        else:
            corners = box_corners(np.asarray(low, np.float64), np.asarray(high, np.float64))
        self._place((corners.min(axis=0) + corners.max(axis=0)) / 2)
        for _ in range(4):
            self._fit_distance(corners)
            self._centre(corners)
        self._fit_distance(corners)
        self.changed.emit()

    def _in_view(self, points: Float64) -> tuple[Float64, Float64, Float64]:
        """Return metres right of, above and beyond the pivot, each [K]."""
        offset = points - np.asarray(self.pivot)
        right, up, forward = (np.einsum("ij,j", offset, axis) for axis in self.axes())
        return right, up, forward

    def _fit_distance(self, corners: Float64) -> None:
        across, along, away = self._in_view(corners)
        tall = math.tan(math.radians(self.field_of_view) / 2)
        wide = tall * self.viewport[0] / max(self.viewport[1], 1)
        needed = np.maximum(np.abs(across) / wide, np.abs(along) / tall) - away
        # A single point has no size to fit; it is then seen from a tenth of the radius.
        self.distance = max(float(needed.max()) * 1.05, self.radius * 0.1)

    def _centre(self, corners: Float64) -> None:
        across, along, away = self._in_view(corners)
        depth = np.maximum(away + self.distance, self.distance * 1e-3)
        right, up, _ = self.axes()
        for axis, tangent in ((right, across / depth), (up, along / depth)):
            middle = float(tangent.min() + tangent.max()) / 2
            self._place(np.asarray(self.pivot) + axis * (middle * self.distance))

    def look(self, name: str) -> None:
        """Look from a named side (a key of `VIEW_DIRECTIONS`) and fit the scene."""
        self.azimuth, self.elevation = VIEW_DIRECTIONS[name]
        self.fit()

    def to_json(self) -> str:
        """Return the pose as JSON text, for the project's log."""
        names = ("pivot", "distance", "azimuth", "elevation", "field_of_view")
        return json.dumps({name: getattr(self, name) for name in names})

    def from_json(self, text: str | Mapping[str, Any]) -> None:
        """Take a pose that `to_json` wrote.

        Raises:
            ValueError: If the text is not such a pose; the camera is then unchanged.
        """
        try:
            values = json.loads(text) if isinstance(text, str) else text
            pivot = np.array(values["pivot"], np.float64).reshape(3)
            keys = ("distance", "azimuth", "elevation", "field_of_view")
            numbers = [float(values[key]) for key in keys]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a camera: {text!r}") from error
        if not np.isfinite([*pivot, *numbers]).all() or numbers[0] <= 0:
            raise ValueError(f"not a camera: {text!r}")
        self._place(pivot)
        self.distance, self.azimuth, self.elevation, self.field_of_view = numbers
        self.changed.emit()

    def _place(self, pivot: Float64) -> None:
        self.pivot = (float(pivot[0]), float(pivot[1]), float(pivot[2]))


def box_corners(low: Float64, high: Float64) -> Float64:
    """Return the eight corners [8, 3] of the box between two corners [3]."""
    return np.array(np.meshgrid(*np.stack([low, high], axis=1))).reshape(3, -1).T
