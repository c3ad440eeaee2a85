"""How the scan looks: colours, point size, shading and points of view."""

from collections.abc import Callable, Mapping

from annotator.domain import PointCloud
from annotator.domain.shading import ColourMode
from annotator.ui.view import PointView

Handler = Callable[..., object]

_SIZES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_LEAST_RANGE = 0.25  # metres; depth cameras see nothing nearer
OPACITIES = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)


def stepped(steps: tuple[float, ...], now: float, direction: int) -> float:
    """Return the next larger (+1) or smaller (-1) of the steps, or the last one there is."""
    if direction > 0:
        return next((step for step in steps if step > now + 1e-6), steps[-1])
    return next((step for step in reversed(steps) if step < now - 1e-6), steps[0])


def is_in_sensor_frame(cloud: PointCloud) -> bool:
    """Whether a scan looks like one depth picture: z into the scene, y down, sensor at zero.

    Such files (Kinect and the like) do not say so; a room or a landscape has its
    floor near z = 0 or below, or all of x and y on one side of the origin.
    """
    low, high = cloud.bounds
    around = bool((low[:2] < 0).all() and (high[:2] > 0).all())
    return around and not cloud.origin.any() and float(low[2]) > _LEAST_RANGE


class ViewHandlers:
    """Turns actions into calls of the view, and knows what is in force."""

    def __init__(self, view: PointView, changed: Callable[[], object]) -> None:
        """Control `view`; `changed` is called when `conditions` may have changed."""
        self._view, self._changed = view, changed
        self._available: frozenset[str] = frozenset()

    def handlers(self) -> Mapping[str, Handler]:
        """Return the functions by the handler names of the action table."""
        return {
            "fit_view": self.fit,
            "look": self.look,
            "colour_by": self.colour_by,
            "larger_points": lambda: self.resize_points(+1),
            "smaller_points": lambda: self.resize_points(-1),
            "stronger_labels": lambda: self.fade_labels(+1),
            "fainter_labels": lambda: self.fade_labels(-1),
            "set_shading": self.set_shading,
            "focus_view": self._view.setFocus,
        }

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        shading = {"shading"} if self._view.shading else set()
        return self._available | {f"colour_{self._view.colour_mode}"} | shading

    def show(self, cloud: PointCloud, *, placed: bool) -> None:
        """Take over a cloud that the view has just been given.

        Args:
            cloud: The working points.
            placed: Whether the camera stands where the person left it.
        """
        available = {"has_label", "has_height", "has_confidence"}
        if cloud.rgb is not None:
            available.add("has_rgb")
        if cloud.labels is not None and bool(cloud.labels.any()):
            available.add("has_ground_truth")
        self._available = frozenset(available)
        self.colour_by("rgb" if cloud.rgb is not None else "height")
        if not placed and is_in_sensor_frame(cloud):
            self.look("bottom")

    def fit(self) -> None:
        """Show the whole scan."""
        self._view.camera.fit()

    def look(self, direction: str) -> None:
        """Look from one of the named sides, such as "top"."""
        self._view.camera.look(direction)

    def colour_by(self, mode: ColourMode) -> None:
        """Colour points by photo colours, label, height, confidence or ground truth."""
        self._view.set_colour_mode(mode)
        self._changed()

    def resize_points(self, direction: int) -> None:
        """Draw points one step larger or smaller."""
        self._view.set_point_size(stepped(_SIZES, self._view.point_size, direction))

    def fade_labels(self, direction: int) -> None:
        """Draw label colours one step stronger or fainter over the photo colours."""
        self._view.set_label_opacity(stepped(OPACITIES, self._view.label_opacity, direction))

    def set_shading(self, on: bool) -> None:
        """Switch depth shading."""
        self._view.set_shading(on)
        self._changed()
