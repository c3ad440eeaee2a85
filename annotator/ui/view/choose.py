"""Which renderer draws: OpenGL where a graphics card does it, software elsewhere."""

import logging
from functools import cache
from typing import Literal

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext, QSurfaceFormat
from PySide6.QtWidgets import QWidget

from annotator.ui.view.point_view import PointView
from annotator.ui.view.renderer import Renderer
from annotator.ui.view.scene import Scene
from annotator.ui.view.software import SoftwareRenderer

RendererChoice = Literal["auto", "software", "opengl"]

SOFTWARE_DRIVERS = ("llvmpipe", "softpipe", "swiftshader", "software", "gdi generic", "swr")
_GL_RENDERER = 0x1F01

_logger = logging.getLogger(__name__)


def create_point_view(
    renderer: RendererChoice = "auto", parent: QWidget | None = None
) -> PointView:
    """Make a 3D view.

    Args:
        renderer: "auto" takes OpenGL if a graphics card answers; "opengl" also takes a
            driver that emulates one. Without any the view draws in software and says
            why in its `renderer_note`.
        parent: Qt parent.
    """
    driver = "" if renderer == "software" else opengl_driver()
    if renderer == "auto":
        view = PointView(_opengl if is_graphics_card(driver) else SoftwareRenderer, parent)
    elif renderer == "opengl" and not driver:
        view = PointView(SoftwareRenderer, parent)
        view.renderer_note = view.tr("OpenGL 3.3 is not available here; drawing in software.")
    else:
        view = PointView(_opengl if renderer == "opengl" else SoftwareRenderer, parent)
    _logger.info("renderer %s (asked for %s, driver %r)", view.renderer_name, renderer, driver)
    return view


def _opengl(view: PointView, scene: Scene) -> Renderer:
    # PyOpenGL loads the system's libGL, which a machine may lack.
    from annotator.ui.view.opengl import OpenGLRenderer

    return OpenGLRenderer(view, scene)


def is_graphics_card(driver: str) -> bool:
    """Return whether an OpenGL driver's name is that of hardware."""
    name = driver.lower()
    return bool(name) and not any(word in name for word in SOFTWARE_DRIVERS)


@cache
def opengl_driver() -> str:
    """Return the name of the OpenGL 3.3 driver (GL_RENDERER), or "" if there is none.

    Tried once, with a context of its own, before any view relies on it.
    """
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return ""  # these make contexts, but widgets cannot show what they draw
    try:
        from annotator.ui.view.opengl import surface_format
    except (ImportError, AttributeError, OSError):
        return ""  # PyOpenGL's ways of saying that there is no libGL
    return _driver_name(surface_format())


def _driver_name(wanted: QSurfaceFormat) -> str:
    context, surface = QOpenGLContext(), QOffscreenSurface()
    context.setFormat(wanted)
    surface.setFormat(wanted)
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return ""
    enough = context.format().version() >= (3, 3)
    name = context.functions().glGetString(_GL_RENDERER)
    context.doneCurrent()
    return str(name) if enough and name else ""
