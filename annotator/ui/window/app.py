"""Starts the window."""

import logging
import sys
from importlib.util import find_spec
from pathlib import Path

import PySide6
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from annotator.domain import AnnotatorError
from annotator.engine.registry import PluginRegistry
from annotator.ui.basics.crash import CrashDialog, CrashReporter
from annotator.ui.basics.icons import icon
from annotator.ui.basics.interrupts import Interrupts
from annotator.ui.basics.settings import Preferences, WindowState
from annotator.ui.basics.theme import apply_theme
from annotator.ui.commands.shortcuts import TextFieldsWin
from annotator.ui.view import RendererChoice
from annotator.ui.window.main_window import MainWindow

_PROBES = 1000
_log = logging.getLogger(__name__)


def check_opencv(package: Path | None = None) -> None:
    """Refuse an OpenCV that carries its own Qt plugins: the two Qts crash each other.

    Args:
        package: Folder of the `cv2` package; looked up, without importing it, if None.

    Raises:
        AnnotatorError: If it does, with the way out.
    """
    if package is None:
        spec = find_spec("cv2")
        if spec is None or spec.origin is None:
            return
        package = Path(spec.origin).parent
    if (package / "qt" / "plugins").is_dir():
        raise AnnotatorError(
            "The installed opencv-python carries a Qt of its own, which breaks this window.",
            "Replace it: pip uninstall opencv-python; pip install opencv-python-headless",
        )


def check_binding() -> None:
    """Refuse a Qt binding that loses references to None: a long session would end in an abort.

    PySide6 6.12.0 does so on Python 3.11, at every call without a result.

    Raises:
        AnnotatorError: If it does, with the way out.
    """
    probe = QObject()
    before = sys.getrefcount(None)
    for _ in range(_PROBES):
        probe.setObjectName("probe")
    if sys.getrefcount(None) < before - _PROBES // 2:
        raise AnnotatorError(
            f"PySide6 {PySide6.__version__} does not work on Python {sys.version.split()[0]}: "
            "it would crash after some minutes.",
            'Replace it: pip install "PySide6-Essentials<6.12"',
        )


def make_application() -> QApplication:
    """Return the one QApplication, made if there is none yet."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    app = QApplication(sys.argv[:1])
    app.setApplicationName("annotator")
    app.setApplicationDisplayName("Click Annotator")
    app.setDesktopFileName("annotator")
    return app


def make_window(
    preferences: Preferences,
    renderer: RendererChoice | None = None,
    registry: PluginRegistry | None = None,
    state: WindowState | None = None,
) -> MainWindow:
    """Return the window, dressed and in its place but not shown."""
    app = make_application()
    apply_theme(app, preferences["theme"])
    app.styleHints().colorSchemeChanged.connect(lambda _: _follow_system(app, preferences))
    app.setWindowIcon(icon("scan"))
    plugins = registry or PluginRegistry.discover()
    window = MainWindow(preferences, state or WindowState(), plugins, renderer)
    window.restore_geometry()
    return window


def _follow_system(app: QApplication, preferences: Preferences) -> None:
    if preferences["theme"] == "system":
        apply_theme(app, "system")


def run_app(
    path: Path | None = None,
    *,
    renderer: RendererChoice | None = None,
    project: Path | None = None,
    engine: str | None = None,
) -> int:
    """Open the window and stay until it is closed.

    Args:
        path: Scan or project to open.
        renderer: "auto", "software" or "opengl" instead of the preferred one.
        project: Project file to open, or to use for the scan.
        engine: Engine to use instead of the project's or the preferred one.

    Returns:
        The process's exit status.

    Raises:
        AnnotatorError: If the window cannot work in this installation.
    """
    check_opencv()
    check_binding()
    app = make_application()
    reporter = CrashReporter()
    reporter.install()
    text_filter = TextFieldsWin()
    app.installEventFilter(text_filter)
    chosen = None if renderer == "auto" else renderer
    window = make_window(Preferences(), chosen)
    window.engines.preferred = engine or ""
    reporter.crashed.connect(lambda head, text: CrashDialog(head, text, window).show())
    interrupts = Interrupts(window.close, app)
    window.show()
    QTimer.singleShot(0, window, lambda: _open_first(window, path, project))
    try:
        return app.exec()
    finally:
        interrupts.uninstall()
        app.removeEventFilter(text_filter)
        reporter.uninstall()


def _open_first(window: MainWindow, path: Path | None, project: Path | None) -> None:
    if path is not None:
        window.open_path(path, project)
    elif project is not None:
        window.open_path(project)
