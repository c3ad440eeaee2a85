"""What is worked on, whatever the task: one open asset, its document, its view and its engine."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, ParamSpec, TypeVar

from PySide6.QtCore import QObject, Signal

from annotator.domain import BACKGROUND, AnnotatorError, ObjectInfo
from annotator.engine.session import EngineSession
from annotator.project import AssetState, Change, Project
from annotator.project.events import TaskName
from annotator.ui.annotate.pace import Pace
from annotator.ui.annotate.runs import Runs
from annotator.ui.annotate.shown import BaseCanvas

P = ParamSpec("P")
T = TypeVar("T")


class Bench(QObject):
    """One open asset and what a person does to it; each task's own is a subclass.

    Attributes:
        task: What the asset is worked on for: whose engine is used.
        project: The project.
        canvas: The view and what it shows.
        runs: What the engine does.
        current_object: Object that gestures are for.
        isolated: Object that is shown alone, or None.
        pace: Mean time a click.

    Signals:
        refreshed: What the window shows around the view should be read anew.
        message: (headline, detail, level) for the person.
    """

    refreshed = Signal()
    message = Signal(str, str, str)
    task: ClassVar[TaskName] = "masks"

    def __init__(
        self, project: Project, canvas: BaseCanvas, session: EngineSession, parent: QObject | None
    ) -> None:
        super().__init__(parent)
        self.project = project
        self.canvas = canvas
        self.runs = Runs(session, self)
        self.asset_id: int | None = None
        self.current_object = 1
        self.isolated: int | None = None
        self.pace = Pace.of(project)
        self._engine: object = None
        self._disconnect = project.changed.connect(self._on_change)
        self.runs.failed.connect(lambda headline, detail: self.say(headline, detail, "error"))

    # What there is ------------------------------------------------------------------------

    @property
    def asset(self) -> AssetState | None:
        """The open asset as the document says it is now."""
        if self.asset_id is None:
            return None
        return self.project.document.assets.get(self.asset_id)

    @property
    def current(self) -> ObjectInfo | None:
        """The current object; None for the background or one that is yet to come into being."""
        return self.asset.objects.get(self.current_object) if self.asset else None

    @property
    def hidden(self) -> frozenset[int]:
        """Objects that are not drawn; 0 stands for what belongs to none."""
        if self.asset is None:
            return frozenset()
        objects = self.asset.objects
        if self.isolated in objects:
            return (frozenset(objects) | {BACKGROUND}) - {self.isolated}
        return frozenset(i for i, info in objects.items() if not info.visible)

    # What a person does ------------------------------------------------------------------------

    def say(self, headline: str, detail: str = "", level: str = "info") -> None:
        """Show a message in the window."""
        self.message.emit(headline, detail, level)

    def attempt(self, action: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
        """Do something to the document; say in words if it refuses, and return None then."""
        try:
            return action(*arguments, **named)
        except AnnotatorError as error:
            self.say(error.message, error.remedy, "warning")
            return None

    def choose_object(self, object_id: int) -> None:
        """Make an object the current one."""
        self.current_object = object_id
        self.refreshed.emit()

    def isolate(self, object_id: int | None) -> None:
        """Show one object only, or all again."""
        self.isolated = object_id
        self._show_objects()
        self.refreshed.emit()

    def close(self) -> None:
        """Let go of project, session and view; nothing arrives any more."""
        self._disconnect()
        self.runs.close()
        self.asset_id = None
        self.canvas.clear()

    # What follows ------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if self.asset is None or change.asset_id not in (None, self.asset_id):
            return
        topics = change.topics
        if topics <= {"camera", "task"} or topics == {"result", "labels"}:
            return  # a stored answer is on the screen already
        self.pace.mark()
        if "engine" in topics:
            self._use_engine()
        self._follow(topics)
        self.refreshed.emit()

    def _use_engine(self) -> None:
        """Load the engine that the document names, if it is another one than before."""
        chosen = self.asset.engine_for(self.task) if self.asset else None
        if chosen is None or not chosen.ref:
            return
        wanted = (chosen.ref, dict(chosen.parameters))
        if wanted != self._engine:
            self._engine = wanted
            self.runs.use(*wanted)

    @abstractmethod
    def _follow(self, topics: frozenset[str]) -> None:
        """Show what changed in the document, and ask the engine if that changes its answer."""

    @abstractmethod
    def _show_objects(self) -> None:
        """Show objects with their colours, without the hidden ones."""
