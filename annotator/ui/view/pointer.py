"""What tools get from the view: pointer events in logical pixels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from annotator.ui.view.point_view import PointView


@dataclass(frozen=True)
class PointerEvent:
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
    view: "PointView"
    dragged: bool = False
    double: bool = False


class PointerTool(Protocol):
    """What a click, brush or lasso tool implements; True means "mine: do not navigate".

    A press that a tool leaves alone starts navigation, yet the tool also sees its moves
    and its release, so that it can tell a click (not `dragged`) from an orbit.
    """

    def press(self, event: PointerEvent) -> bool:
        """Handle a button going down."""

    def move(self, event: PointerEvent) -> bool:
        """Handle a move with a button down."""

    def release(self, event: PointerEvent) -> bool:
        """Handle a button going up."""

    def hover(self, event: PointerEvent) -> bool | None:
        """Handle a move without a button; also the placement cursor's moves."""
