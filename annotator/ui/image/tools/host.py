"""What the tools for photos may ask for."""

from typing import Protocol

from annotator.domain.labels import Colour
from annotator.domain.polygons import Ring
from annotator.ui.annotate.tools import ClickHost

Place = tuple[float, float]


class BoxHost(Protocol):
    """What the box tool asks for."""

    @property
    def current_object(self) -> int:
        """Object that the box is for; 0 is the background."""

    @property
    def colour(self) -> Colour:
        """Of the current object."""

    def say(self, headline: str, detail: str = "", level: str = "info") -> None:
        """Show a message in the window."""

    def set_box(self, corners: tuple[float, float, float, float]) -> None:
        """Draw a box (x0, y0, x1, y1) around the current object."""


class PhotoHost(ClickHost[Place], Protocol):
    """Carries out what gestures on a photo meant. Places are pixels of the photo."""

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in logical pixels."""

    @property
    def colour(self) -> Colour:
        """Of the current object."""

    def say(self, headline: str, detail: str = "", level: str = "info") -> None:
        """Show a message in the window."""

    def add_outside(self, place: Place, object_id: int) -> None:
        """Add a click that says "outside of this object"."""

    def set_box(self, corners: tuple[float, float, float, float]) -> None:
        """Draw a box (x0, y0, x1, y1) around the current object."""

    def extend_stroke(self, start: Place, end: Place, object_id: int) -> None:
        """Lengthen the stroke of a brush, and show it."""

    def end_stroke(self, object_id: int) -> None:
        """Give what the stroke touched to the object, as one undoable step."""

    def cancel_stroke(self) -> None:
        """Forget the stroke and show the document again."""

    def fill(self, ring: Ring, object_id: int) -> None:
        """Give what is inside a polygon [K, 2] to the object, as one undoable step."""

    def outlines(self, tolerance: float) -> list[Ring]:
        """Return the outlines and holes of the current object, with few corners."""

    def move_outline(self, before: list[Ring], after: list[Ring]) -> bool:
        """Change the current object by what lies between two sets of rings, as one step.

        Returns:
            Whether any pixel changed.
        """
