"""The eraser: a brush that gives points back to the background."""

from annotator.domain import BACKGROUND
from annotator.ui.annotate.tools.brush import BrushTool
from annotator.ui.view import PointerEvent, PointView


class EraserTool(BrushTool):
    """Like the brush, whatever the current object is."""

    name = "eraser"

    def target(self, event: PointerEvent[PointView]) -> int:
        """Return the background."""
        return BACKGROUND
