"""Pointer tools, one a module; a row in `TOOLS` is all that a new one needs."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from annotator.ui.annotate.tools.brush import BrushTool
from annotator.ui.annotate.tools.click import ClickTool
from annotator.ui.annotate.tools.eraser import EraserTool
from annotator.ui.annotate.tools.host import ClickHost, ToolHost
from annotator.ui.annotate.tools.lasso import LassoTool
from annotator.ui.view import PointerTool


class AnnotationTool(PointerTool[Any], Protocol):
    """A pointer tool that can be given up halfway."""

    name: str

    def cancel(self) -> None:
        """Leave the view and the document as if the gesture had not begun."""


TOOLS: Mapping[str, Callable[[ToolHost], AnnotationTool]] = {
    "click": ClickTool,
    "brush": BrushTool,
    "eraser": EraserTool,
    "lasso": LassoTool,
}
"""Every tool by the name that the action table selects it by."""

__all__ = ["TOOLS", "AnnotationTool", "ClickHost", "ClickTool", "ToolHost"]
