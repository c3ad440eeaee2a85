"""What tools get from a view: pointer events in logical pixels."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy.typing as npt
from PySide6.QtCore import Qt

PlaceT_co = TypeVar("PlaceT_co", covariant=True)


class ToolView(Protocol):
    """What every view offers to tools."""

    def pick_marker(self, x: float, y: float) -> int | None:
        """Return the click id of the marker under a pointer, or None."""

    def set_overlay_polygon(self, polygon: npt.ArrayLike | None) -> None:
        """Show a line [K, 2] in pixels around what is being chosen, or none."""

    def set_overlay_circle(self, centre: tuple[float, float] | None, radius: float = 0.0) -> None:
        """Show a brush around (x, y), or none."""


class PickView(ToolView, Protocol[PlaceT_co]):
    """A view that knows what is clicked: a point's row, or a place of a photo."""

    def pick(self, x: float, y: float) -> PlaceT_co | None:
        """Return what a pointer means, or None."""


ViewT_co = TypeVar("ViewT_co", bound=ToolView, covariant=True)
ViewT_contra = TypeVar("ViewT_contra", bound=ToolView, contravariant=True)


@dataclass(frozen=True)
class PointerEvent(Generic[ViewT_co]):
    """A press, move or release of the mouse or of the keyboard's placement cursor.

    Attributes:
        x: Logical pixels from the view's left edge.
        y: Logical pixels from the view's top edge.
        button: The button that changed; NoButton for moves.
        buttons: The buttons that are down.
        modifiers: Keyboard modifiers.
        view: The view it happened in.
        dragged: Whether the pointer left the place of the press by more than a tremble.
        double: Whether this is the press of a double click.
    """

    x: float
    y: float
    button: Qt.MouseButton
    buttons: Qt.MouseButton
    modifiers: Qt.KeyboardModifier
    view: ViewT_co
    dragged: bool = False
    double: bool = False


class PointerTool(Protocol[ViewT_contra]):
    """What a click, brush or lasso tool implements; True means "mine: do not navigate".

    A press that a tool leaves alone starts navigation, yet the tool also sees its moves
    and its release, so that it can tell a click (not `dragged`) from an orbit.
    """

    def press(self, event: PointerEvent[ViewT_contra]) -> bool:
        """Handle a button going down."""

    def move(self, event: PointerEvent[ViewT_contra]) -> bool:
        """Handle a move with a button down."""

    def release(self, event: PointerEvent[ViewT_contra]) -> bool:
        """Handle a button going up."""

    def hover(self, event: PointerEvent[ViewT_contra]) -> bool | None:
        """Handle a move without a button; also the placement cursor's moves."""
