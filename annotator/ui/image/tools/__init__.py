"""Pointer tools of photos, one a module; a row in `PHOTO_TOOLS` is all that a new one needs."""

from collections.abc import Callable, Mapping

from annotator.ui.annotate.tools import AnnotationTool
from annotator.ui.image.tools.box import BoxTool
from annotator.ui.image.tools.brush import PhotoBrushTool, PhotoEraserTool
from annotator.ui.image.tools.click import PhotoClickTool
from annotator.ui.image.tools.host import PhotoHost
from annotator.ui.image.tools.outline import OutlineTool
from annotator.ui.image.tools.polygon import PolygonTool

PHOTO_TOOLS: Mapping[str, Callable[[PhotoHost], AnnotationTool]] = {
    "click": PhotoClickTool,
    "box": BoxTool,
    "brush": PhotoBrushTool,
    "eraser": PhotoEraserTool,
    "polygon": PolygonTool,
    "outline": OutlineTool,
}
"""Every tool by the name that the action table selects it by."""

__all__ = ["PHOTO_TOOLS", "OutlineTool", "PhotoHost"]
