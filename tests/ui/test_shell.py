"""Themes, preferences, messages, jobs, engines, crashes: the rest of the shell."""

import json
import sys
import threading

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QFileDialog, QPushButton, QToolBar

from annotator.domain import AnnotatorError
from annotator.engine import threads
from annotator.engine.manifest import ParameterSpec
from annotator.project import Project
from annotator.ui.basics.crash import CrashDialog, CrashReporter, log_file
from annotator.ui.basics.jobs import JobRunner, ProgressStrip
from annotator.ui.basics.menu_button import MenuButton
from annotator.ui.basics.messages import MessageBar
from annotator.ui.basics.settings import SETTINGS, WINDOW_STATE_VERSION, Preferences, WindowState
from annotator.ui.basics.theme import apply_theme, is_dark
from annotator.ui.engines.engine_menu import engine_choices, full_ref
from annotator.ui.engines.parameters_form import ParametersForm
from annotator.ui.window import app as app_module
from annotator.ui.window.app import check_binding, check_opencv
from annotator.ui.window.preferences_dialog import PreferencesDialog
from annotator.ui.window.view_handlers import stepped
from tests.ui.conftest import headlines, wait_open

# Themes --------------------------------------------------------------------------------


def test_switching_the_theme_repaints_the_window_and_is_remembered(window):
    window.actions_manager.trigger("theme_light")
    light = window.actions_manager.actions["open"].icon().pixmap(24).toImage()
    assert not is_dark(QApplication.palette())
    window.actions_manager.trigger("theme_dark")
    QApplication.processEvents()
    assert is_dark(QApplication.palette())
    assert window.actions_manager.actions["theme_dark"].isChecked()
    assert not window.actions_manager.actions["theme_light"].isChecked()
    assert window.actions_manager.actions["open"].icon().pixmap(24).toImage() != light
    assert Preferences()["theme"] == "dark"
    window.actions_manager.trigger("theme_light")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_background(qapp, theme):
    def luminance(colour):
        parts = [colour.redF(), colour.greenF(), colour.blueF()]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    apply_theme(qapp, theme)
    palette = qapp.palette()
    pairs = [
        (palette.windowText(), palette.window()),
        (palette.text(), palette.base()),
        (palette.buttonText(), palette.button()),
        (palette.highlightedText(), palette.highlight()),
        (palette.placeholderText(), palette.base()),
    ]
    for front, back in pairs:
        a, b = sorted((luminance(front.color()), luminance(back.color())))
        assert (b + 0.05) / (a + 0.05) >= 4.5
    apply_theme(qapp, "light")


# Preferences and window state ----------------------------------------------------------


def test_every_setting_has_a_field_and_changes_apply_at_once(window, preferences):
    window.actions_manager.trigger("preferences")
    dialog = window.findChild(PreferencesDialog)
    assert set(dialog.fields) == {setting.key for setting in SETTINGS}
    dialog.fields["thin_above"].setValue(500_000)
    box = dialog.fields["theme"]
    box.setCurrentIndex(box.findData("dark"))
    assert is_dark(QApplication.palette())
    dialog.accept()
    stored = json.loads(preferences.path.read_text())["settings"]
    assert stored["thin_above"] == 500_000
    assert stored["theme"] == "dark"
    preferences["theme"] = "light"


def test_a_broken_preferences_file_is_kept_and_said(make_shown_window, preferences, own_home):
    preferences.path.write_text("{ not json")
    again = Preferences()
    assert again["theme"] == "system"
    assert "could not be read" in again.problem
    assert preferences.path.with_suffix(".broken.json").read_text() == "{ not json"


def test_values_that_a_setting_does_not_take_are_ignored_or_refused(preferences):
    preferences.path.write_text(json.dumps({"settings": {"theme": "pink", "thin_above": "x"}}))
    again = Preferences()
    assert again["theme"] == "system"
    assert again["thin_above"] == 2_000_000
    with pytest.raises(ValueError, match="theme cannot be"):
        again["theme"] = "pink"


def test_window_state_of_another_version_is_ignored(window, own_home):
    window.state.save_layout(window.saveGeometry(), window.saveState())
    state = WindowState()
    assert state.layout is not None
    state._settings.setValue("version", WINDOW_STATE_VERSION + 1)
    assert state.layout is None


def test_docks_and_toolbars_have_names_so_that_their_place_is_remembered(opened):
    widgets = [*opened.findChildren(QDockWidget), *opened.findChildren(QToolBar)]
    names = [widget.objectName() for widget in widgets]
    assert all(names)
    assert len(names) == len(set(names))


def test_a_closed_dock_stays_closed_when_the_scan_is_opened_again(opened, scan, qtbot):
    opened.findChild(QDockWidget, "clicksDock").close()
    opened.close_workspace()
    opened.open_path(scan)
    wait_open(qtbot, opened)
    assert not opened.findChild(QDockWidget, "clicksDock").isVisible()
    assert opened.findChild(QDockWidget, "objectsDock").isVisible()


# Messages ------------------------------------------------------------------------------


def test_an_error_shows_what_to_do_next(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    banner = bar.show_error(AnnotatorError("a.ply is cut off.", "Export it again."))
    assert (banner.headline, banner.detail, banner.level) == (
        "a.ply is cut off.", "Export it again.", "error",
    )  # fmt: skip
    assert "a.ply is cut off." in banner.accessibleName()


def test_an_unexpected_exception_folds_its_traceback_behind_details(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.show()
    try:
        raise RuntimeError("boom")
    except RuntimeError as error:
        banner = bar.show_error(error, "Opening x")
    assert banner.headline == "Opening x failed: boom"
    assert not banner._details.isVisible()
    next(b for b in banner.findChildren(QPushButton) if b.text() == "Details").click()
    assert "RuntimeError" in banner._details.toPlainText()
    assert not banner._details.isHidden()


def test_the_same_message_is_not_repeated_and_the_oldest_makes_room(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    for number in (1, 1, 2, 3, 4):
        bar.show_message(f"m{number}", level="error")
    assert [banner.headline for banner in bar.banners] == ["m2", "m3", "m4"]


def test_a_message_button_closes_the_message_and_acts(qtbot):
    bar, done = MessageBar(), []
    qtbot.addWidget(bar)
    banner = bar.show_message("m", buttons=[("Go", lambda: done.append(1))])
    banner.findChild(QPushButton).click()
    assert done == [1]
    assert bar.banners == ()


# Jobs ----------------------------------------------------------------------------------


@pytest.fixture
def runner(qtbot):
    runner = JobRunner()
    yield runner
    assert runner.shut_down()
    QApplication.processEvents()


def test_a_job_works_aside_and_answers_in_the_gui_thread(runner, qtbot):
    threads, answers = [], []
    runner.start(
        "Work",
        lambda progress, cancel: threads.append(threading.get_ident()) or 42,
        done=lambda result: answers.append((result, threading.get_ident())),
        failed=answers.append,
    )
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [(42, threading.get_ident())]
    assert threads[0] != threading.get_ident()
    assert runner.jobs == ()


def test_a_failing_job_hands_over_its_exception(runner, qtbot):
    errors = []
    runner.start("Work", lambda progress, cancel: 1 / 0, done=pytest.fail, failed=errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert isinstance(errors[0], ZeroDivisionError)


def test_a_cancelled_job_drops_its_result_even_if_it_ran_to_the_end(runner, qtbot):
    go_on, ended = threading.Event(), []
    job = runner.start(
        "Work",
        lambda progress, cancel: go_on.wait(10),
        done=lambda _: pytest.fail("a cancelled job answered"),
        failed=pytest.fail,
        cancelled=lambda: ended.append(True),
    )
    job.cancel()
    go_on.set()
    qtbot.waitUntil(lambda: bool(ended))


def test_the_progress_strip_shows_what_is_done_and_cancels_it(runner, qtbot):
    strip = ProgressStrip(runner)
    qtbot.addWidget(strip)
    ended = []

    def work(progress, cancel):
        progress(0.5, "halfway")
        while True:
            cancel.check()

    runner.start("Work", work, done=pytest.fail, failed=pytest.fail,
                 cancelled=lambda: ended.append(True))  # fmt: skip
    qtbot.waitUntil(lambda: strip._bar.value() == 500)
    assert strip._label.text() == "Work – halfway"
    QTest.mouseClick(strip._cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(ended))
    assert strip.isHidden()


# Engines -------------------------------------------------------------------------------


def test_engines_are_listed_and_the_one_in_use_is_checked(opened):
    actions = opened.engines.menu.actions
    assert actions["nearest-click"].isChecked()
    assert actions["nearest-click"] in opened.actions_manager.menus["Engine"].actions()


def test_a_broken_plugin_is_listed_with_its_reason_and_explained(
    make_shown_window, registry, tmp_path
):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "plugin.toml").write_text("api = 1\nid = 'broken'")
    broken = type(registry).discover(extra_folders=[folder])
    registry.entries["broken"] = broken.entries["broken"]
    window = make_shown_window()
    window.engines.menu.actions["broken"].trigger()
    assert headlines(window) == ["broken cannot be used."]
    assert {choice.ref for choice in engine_choices(registry)} >= {"broken", "nearest-click"}


def test_parameters_are_set_by_a_form_made_from_the_manifest(opened):
    opened.actions_manager.trigger("engine_parameters")
    form = opened.findChild(ParametersForm)
    form.fields["reach"].setValue(0.25)
    form.accept()
    assert opened.workspace.asset.parameters == {"reach": 0.25}
    assert opened.workspace.project.can_undo


def test_a_file_parameter_is_typed_or_chosen(qtbot, monkeypatch):
    spec = ParameterSpec(name="network", type="file", default="")
    form = ParametersForm("test", [spec], {"network": "old.onnx"}, {"network": ""})
    qtbot.addWidget(form)
    chosen = iter([("", ""), ("new.onnx", "")])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: next(chosen))
    form.fields["network"].browse.trigger()
    assert form.values == {"network": "old.onnx"}
    form.fields["network"].browse.trigger()
    assert form.values == {"network": "new.onnx"}


def test_a_reference_without_variant_means_the_default_one(registry):
    assert full_ref(registry, "nearest-click") == "nearest-click"
    assert full_ref(registry, "no-such-plugin") == "no-such-plugin"


def test_steps_end_at_their_ends():
    assert stepped((1.0, 2.0, 4.0), 2.0, +1) == 4.0
    assert stepped((1.0, 2.0, 4.0), 4.0, +1) == 4.0
    assert stepped((1.0, 2.0, 4.0), 1.5, -1) == 1.0


def test_view_actions_change_the_view(opened):
    size = opened.view.point_size
    opened.actions_manager.trigger("larger_points")
    assert opened.view.point_size > size
    opened.actions_manager.trigger("colour_ground_truth")
    assert opened.view.colour_mode == "ground_truth"
    assert opened.actions_manager.actions["colour_ground_truth"].isChecked()
    shading = opened.view.shading
    opened.actions_manager.trigger("shading")
    assert opened.view.shading != shading
    assert opened.actions_manager.actions["shading"].isChecked() == opened.view.shading


def test_a_depth_picture_opens_as_its_camera_saw_it(window, scan, qtbot):
    depth = scan.with_name("depth.npy")
    rng = np.random.default_rng(5)
    np.save(depth, rng.uniform([-0.5, -0.4, 0.8], [0.5, 0.4, 1.6], (500, 3)).astype(np.float32))
    window.open_path(depth)
    wait_open(qtbot, window)
    right, up, forward = window.view.camera.axes()
    assert np.allclose([right, up, forward], [[1, 0, 0], [0, -1, 0], [0, 0, 1]], atol=1e-6)


def test_a_room_opens_from_obliquely_above(opened):
    _, up, forward = opened.view.camera.axes()
    assert up[2] > 0.3
    assert forward[2] < -0.3


# Crashes -------------------------------------------------------------------------------


def test_an_uncaught_exception_in_any_thread_is_logged_and_announced(qtbot, own_home):
    reporter, seen = CrashReporter(), []
    reporter.crashed.connect(lambda headline, text: seen.append((headline, text)))
    reporter.install()
    try:
        sys.excepthook(ValueError, ValueError("in the GUI"), None)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: len(seen) == 2)
    finally:
        reporter.uninstall()
    assert seen[0][0] == "Unexpected error: in the GUI"
    assert "ZeroDivisionError" in seen[1][1]
    assert "ZeroDivisionError" in log_file().read_text()
    assert sys.excepthook is not reporter._on_exception


def test_the_crash_dialog_copies_the_traceback(qtbot):
    dialog = CrashDialog("Unexpected error: x", "Traceback: x")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.copy_button.click()
    assert QApplication.clipboard().text() == "Traceback: x"


def test_an_opencv_with_its_own_qt_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "qt" / "plugins").mkdir(parents=True)
    with pytest.raises(AnnotatorError, match="opencv-python-headless"):
        check_opencv(tmp_path)
    check_opencv(tmp_path / "qt")


def test_this_qt_binding_keeps_its_references_and_a_leaking_one_is_refused(monkeypatch):
    check_binding()

    class Sys:
        version = sys.version
        counts = iter((5000, 4000))

        @classmethod
        def getrefcount(cls, _):
            return next(cls.counts)

    monkeypatch.setattr(app_module, "sys", Sys)
    with pytest.raises(AnnotatorError, match="PySide6"):
        check_binding()


def test_screen_and_project_are_free_before_a_loading_engine_is_waited_for(opened, monkeypatch):
    project, seen = opened.workspace.project, []
    shut_down = opened.engines.shut_down

    def watched():
        with Project.open(project.path):  # refused while somebody has it open
            seen.append(opened.isVisible())
        shut_down()

    monkeypatch.setattr(opened.engines, "shut_down", watched)
    opened.close()
    assert seen == [False]


def test_a_renderer_that_is_not_there_is_named_at_once_and_software_goes_on(opened, preferences):
    preferences["renderer"] = "opengl"  # offscreen has none
    assert opened.view.renderer_name == "software"
    assert any("OpenGL" in line for line in headlines(opened))
    assert opened.view.pick(opened.view.width() / 2, opened.view.height() / 2) is not None


def test_another_device_loads_the_engine_anew_at_once(opened, preferences, qtbot):
    session = opened.engines.session
    qtbot.waitUntil(lambda: session.engine is not None)
    before = session.engine
    preferences["device"] = "cpu"
    qtbot.waitUntil(lambda: session.engine is not before)
    assert session.engine.ref == before.ref
    opened.workspace.project.add_click(1, opened.view.cloud.xyz[5], 1, index=5)
    runs = opened.controller.bench.runs
    qtbot.waitUntil(lambda: not runs.busy and not runs.unanswered)


def test_the_number_of_threads_is_taken_over_at_once(opened, preferences, monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    preferences["threads"] = 3
    assert threads.wanted() == 3
    preferences["threads"] = 0
    assert threads.wanted() == 0


def test_panels_are_as_they_were_left_after_the_window_was_closed(
    opened, make_shown_window, scan, qtbot
):
    def seen(window):
        return {dock.objectName(): dock.isVisible() for dock in window.findChildren(QDockWidget)}

    opened.findChild(QDockWidget, "clicksDock").close()
    before = seen(opened)
    opened.close()
    second = make_shown_window()
    second.open_path(scan)
    wait_open(qtbot, second)
    assert seen(second) == before
    assert before["objectsDock"]


def test_a_long_choice_is_shortened_so_that_the_toolbar_keeps_its_button(window):
    action = QAction("A network with a very long name, trained on all photos of the world", window)
    action.setCheckable(True)
    action.setChecked(True)
    button = MenuButton("Engine", lambda: [action], window)
    assert button.text().endswith("…")
    assert button.text().startswith("Engine: A network")
    assert action.text() in button.toolTip()
