"""The 3D view: one interface, a software and an OpenGL renderer behind it."""

from annotator.domain.camera import OrbitCamera
from annotator.ui.view.base import AnnotationView
from annotator.ui.view.choose import RendererChoice, change_renderer, create_point_view
from annotator.ui.view.overlay import ClickMarker
from annotator.ui.view.point_view import PointView
from annotator.ui.view.pointer import PickView, PointerEvent, PointerTool, ToolView

__all__ = [
    "AnnotationView",
    "ClickMarker",
    "OrbitCamera",
    "PickView",
    "PointView",
    "PointerEvent",
    "PointerTool",
    "RendererChoice",
    "ToolView",
    "change_renderer",
    "create_point_view",
]
