import pytest
from PySide6.QtWidgets import QApplication

from annotator.ui.view import choose, create_point_view
from annotator.ui.view.choose import change_renderer, is_graphics_card, opengl_driver
from tests.ui.view.conftest import wall_and_plate


@pytest.mark.parametrize(
    ("driver", "hardware"),
    [
        ("NVIDIA GeForce RTX 3060/PCIe/SSE2", True),
        ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", True),
        ("AMD Radeon RX 6600 (radeonsi)", True),
        ("llvmpipe (LLVM 15.0.6, 256 bits)", False),
        ("Google SwiftShader", False),
        ("Apple Software Renderer", False),
        ("GDI Generic", False),
        ("", False),
    ],
)
def test_emulated_drivers_are_no_graphics_card(driver, hardware):
    assert is_graphics_card(driver) == hardware


@pytest.mark.parametrize("driver", ["", "llvmpipe (LLVM 15)"])
def test_without_a_graphics_card_automatic_draws_in_software(qtbot, monkeypatch, driver):
    monkeypatch.setattr(choose, "opengl_driver", lambda: driver)
    view = create_point_view()
    qtbot.addWidget(view)
    assert view.renderer_name == "software"
    assert view.renderer_note == ""


def test_software_can_be_asked_for_without_trying_a_context(qtbot, monkeypatch):
    monkeypatch.setattr(choose, "opengl_driver", lambda: pytest.fail("tried"))
    view = create_point_view("software")
    qtbot.addWidget(view)
    assert view.renderer_name == "software"


def test_opengl_where_there_is_none_falls_back_and_says_why(qtbot, monkeypatch):
    monkeypatch.setattr(choose, "opengl_driver", lambda: "")
    view = create_point_view("opengl")
    qtbot.addWidget(view)
    assert view.renderer_name == "software"
    assert "OpenGL" in view.renderer_note


def test_changing_the_renderer_keeps_the_scene(qtbot):
    view = create_point_view("software")
    qtbot.addWidget(view)
    view.resize(320, 240)
    view.show()
    view.set_cloud(wall_and_plate())
    view.set_labels(view.cloud.labels)
    view.camera.orbit(11, 3)
    before = view.grab_image()
    view.fall_back("the driver refused")
    assert view.renderer_note == "the driver refused"
    assert view.grab_image() == before


@pytest.fixture
def driver():
    if not opengl_driver():
        pytest.skip("needs OpenGL 3.3 on an X display: QT_QPA_PLATFORM=xcb under xvfb-run")


@pytest.mark.xvfb
def test_a_graphics_card_is_used_automatically(qtbot, monkeypatch, driver):
    monkeypatch.setattr(choose, "opengl_driver", lambda: "A Real Card")
    view = create_point_view("auto")
    qtbot.addWidget(view)
    assert view.renderer_name == "opengl"


@pytest.mark.xvfb
def test_a_driver_that_refuses_the_program_is_replaced_by_software(qtbot, monkeypatch, driver):
    from annotator.ui.view import shaders

    monkeypatch.setattr(shaders, "POINT_VERTEX", "#version 330 core\nvoid main() { nonsense }")
    view = create_point_view("opengl")
    qtbot.addWidget(view)
    view.resize(320, 240)
    view.set_cloud(wall_and_plate())
    view.show()
    qtbot.waitUntil(lambda: view.renderer_name == "software", timeout=5000)
    assert "driver refused" in view.renderer_note
    view.camera.look("front")
    assert view.pick(160, 120) is not None


@pytest.mark.xvfb
def test_both_renderers_show_the_same_picture(qtbot, driver):
    pictures = []
    for name in ("software", "opengl"):
        view = create_point_view(name)
        qtbot.addWidget(view)
        view.resize(320, 240)
        view.show()
        view.set_cloud(wall_and_plate())
        view.set_labels(view.cloud.labels)
        view.set_point_size(3)
        view.set_adaptive_size(False)
        view.camera.look("front")
        QApplication.processEvents()
        pictures.append(view.grab_image())
    different = sum(
        pictures[0].pixelColor(x, y).lightness() - pictures[1].pixelColor(x, y).lightness()
        not in range(-12, 13)
        for x in range(320)
        for y in range(240)
    )
    assert different < 0.03 * 320 * 240


@pytest.mark.xvfb
def test_the_renderer_of_a_view_on_the_screen_can_be_changed_to_and_fro(qtbot, driver):
    view = create_point_view("software")
    qtbot.addWidget(view)
    view.resize(320, 240)
    view.show()
    qtbot.waitExposed(view)
    view.set_cloud(wall_and_plate())
    view.set_labels(view.cloud.labels)
    view.camera.look("front")
    for name in ("opengl", "software", "opengl"):
        change_renderer(view, name)
        QApplication.processEvents()
        assert view.renderer_name == name
        assert view.pick(160, 120) is not None
        picture = view.grab_image()
        corner, middle = picture.pixelColor(2, 2), picture.pixelColor(160, 120)
        assert corner != middle
