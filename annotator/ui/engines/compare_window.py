"""Two engines side by side on the open asset, with the same clicks and the same camera."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import Mask
from annotator.domain.cloud import Int32
from annotator.engine.registry import PluginRegistry
from annotator.engine.session import EngineEvent, EngineSession
from annotator.project import Change
from annotator.ui.annotate.bridge import EngineBridge
from annotator.ui.engines.compared import AnyCamera, Compared
from annotator.ui.engines.engine_menu import EngineChoice
from annotator.ui.view import AnnotationView

_ASSET = 1


class Side(QWidget):
    """One engine with its own session, and what it makes of the clicks.

    Signals:
        answered: Labels came.
        chosen: Another engine was chosen here.
    """

    answered = Signal()
    chosen = Signal(str)

    def __init__(
        self,
        name: str,
        registry: PluginRegistry,
        choices: list[EngineChoice],
        device: str,
        compared: Compared,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.labels: Int32 | None = None
        self._compared = compared
        self.canvas = compared.canvas(self)
        self.view = self.canvas.view
        self.view.setObjectName(f"compareView{name}")
        self.view.setAccessibleName(f"Labels of engine {name}")
        self.combo = QComboBox(self)
        self.combo.setObjectName(f"compareEngine{name}")
        self.combo.setAccessibleName(f"Engine {name}")
        for choice in choices:
            self.combo.addItem(choice.title, choice.ref)
        self.status = QLabel(self)
        self.status.setObjectName(f"compareStatus{name}")
        self.status.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(QLabel(f"{name}:", self))
        row.addWidget(self.combo, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for item in (row, self.view, self.status):
            if isinstance(item, QWidget):
                column.addWidget(item, 1 if item is self.view else 0)
            else:
                column.addLayout(item)
        self.session = EngineSession(registry, device=device)
        self._bridge = EngineBridge(self.session, self)
        self._bridge.arrived.connect(self._on_event)
        self.combo.activated.connect(lambda: self.chosen.emit(self.combo.currentData()))

    def use(self, ref: str) -> None:
        """Let another engine answer here; its labels replace those shown when they come."""
        self.combo.setCurrentIndex(self.combo.findData(ref))
        self.session.use(ref)

    def turn_to(self, compared: Compared) -> None:
        """Answer another asset's clicks from now on."""
        self.labels, self._compared = None, compared
        compared.show_in(self.canvas)
        self.session.open_asset(_ASSET, compared.asset)
        self.ask()

    def ask(self) -> None:
        """Ask for the labels of the document's clicks."""
        asset = self._compared.workspace.asset
        self.canvas.show_objects(asset.objects, frozenset())
        self.canvas.show_markers(asset.clicks, asset.objects, None)
        self.canvas.show_boxes(asset.boxes, asset.objects)
        if self._asks:
            self.session.request(_ASSET, self._compared.prompt)
        else:
            self._show_none("No clicks yet")

    @property
    def _asks(self) -> bool:
        prompt = self._compared.prompt
        return bool(prompt.clicks or prompt.boxes)

    def _show_none(self, why: str) -> None:
        """Show no labels: those of earlier clicks would be compared with newer ones."""
        self.labels = None
        self.canvas.show_labels(None)
        self.status.setText(why)
        self.answered.emit()

    def _on_event(self, event: EngineEvent) -> None:
        if event.kind == "done" and self.session.is_current(event):
            assert isinstance(event.result, Mask)  # of engines for scans and photos
            self.labels = event.result.labels
            objects = len(np.unique(self.labels[self.labels > 0]))
            count = "1 object" if objects == 1 else f"{objects} objects"
            self.status.setText(f"{count} in {event.milliseconds:.0f} ms")
            self.answered.emit()
        elif event.kind == "failed":
            self._show_none(str(event.error or "Failed"))
        elif event.kind == "encoded" and not self._asks:
            self.status.setText("No clicks yet")
        elif event.kind in ("loading", "encoding", "running"):
            self.status.setText(event.message or event.kind.capitalize())

    def close_session(self) -> None:
        """End the session's threads and free its engine."""
        self._bridge.close()
        self.session.close()
        self.view.shut_down()


class CompareWindow(QDialog):
    """Both sides follow the document: clicks are made in the main window."""

    def __init__(
        self,
        registry: PluginRegistry,
        choices: list[EngineChoice],
        compared: Compared,
        view: AnnotationView,
        device: str,
        allow: Callable[[str], bool],
        parent: QWidget | None = None,
    ) -> None:
        """Open both engines: the document's own on the left, the next one on the right.

        Args:
            registry: The plugins.
            choices: Engines that can be chosen.
            compared: The open asset.
            view: Of the main window, whose camera both sides follow and move.
            device: Where both compute.
            allow: Whether an engine may run, asking the person if need be.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.setObjectName("compareWindow")
        self.setWindowTitle("Compare two engines")
        self.resize(1180, 640)
        self._compared, self._allow = compared, allow
        self._closed = False
        self.sides = tuple(
            Side(name, registry, choices, device, compared, self) for name in ("A", "B")
        )
        self._cameras = compared.cameras([view, *(side.view for side in self.sides)])
        self.summary = QLabel(self)
        self.summary.setObjectName("compareSummary")
        self.only_differences = QCheckBox("Show only where they differ", self)
        self.only_differences.toggled.connect(self._show)
        self._lay_out()
        self._moving = False
        self._connections = [compared.workspace.project.changed.connect(self._on_change)]
        for camera in self._cameras:
            self._follow(camera)
        self._open(choices)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 10)
        row = QHBoxLayout()
        for side in self.sides:
            row.addWidget(side, 1)
            side.answered.connect(self._show)
            side.chosen.connect(lambda ref, side=side: self._choose(side, ref))
        column.addLayout(row, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.summary, 1)
        foot.addWidget(self.only_differences)
        column.addLayout(foot)

    def _open(self, choices: list[EngineChoice]) -> None:
        own = self._compared.workspace.asset.engine_ref
        refs = [choice.ref for choice in choices if not choice.problem]
        other = next((ref for ref in refs if ref != own), own)
        for side, ref in zip(self.sides, (own, other), strict=True):
            side.session.open_asset(_ASSET, self._compared.asset)
            if self._allow(ref):
                side.use(ref)
            side.ask()
        self._move(self._cameras[0])

    def turn_to(self, compared: Compared) -> None:
        """Compare both engines on another file of the project, of the same kind."""
        self._compared = compared
        for side in self.sides:
            side.turn_to(compared)
        self._show()
        self._move(self._cameras[0])

    def _choose(self, side: Side, ref: str) -> None:
        if self._allow(ref):
            side.use(ref)
            side.ask()

    def _follow(self, camera: AnyCamera) -> None:
        self._connections.append(camera.changed.connect(lambda *_: self._move(camera)))

    def _move(self, moved: AnyCamera) -> None:
        """See the same in all three views."""
        if self._moving:
            return
        self._moving = True
        for camera in self._cameras:
            if camera is not moved:
                self._compared.align(camera, moved)
        self._moving = False

    def _on_change(self, change: Change) -> None:
        concerned = change.asset_id in (None, self._compared.workspace.asset_id)
        if concerned and change.topics & {"clicks", "objects"}:
            for side in self.sides:
                side.ask()

    def _show(self) -> None:
        """Show both labels, or only the points on which they differ."""
        first, second = (side.labels for side in self.sides)
        differ = None
        if first is not None and second is not None and first.shape == second.shape:
            differ = first != second
            some = (first > 0) | (second > 0)
            share = differ.sum() / max(int(some.sum()), 1)
            count = f"{int(differ.sum()):,} {self._compared.unit}"
            self.summary.setText(f"They differ on {count} ({share:.1%}).")
        else:
            self.summary.setText("Waiting for both.")
        for side in self.sides:
            labels = side.labels
            if labels is not None and differ is not None and self.only_differences.isChecked():
                labels = np.where(differ, labels, 0).astype(np.int32)
            side.canvas.show_labels(labels)

    def shut_down(self) -> None:
        """Stop both engines; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for disconnect in self._connections:
            disconnect()
        for side in self.sides:
            side.close_session()

    def showEvent(self, event: QShowEvent) -> None:
        """See in both sides, now that they have their sizes, what the main window shows."""
        super().showEvent(event)
        self._move(self._cameras[0])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Go on showing the same part of the asset."""
        super().resizeEvent(event)
        self._move(self._cameras[0])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Free both engines with the window."""
        self.shut_down()
        super().closeEvent(event)

    def reject(self) -> None:
        """Close by the Escape key."""
        self.close()
