"""How a photo looks: zoom, what lies over it and how strongly."""

from collections.abc import Callable, Mapping

from annotator.domain.shading import ColourMode
from annotator.ui.image.view import MODES, ImageView
from annotator.ui.view.navigation import ZOOM_PER_NOTCH
from annotator.ui.window.view_handlers import OPACITIES, Handler, stepped


class PhotoLooks:
    """Turns actions into calls of the view, and knows what is in force."""

    def __init__(self, view: ImageView, changed: Callable[[], object]) -> None:
        """Control `view`; `changed` is called when `conditions` may have changed."""
        self._view, self._changed = view, changed

    def handlers(self) -> Mapping[str, Handler]:
        """Return the functions by the handler names of the action table."""
        camera = self._view.camera
        return {
            "fit_view": camera.fit,
            "zoom_in": lambda: camera.zoom(ZOOM_PER_NOTCH),
            "zoom_out": lambda: camera.zoom(1 / ZOOM_PER_NOTCH),
            "one_to_one": camera.one_to_one,
            "colour_by": self.colour_by,
            "stronger_labels": lambda: self.fade_labels(+1),
            "fainter_labels": lambda: self.fade_labels(-1),
            "focus_view": self._view.setFocus,
        }

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        return frozenset({f"has_{mode}" for mode in MODES} | {f"colour_{self._view.colour_mode}"})

    def colour_by(self, mode: ColourMode) -> None:
        """Show the photo under its masks, masks alone, or how probable the object is."""
        self._view.set_colour_mode(mode)
        self._changed()

    def fade_labels(self, direction: int) -> None:
        """Draw masks one step stronger or fainter over the photo."""
        self._view.set_label_opacity(stepped(OPACITIES, self._view.label_opacity, direction))
