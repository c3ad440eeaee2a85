"""The window as a process of its own."""

import os
import subprocess
import sys
import textwrap

import pytest
from PySide6.QtGui import QColor, QImage

from annotator.cli.main import load
from annotator.domain import AnnotatorError, object_colour
from annotator.engine.trust import trust
from tests.ui.conftest import FIXTURE_PLUGINS


def run_window(code, own_home, timeout=120, trusted=True):
    """Run the application in a new process, with `code` called once the event loop runs."""
    script = f"""
        import sys
        from pathlib import Path
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        from annotator.ui.window.app import make_application, run_app
        app = make_application()

        def when_open(action):
            def check():
                window = next(w for w in app.topLevelWidgets() if w.objectName() == "mainWindow")
                if window.workspace is not None:
                    timer.stop()
                    action(window)
            timer = QTimer(app)
            timer.timeout.connect(check)
            timer.start(50)

        {textwrap.indent(textwrap.dedent(code), " " * 8).strip()}
    """
    plugins = own_home / "data" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "nearest_click").symlink_to(FIXTURE_PLUGINS / "nearest_click")
    if trusted:
        trust(plugins / "nearest_click")
    environment = {**os.environ, "ANNOTATOR_HOME": str(own_home), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def test_the_application_opens_a_scan_with_the_engine_asked_for_and_ends_cleanly(scan, own_home):
    done = run_window(
        f"""
        def look(window):
            print(window.workspace.scan.path.name, window.workspace.asset.engine_ref)
            window.close()
        when_open(look)
        sys.exit(run_app(Path({str(scan)!r}), renderer="software", engine="nearest-click"))
        """,
        own_home,
    )
    assert done.stdout.strip() == "boxes.npz nearest-click", done.stderr
    assert done.returncode == 0, done.stderr


def test_an_interrupt_in_the_terminal_closes_the_window_cleanly(scan, own_home):
    done = run_window(
        f"""
        import os, signal
        when_open(lambda window: os.kill(os.getpid(), signal.SIGINT))
        status = run_app(Path({str(scan)!r}), renderer="software", engine="nearest-click")
        from annotator.project import Project
        with Project.open({str(scan) + ".annotator"!r}) as project:
            print("recovered", project.recovered)
        sys.exit(status)
        """,
        own_home,
    )
    assert done.stdout.strip() == "recovered None", done.stderr
    assert done.returncode == 0, done.stderr


def test_an_error_nobody_caught_shows_a_dialog_and_the_window_goes_on(scan, own_home):
    done = run_window(
        f"""
        def fail():
            raise RuntimeError("nobody caught this")

        def look(window):
            QTimer.singleShot(0, fail)
            QTimer.singleShot(500, lambda: report(window))

        def report(window):
            dialogs = [w.objectName() for w in app.topLevelWidgets() if w.isVisible()]
            print(sorted(dialogs))
            window.close()
        when_open(look)
        sys.exit(run_app(Path({str(scan)!r}), renderer="software", engine="nearest-click"))
        """,
        own_home,
    )
    assert "crashDialog" in done.stdout, done.stderr
    assert "mainWindow" in done.stdout
    assert "nobody caught this" in (own_home / "log" / "annotator.log").read_text()


def test_a_screenshot_shows_the_window_with_clicks_answered_and_leaves_nothing_behind(
    scan, own_home, tmp_path
):
    clicks = tmp_path / "clicks.json"
    clicks.write_text('{"clicks": [{"position": [-1.0, 0.0, 0.9], "object": 4}]}')
    target = tmp_path / "window.png"
    done = run_window(
        f"""
        from annotator.ui.window.screenshot import take_screenshot
        sys.exit(take_screenshot(
            Path({str(scan)!r}), Path({str(target)!r}), clicks=Path({str(clicks)!r}),
            engine="nearest-click",
        ))
        """,
        own_home,
    )
    assert done.returncode == 0, done.stderr
    picture = QImage(str(target))
    assert (picture.width(), picture.height()) == (1360, 860)
    yellow = QColor(*object_colour(4))  # of the chip in the list and of the points
    near = sum(
        abs(c.red() - yellow.red())
        + abs(c.green() - yellow.green())
        + abs(c.blue() - yellow.blue())
        < 40
        for x in range(0, 1360, 4)
        for y in range(0, 860, 4)
        for c in (picture.pixelColor(x, y),)
    )
    assert near > 5
    assert [path.name for path in scan.parent.iterdir()] == [scan.name]


def test_a_screenshot_with_an_engine_that_may_not_run_ends_without_a_picture(
    scan, own_home, tmp_path
):
    target = tmp_path / "window.png"
    done = run_window(
        f"""
        from annotator.ui.window.screenshot import take_screenshot
        picture = Path({str(target)!r})
        sys.exit(take_screenshot(Path({str(scan)!r}), picture, engine="nearest-click"))
        """,
        own_home,
        trusted=False,
    )
    assert done.returncode == 1, done.stderr
    assert not target.exists()


def test_a_screenshot_of_nothing_is_refused_in_words(tmp_path):
    with pytest.raises(AnnotatorError, match="needs a scan"):
        load("annotator.cli.gui:_take_screenshot")(None, tmp_path / "x.png", None, "auto", "light")
