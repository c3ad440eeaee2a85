"""A real controller, a real view, a real project and a fast engine without a network."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from annotator.domain import PointCloud, thin
from annotator.engine.registry import PluginRegistry
from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.ui.annotate import CloudController
from annotator.ui.view import create_point_view

FIXTURES = Path(__file__).parents[2] / "plugins" / "fixtures" / "nearest_click"
TIMEOUT_MS = 5000


def three_blobs(labels: bool = True) -> PointCloud:
    """Three flat squares of 30 x 30 points, side by side along x, seen well from the top."""
    u, v = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 1, 30))
    square = np.stack([u.ravel(), v.ravel(), np.zeros(u.size)], axis=1)
    xyz = np.concatenate([square + np.array((2.0 * i, 0, 0)) for i in range(3)]).astype(np.float32)
    truth = np.repeat(np.arange(1, 4), 900).astype(np.int32) if labels else None
    return PointCloud(xyz, rgb=np.full((len(xyz), 3), 128, np.uint8), labels=truth, name="blobs")


class Bench:
    """Drives the controller as a person would: with mouse and keys on the view."""

    def __init__(self, qtbot, project, cloud, session, engine=("nearest-click", {})):
        self.qtbot, self.cloud, self.session = qtbot, cloud, session
        self.window = QMainWindow()
        qtbot.addWidget(self.window)
        self.view = create_point_view("software", self.window)
        self.window.setCentralWidget(self.view)
        self.window.resize(800, 600)
        self.messages = []
        self.requests = []
        request = session.request
        session.request = lambda *a: self.requests.append(a) or request(*a)
        if project.document.assets:
            self.asset_id = next(iter(project.document.assets))
        else:
            self.asset_id = project.add_asset(
                "blobs.ply", "cloud", cloud.content_hash, len(cloud), working_count=len(cloud)
            )
            if engine:
                project.set_engine(self.asset_id, *engine)
        self.project = project
        self.controller = CloudController(project, self.view, session, self.window)
        self.controller.message.connect(lambda *m: self.messages.append(m))
        for dock in self.controller.docks():
            self.window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        for widget in self.controller.status_widgets():
            self.window.statusBar().addWidget(widget)
        self.window.show()
        self.controller.open_asset(self.asset_id, thin(cloud, 0.0))
        self.view.camera.look("top")
        self.settle_view()
        self.handlers = self.controller.action_handlers()

    def settle_view(self):
        self.qtbot.waitUntil(lambda: self.view.pick(*self.place(465), 9) is not None)

    @property
    def asset(self):
        return self.project.asset(self.asset_id)

    @property
    def labels(self):
        return self.controller.bench.labels

    @property
    def shown(self):
        """What the view itself was last given, by point."""
        return self.view._scene.colours.slots

    def place(self, row):
        x, y, _ = self.view.camera.projection().project(self.cloud.xyz[row])
        return float(x[0]), float(y[0])

    def at(self, row):
        x, y = self.place(row)
        return QPoint(round(x), round(y))

    def click(
        self, row, modifiers=Qt.KeyboardModifier.NoModifier, button=Qt.MouseButton.LeftButton
    ):
        """Click where a point is drawn; far clicks in time so that none is a double click."""
        QTest.mouseClick(self.view, button, modifiers, self.at(row))
        QTest.mouseMove(self.view, QPoint(2, 2))

    def drag(self, start, end, button=Qt.MouseButton.LeftButton, steps=8, modifiers=None):
        """Press at one pixel, move to another, release."""
        keys = modifiers or Qt.KeyboardModifier.NoModifier
        QTest.mousePress(self.view, button, keys, start)
        for i in range(1, steps + 1):
            between = start + (end - start) * i / steps
            _move(self.view, between, button, keys)
        QTest.mouseRelease(self.view, button, keys, end)

    def do(self, name, *arguments):
        return self.handlers[name](*arguments)

    def wait_answer(self):
        """Wait until the newest clicks are answered and the engine rests."""
        runs = self.controller.bench.runs
        self.qtbot.waitUntil(lambda: not runs.unanswered and not runs.busy, timeout=TIMEOUT_MS)

    def status(self, name):
        return next(w for w in self.controller.status_widgets() if w.objectName() == name).text()

    def states(self):
        model = self.controller._clicks_model
        return [model.index(row, 2).data() for row in range(model.rowCount())]

    def close(self):
        self.controller.close()


def _move(view, at, button, modifiers):
    """Move with a button held, which `QTest.mouseMove` cannot say."""
    from PySide6.QtCore import QEvent, QPointF
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    place = QPointF(at)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        view.mapToGlobal(place),
        Qt.MouseButton.NoButton,
        button,
        modifiers,
    )
    QApplication.sendEvent(view, event)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))


@pytest.fixture
def session():
    before = set(threading.enumerate())
    registry = PluginRegistry.discover([FIXTURES], disk=False)
    session = EngineSession(registry, device="cpu")
    yield session
    session.close()
    left = {t for t in threading.enumerate() if t.is_alive()} - before
    assert not {t for t in left if t.name.startswith("inference")}


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "blobs.annotation") as project:
        yield project


@pytest.fixture
def make_bench(qtbot, project, session):
    made = []

    def make(**options):
        options.setdefault("cloud", three_blobs())
        options.setdefault("project", project)
        options.setdefault("session", session)
        bench = Bench(qtbot, **options)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench):
    return make_bench()
