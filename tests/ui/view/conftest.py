"""A small scene with known places, shown by each renderer that this machine can run."""

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from annotator.domain import PointCloud
from annotator.ui.view import create_point_view
from annotator.ui.view.choose import opengl_driver

SIZE = (320, 240)


@pytest.fixture(params=["software", pytest.param("opengl", marks=pytest.mark.xvfb)])
def view(request, qtbot):
    """Return an empty, shown view of each renderer."""
    if request.param == "opengl" and not opengl_driver():
        pytest.skip("needs OpenGL 3.3 on an X display: QT_QPA_PLATFORM=xcb under xvfb-run")
    view = create_point_view(request.param)
    assert view.renderer_name == request.param
    qtbot.addWidget(view)
    view.resize(*SIZE)
    view.show()
    QApplication.processEvents()
    return view


def wall_and_plate():
    """Return a red wall of 41 x 31 points at y = 2 and a small green plate before it at y = 0.

    From the front the plate covers the wall's middle. Labels: 1 wall, 2 plate.
    """
    x, z = np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-1.5, 1.5, 31))
    wall = np.stack([x.ravel(), np.full(x.size, 2.0), z.ravel()], 1)
    x, z = np.meshgrid(np.linspace(-0.5, 0.5, 41), np.linspace(-0.5, 0.5, 41))
    plate = np.stack([x.ravel(), np.zeros(x.size), z.ravel()], 1)
    rgb = np.repeat([[200, 20, 20], [20, 200, 20]], [len(wall), len(plate)], axis=0)
    labels = np.repeat([1, 2], [len(wall), len(plate)])
    xyz = np.concatenate([wall, plate]).astype(np.float32)
    return PointCloud(xyz, rgb=rgb.astype(np.uint8), labels=labels.astype(np.int32))


@pytest.fixture
def scene(view):
    """Return the view with wall and plate seen from the front, without edge shading."""
    view.set_cloud(wall_and_plate())
    view.set_shading(False)
    view.set_point_size(6)
    view.camera.look("front")
    return view


def place_of(view, position):
    """Return where a point is in logical pixels."""
    x, y, _ = view.camera.projection().project(position)
    return float(x[0]), float(y[0])


def colour_at(view, position):
    """Return the red, green, blue in the picture where a point is."""
    image = view.grab_image()
    ratio = image.width() / view.width()
    x, y = place_of(view, position)
    return image.pixelColor(int(x * ratio), int(y * ratio)).getRgb()[:3]
