"""What a tool may ask for: the narrow door between pointer gestures and the document."""

from typing import Protocol

from annotator.domain.cloud import Int64


class ToolHost(Protocol):
    """Carries out what a person's gesture meant; refuses with a message where it must."""

    @property
    def current_object(self) -> int:
        """Object that clicks and strokes are for; 0 is the background."""

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in logical pixels."""

    def add_click(self, index: int, object_id: int) -> None:
        """Add a click on working point `index`."""

    def move_click(self, click_id: int, index: int) -> None:
        """Move a click to working point `index`, as one undoable step."""

    def preview_move(self, click_id: int, index: int | None) -> None:
        """Show a click at another point without moving it; None ends the preview."""

    def remove_click(self, click_id: int) -> None:
        """Remove a click."""

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none."""

    def preview_paint(self, indices: Int64, object_id: int) -> None:
        """Show points [K] as the object's without editing the mask yet."""

    def paint(self, indices: Int64, object_id: int) -> None:
        """Give points [K] to the object, as one undoable step; ends previews."""

    def cancel_preview(self) -> None:
        """Show the document again, as an unfinished stroke was given up."""
