"""Which renderer draws: OpenGL where a graphics card does it, software elsewhere."""

import logging
from functools import cache
from typing import Literal

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext, QSurfaceFormat
from PySide6.QtWidgets import QWidget

from annotator.ui.view.point_view import PointView, RendererFactory
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
    make, note = _choose(renderer)
    view = PointView(make, parent)
    # A renderer that failed at once has said why already.
    view.renderer_note = note or view.renderer_note
    return view


def change_renderer(view: PointView, renderer: RendererChoice) -> None:
    """Let a view draw with another renderer from now on; see `create_point_view`."""
    make, view.renderer_note = _choose(renderer)
    view.use_renderer(make)


def _choose(renderer: RendererChoice) -> tuple[RendererFactory, str]:
    """Return what makes the renderer, and why it is not the one asked for; empty if it is."""
    driver = "" if renderer == "software" else opengl_driver()
    _logger.info("renderer asked for: %s, driver %r", renderer, driver)
    if renderer == "auto":
        return (_opengl if is_graphics_card(driver) else SoftwareRenderer), ""
    if renderer == "opengl" and not driver:
        return SoftwareRenderer, "OpenGL 3.3 is not available here; drawing in software."
    return (_opengl if renderer == "opengl" else SoftwareRenderer), ""


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
