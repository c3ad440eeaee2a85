"""What a tool may ask for: the narrow door between pointer gestures and the document."""

from typing import Protocol, TypeVar

from annotator.domain.cloud import Int64

PlaceT_contra = TypeVar("PlaceT_contra", contravariant=True)


class ClickHost(Protocol[PlaceT_contra]):
    """Carries out what a person's clicks meant; refuses with a message where it must.

    A place is the row of a working point, or (x, y) pixels of a photo.
    """

    @property
    def current_object(self) -> int:
        """Object that clicks and strokes are for; 0 is the background."""

    def add_click(self, place: PlaceT_contra, object_id: int) -> None:
        """Add a click."""

    def move_click(self, click_id: int, place: PlaceT_contra) -> None:
        """Move a click, as one undoable step."""

    def preview_move(self, click_id: int, place: PlaceT_contra | None) -> None:
        """Show a click elsewhere without moving it; None ends the preview."""

    def remove_click(self, click_id: int) -> None:
        """Remove a click."""

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none."""


class ToolHost(ClickHost[int], Protocol):
    """What the tools for scans ask for."""

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in logical pixels."""

    def preview_paint(self, indices: Int64, object_id: int) -> None:
        """Show points [K] as the object's without editing the mask yet."""

    def paint(self, indices: Int64, object_id: int) -> None:
        """Give points [K] to the object, as one undoable step; ends previews."""

    def cancel_preview(self) -> None:
        """Show the document again, as an unfinished stroke was given up."""
