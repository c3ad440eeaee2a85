"""Who works on what is open, where it is shown, and for which task."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from annotator.project.events import TaskName
from annotator.ui.annotate.task_controller import TaskController
from annotator.ui.files.kinds import Task
from annotator.ui.files.opener import Workspace
from annotator.ui.view import RendererChoice
from annotator.ui.window.controller_slot import ControllerSlot
from annotator.ui.window.stages import PhotoStage, ScanStage, Stage

if TYPE_CHECKING:
    from annotator.ui.window.main_window import MainWindow

QUEUED = Qt.ConnectionType.QueuedConnection


class Desk:
    """Keeps stage, task and controller of the window together.

    Attributes:
        scans: The stage of scans.
        stages: All stages by the kind of assets that they show.
        stage: The one in front; that of scans on the start page.
        slot: Who works on what is open: annotating or replaying; empty on the start page.
    """

    def __init__(self, window: "MainWindow", renderer: RendererChoice) -> None:
        self._window = window
        self.scans = ScanStage(renderer, window.refresh_conditions, window)
        self.stages: dict[str, Stage] = {
            "cloud": self.scans, "image": PhotoStage(window.refresh_conditions, window)
        }  # fmt: skip
        self.stage: Stage = self.scans
        self.slot = ControllerSlot(window)
        self._task: TaskName = "masks"
        self._disconnect: Callable[[], object] = lambda: None

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {"set_task": self.set_task, "set_replaying": self.set_replaying}

    @property
    def controller(self) -> TaskController | None:
        """Who annotates what is open; None on the start page and while replaying."""
        current = self.slot.current
        return current if isinstance(current, TaskController) else None

    @property
    def task(self) -> Task:
        """What is open is worked on for this."""
        name = self._task if self._task in self.stage.tasks else self.stage.tasks[0]
        return self.stage.kind.task(name)

    def conditions(self) -> frozenset[str]:
        """Return what holds of kind and task, for enabling and checking actions."""
        if self._window.workspace is None:
            return frozenset()
        offered = {f"has_task_{name}" for name in self.stage.tasks}
        return self.task.offers | offered | {
            f"kind_{self.stage.kind.name}", f"task_{self.task.name}"
        }  # fmt: skip

    # Annotating ------------------------------------------------------------------------------

    def continues(self, workspace: Workspace) -> bool:
        """Whether an asset is of the project and kind that are worked on already."""
        before = self._window.workspace
        same = before is not None and before.project is workspace.project
        fits = self.stage is self.stages[workspace.loaded.kind]
        return same and fits and self.controller is not None

    def take(self, workspace: Workspace) -> None:
        """Show the view for a workspace that is opened, and the task it was left with."""
        self._task = workspace.project.document.task
        stage = self.stages[workspace.loaded.kind]
        if stage is self.stage:
            return
        self._window.actions_manager.withdraw(self.stage.looks.handlers())
        self.stage.view.hide()
        self.stage = stage
        stage.view.show()
        self._window.actions_manager.supply(stage.looks.handlers())

    def start(self, workspace: Workspace) -> None:
        """Annotate the workspace's asset, with the controller that there is if it fits."""
        window, controller = self._window, self.controller
        window.engines.open(workspace, self.task.name)
        if controller is None:
            sessions = window.engines.session_for
            controller = self.stage.controller(workspace, self.task.name, sessions, window)
            self.slot.attach(controller, layout=self.task.name)
            self._disconnect = workspace.project.changed.connect(window.follow)
        self.stage.show(controller, workspace)

    def stop(self) -> None:
        """Let go of whoever works on what is open."""
        self._disconnect()
        self._disconnect = lambda: None
        self.slot.detach()
        self._window.engines.close()

    def set_task(self, name: TaskName) -> None:
        """Work on what is open for another task."""
        workspace = self._window.workspace
        if workspace is None or name not in self.stage.tasks or name == self.task.name:
            return
        replaying = self.controller is None
        if not replaying:
            self.stop()
        self._task = name
        if not workspace.read_only:
            workspace.project.choose_task(name)
        if not replaying:
            self._begin(workspace)

    def set_replaying(self, on: bool) -> None:
        """Show the session of the open file as a film, or annotate again."""
        workspace = self._window.workspace
        if workspace is None or on == (self.controller is None):
            return
        self.stop()
        if not on:
            self._begin(workspace)
            return
        film = self.stage.replay(workspace, self._window)
        # Later, because it comes from a button that goes away with it.
        film.endAsked.connect(lambda: self.set_replaying(False), QUEUED)
        self.slot.attach(film, film.dock_area(), keeps_layout=False)
        self._arrive()

    def _begin(self, workspace: Workspace) -> None:
        self.start(workspace)
        self._arrive()

    def _arrive(self) -> None:
        self.stage.view.setFocus()
        self._window.refresh_conditions()
