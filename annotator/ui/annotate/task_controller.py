"""What every controller does, whatever the task: tools, history, camera, word to the shell."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from annotator.ui.annotate.bench import Bench
from annotator.ui.annotate.camera_log import CameraLog
from annotator.ui.annotate.tools import AnnotationTool
from annotator.ui.view import AnnotationView


class TaskController(QObject):
    """Lets a person work on one asset at a time; what a task adds is its subclass's.

    Attributes:
        bench: The open asset.

    Signals:
        message: (headline, detail, level) to show in the window.
        busyChanged: Whether the engine works.
        conditionsChanged: `conditions()` should be read anew.
    """

    message = Signal(str, str, str)
    busyChanged = Signal(bool)  # noqa: N815 - Qt spells signals so
    conditionsChanged = Signal()  # noqa: N815 - Qt spells signals so
    bench: Bench

    def __init__(
        self, bench: Bench, tools: Mapping[str, AnnotationTool], parent: QObject | None
    ) -> None:
        """Take the first of the tools, which all draw on the bench's view."""
        super().__init__(parent)
        self._window = parent if isinstance(parent, QWidget) else None
        bench.setParent(self)
        self.bench = bench
        self._view: AnnotationView = bench.canvas.view
        self._tools, self._tool = tools, next(iter(tools))
        self._camera = CameraLog(self._view, self._record_camera, self)
        self._busy = self._closed = False
        self._known: frozenset[str] = frozenset()
        bench.message.connect(self.message)
        self._view.set_tool(self._tools[self._tool])

    # The contract with the shell ------------------------------------------------------------

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {
            "undo": self.undo,
            "redo": self.redo,
            "select_tool": self.select_tool,
            "cancel_run": self.cancel,
        }

    def docks(self) -> Sequence[QDockWidget]:
        """Return the docks, most important first."""
        return ()

    def status_widgets(self) -> Sequence[QWidget]:
        """Return what belongs into the status bar, from left to right."""
        return ()

    def area_of(self, dock: QDockWidget, usual: Qt.DockWidgetArea) -> Qt.DockWidgetArea:
        """Return where a dock belongs."""
        return usual

    def arrange(self, window: QMainWindow) -> None:
        """Put docks that were just added to the window over one another, if they shall be."""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is computed any more."""
        return not (self.bench.runs.busy or self.bench.runs.unanswered)

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        bench, project = self.bench, self.bench.project
        open_ = bench.asset is not None
        facts = {
            "asset": open_,
            "writable": open_ and not project.read_only,
            "object": bench.current is not None,
            "can_undo": project.can_undo,
            "can_redo": project.can_redo,
            "isolated": bench.isolated is not None,
            "busy": bench.runs.busy,
            f"tool_{self._tool}": open_,
        }
        return frozenset(name for name, holds in facts.items() if holds)

    def close(self) -> None:
        """Let go of everything; answers that are still under way are not shown."""
        if self._closed:
            return
        self._closed = True
        for tool in self._tools.values():
            tool.cancel()
        self._view.set_tool(None)
        self._camera.close()
        self.bench.close()

    # What actions do -------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the newest step; its earlier mask comes back without a run."""
        self._cancel_gesture()
        self.bench.attempt(self.bench.project.undo)

    def redo(self) -> None:
        """Do the newest undone step again."""
        self._cancel_gesture()
        self.bench.attempt(self.bench.project.redo)

    def select_tool(self, name: str) -> None:
        """Take another tool, such as click or brush."""
        self._cancel_gesture()
        self._tool = name
        self._view.set_tool(self._tools[name])
        self._announce_conditions()

    def cancel(self) -> None:
        """Stop the engine, and give up an unfinished gesture."""
        self._cancel_gesture()
        self.bench.runs.cancel()

    def _cancel_gesture(self) -> None:
        self._tools[self._tool].cancel()

    # What the window shows -------------------------------------------------------------------

    def _announce(self) -> None:
        """Tell the shell what changed of conditions and work under way."""
        self._announce_conditions()
        if self.bench.runs.busy != self._busy:
            self._busy = self.bench.runs.busy
            self.busyChanged.emit(self._busy)

    def _announce_conditions(self) -> None:
        now = self.conditions()
        if now != self._known:
            self._known = now
            self.conditionsChanged.emit()

    # Camera ------------------------------------------------------------------------------------

    def _show_camera(self, asset_id: int) -> None:
        """Look at an asset just opened from where the person left it."""
        stored = self.bench.project.camera_of(asset_id)
        if stored:
            self._view.camera.from_json(stored)
        self._camera.rest()
        self._view.setFocus()

    def _record_camera(self, camera: str) -> None:
        bench = self.bench
        if bench.asset_id is not None and not bench.project.read_only:
            bench.attempt(bench.project.record_camera, bench.asset_id, camera)
