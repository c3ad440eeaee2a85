"""Takes a picture of the window at work, for the README and for bug reports."""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage

from annotator.ui.basics.places import is_project
from annotator.ui.basics.settings import Preferences, WindowState
from annotator.ui.files.opener import Workspace
from annotator.ui.view import RendererChoice
from annotator.ui.window.app import make_application, make_window
from annotator.ui.window.main_window import MainWindow

SIZE = (1360, 860)
_LOOK_EVERY_MS = 100
_QUIET_LOOKS = 5  # in a row: nothing is under way, and pictures and timers have settled


class Screenshot(QObject):
    """Places clicks on the scan that opens, waits for their answer, takes a picture and quits.

    Attributes:
        saved: Whether the picture was written.
    """

    def __init__(self, window: MainWindow, target: Path, clicks: Path | None) -> None:
        super().__init__(window)
        self.saved = False
        self._window, self._target, self._clicks = window, target, clicks
        self._quiet = 0
        self._timer = QTimer(self, interval=_LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        window.opener.opened.connect(self._place)
        window.opener.ended.connect(self._finish)

    def _place(self, workspace: Workspace) -> None:
        if self._clicks is not None and not workspace.asset.clicks:
            self._window.files.add_clicks_of(workspace, self._clicks)
        self._timer.start()

    def _look(self) -> None:
        controller = self._window.controller
        if controller is None:
            return
        if controller.bench.runs.unusable:
            self._finish()
            return
        at_rest = controller.at_rest and not self._window.jobs.jobs
        self._quiet = self._quiet + 1 if at_rest else 0
        if self._quiet < _QUIET_LOOKS:
            return
        if self._window.messages.banners:
            self._window.messages.clear()  # they come and go; the view gets their room
            self._quiet = 0
            return
        self._window.view.grab_image()  # completes a picture that is drawn in slices
        self.saved = save_small(self._window.grab().toImage(), self._target)
        self._finish()

    def _finish(self) -> None:
        self._timer.stop()
        self._window.close()


def save_small(picture: QImage, target: Path) -> bool:
    """Write a picture in steps of 8 of 256 levels of each colour; return whether that went well.

    Nobody sees the difference, and the noise of thousands of points packs into half the bytes.
    """
    whole = picture.convertToFormat(QImage.Format.Format_RGB888)
    height, width, stride = whole.height(), whole.width(), whole.bytesPerLine()
    rows = np.frombuffer(whole.constBits(), np.uint8).reshape(height, stride)
    levels = (rows[:, : 3 * width].astype(np.int32) + 4) // 8 * 8
    colours = np.minimum(levels, 255).astype(np.uint8).reshape(height, width, 3)
    try:
        PillowImage.fromarray(colours).save(target, optimize=True)
    except (OSError, ValueError):
        return False
    return True


def take_screenshot(
    path: Path,
    target: Path,
    *,
    clicks: Path | None = None,
    renderer: RendererChoice = "software",
    theme: str = "light",
    engine: str = "",
) -> int:
    """Open the window on a scan or project, place clicks, and write a picture of the window.

    A scan gets a project in a folder that is gone afterwards, and settings are those of a
    new installation: the same call makes the same picture everywhere.

    Args:
        path: Scan or project to open.
        target: Picture file to write, usually PNG.
        clicks: JSON file of clicks to place on a scan that has none.
        renderer: What draws the scan.
        theme: "light" or "dark".
        engine: Engine to use instead of the default one.

    Returns:
        The process's exit status: 1 if there was nothing to take a picture of.
    """
    app = make_application()
    with tempfile.TemporaryDirectory(prefix="annotator-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        preferences = Preferences(folder / "preferences.json")
        preferences["theme"] = theme
        window = make_window(preferences, renderer, state=WindowState(folder / "window.ini"))
        window.engines.preferred = engine
        window.resize(*SIZE)
        picture = Screenshot(window, target, clicks)
        window.show()
        project = None if is_project(path) else folder / f"{path.name}.annotator"
        QTimer.singleShot(0, window, lambda: window.open_path(path, project))
        app.exec()
    return 0 if picture.saved else 1
