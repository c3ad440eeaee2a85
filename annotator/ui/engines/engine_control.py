"""Which engine answers the clicks: menu, parameters and the session that runs it."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QWidget

from annotator.domain import AnnotatorError
from annotator.engine import threads
from annotator.engine.manifest import Capabilities
from annotator.engine.registry import PluginRegistry
from annotator.engine.session import EngineSession
from annotator.project import ChosenEngine
from annotator.project.events import TaskName
from annotator.ui.basics.jobs import Job, JobRunner
from annotator.ui.basics.messages import MessageBar
from annotator.ui.basics.settings import Preferences
from annotator.ui.engines.compare_window import CompareWindow
from annotator.ui.engines.compared import compared
from annotator.ui.engines.engine_menu import (
    EngineMenu,
    defaults_of,
    engine_choices,
    full_ref,
    parameters_of,
)
from annotator.ui.engines.parameters_form import ParametersForm
from annotator.ui.engines.trust_dialog import ask_trust
from annotator.ui.engines.weights_dialog import WeightsDialog
from annotator.ui.files.kinds import SCAN_MASKS, Task, kind_named
from annotator.ui.files.opener import Workspace
from annotator.ui.view import AnnotationView


class EngineControl(QObject):
    """Keeps registry, sessions, menu and the project's choices together.

    Each task has an engine of its own, and a session that runs it: a region is clicked with
    one while another lets it move.

    Attributes:
        registry: The plugins.
        menu: The rows of the Engine menu: the engines for the present task.
    """

    def __init__(
        self,
        registry: PluginRegistry,
        preferences: Preferences,
        menu: QMenu,
        messages: MessageBar,
        jobs: JobRunner,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self.registry = registry
        threads.prefer(int(preferences["threads"]))
        self._preferences, self._messages = preferences, messages
        self._sessions: dict[TaskName, EngineSession] = {}
        self.menu = EngineMenu(menu, self)
        self._task = SCAN_MASKS
        self.menu.show(registry, self._task.engine_kind)
        self.menu.chosen.connect(self.choose)
        self.menu.explain_asked.connect(self._explain)
        self._window = window
        self._workspace: Workspace | None = None
        self.preferred = ""
        self._comparison: CompareWindow | None = None
        self._jobs = jobs
        self._preparing: Job | None = None

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {
            "engine_parameters": self.edit_parameters,
            "retry_plugins": self.retry_failed,
            "manage_weights": self.manage_weights,
            "compare_engines": self.compare_engines,
        }

    def session_for(self, task: TaskName) -> EngineSession:
        """Return what runs the engines for a task; made when it is asked for first."""
        if task not in self._sessions:
            device = self._preferences["device"]
            self._sessions[task] = EngineSession(self.registry, device=device)
        return self._sessions[task]

    @property
    def session(self) -> EngineSession:
        """What runs the engine for the present task."""
        return self.session_for(self._task.name)

    def open(self, workspace: Workspace, name: TaskName = "masks") -> None:
        """Make sure that the asset has an engine for a task, and for what that needs beside."""
        self._workspace = workspace
        kind = kind_named(workspace.asset.kind)
        task = kind.task(name)
        for needed in (*map(kind.task, task.also), task):
            self._provide(workspace, needed)
        self._show_task(task)
        self.refresh()
        if self._comparison is not None:
            self._comparison.turn_to(compared(workspace, self._preferences["renderer"]))

    def _provide(self, workspace: Workspace, task: Task) -> None:
        """Choose an engine: the asset's own, the one asked for, or the preferred."""
        own = workspace.asset.engine_for(task.name).ref
        ref = full_ref(self.registry, self._wanted(task, own))
        if ref != own and not workspace.read_only:
            workspace.project.set_engine(workspace.asset_id, ref, {}, task.name)

    def on_preference(self, key: str) -> None:
        """Follow a change of the settings at once."""
        if key == "device":
            for session in self._sessions.values():
                session.set_device(self._preferences["device"])
        elif key == "threads":
            threads.prefer(int(self._preferences["threads"]))

    def _show_task(self, task: Task) -> None:
        """List the engines for another task."""
        if task is not self._task:
            self._task = task
            self._list()

    def _list(self) -> None:
        self.menu.show(self.registry, self._task.engine_kind)

    def _wanted(self, task: Task, own: str) -> str:
        """Return the engine asked for, the asset's own, the preferred, or any of its kind."""
        usual = str(self._preferences[task.engine_setting])
        for ref in (self.preferred, own):
            entry = self.registry.entries.get(ref.partition(":")[0])
            if ref and (entry is None or entry.manifest.kind is task.engine_kind):
                return ref
        if usual.partition(":")[0] in self.registry.entries:
            return usual
        fitting = [e.manifest.id for e in self.registry.entries.values()
                   if e.manifest.kind is task.engine_kind and e.trusted]  # fmt: skip
        return next(iter(fitting), usual)

    @property
    def _chosen(self) -> ChosenEngine:
        """The asset's engine for the present task; an empty choice on the start page."""
        workspace = self._workspace
        return workspace.asset.engine_for(self._task.name) if workspace else ChosenEngine()

    @property
    def capabilities(self) -> Capabilities:
        """What the engine for masks understands; nothing special before one is chosen."""
        ref = self._workspace.asset.engine_ref if self._workspace else ""
        entry = self.registry.entries.get(ref.partition(":")[0])
        return entry.manifest.capabilities if entry else Capabilities()

    def conditions(self) -> frozenset[str]:
        """Return what the engine for masks understands, for enabling actions."""
        capabilities = self.capabilities
        facts = {
            "engine_boxes": capabilities.boxes,
            "engine_candidates": capabilities.candidates,
            "engine_outside": capabilities.negative_clicks,
        }
        return frozenset(name for name, holds in facts.items() if holds)

    def close(self) -> None:
        """Forget the asset."""
        self._stop_preparing()
        self._end_comparison()
        self._workspace = None
        self.menu.set_current("")

    def refresh(self) -> None:
        """Check the row of the engine in use, which undo may have changed."""
        if self._workspace is not None:
            self.menu.set_current(self._chosen.ref)

    @property
    def has_parameters(self) -> bool:
        """Whether the engine in use has parameters to set."""
        entry = self.registry.entries.get(self._chosen.ref.partition(":")[0])
        return entry is not None and bool(entry.manifest.parameters)

    def choose(self, ref: str) -> None:
        """Use another engine, for the open scan and for new ones."""
        if not self._allowed(ref):
            self.refresh()
            return
        workspace = self._workspace
        if workspace is not None and workspace.read_only:
            self._messages.show_message("This project is open read-only.", level="warning")
        elif workspace is None or self.session.engine is None:
            self._switch(workspace, ref)
        elif ref != self._chosen.ref:
            self._prepare(workspace, ref)
        self.refresh()

    def _prepare(self, workspace: Workspace, ref: str) -> None:
        """Load an engine aside; until it is warm the one in use answers, and if it fails, too."""
        self._stop_preparing()
        old, session = self._chosen.ref, self.session
        self._preparing = self._jobs.start(
            f"Loading {ref} ({old} answers meanwhile)",
            lambda progress, cancel: session.prepare(ref, {}, cancel),
            done=lambda _: self._switch(workspace, ref),
            failed=lambda error: self._not_loaded(ref, old, error),
        )

    def _stop_preparing(self) -> None:
        job, self._preparing = self._preparing, None
        if job is not None:
            job.cancel()

    def _switch(self, workspace: Workspace | None, ref: str) -> None:
        """Use an engine from now on, for the open asset and for new ones."""
        self._preparing = None
        self._preferences[self._task.engine_setting] = ref
        if workspace is not None and workspace is self._workspace:
            workspace.project.set_engine(workspace.asset_id, ref, {}, self._task.name)
        self.refresh()

    def _not_loaded(self, ref: str, old: str, error: BaseException) -> None:
        self._preparing = None
        words = error if isinstance(error, AnnotatorError) else AnnotatorError(repr(error))
        remedy = f"{words.remedy} {old} stays in use.".strip()
        self._messages.show_error(AnnotatorError(words.message, remedy))
        self._list()
        self.refresh()

    def _allowed(self, ref: str) -> bool:
        """Whether an engine's code may run, asking the person if that is not known."""
        entry = self.registry.entries.get(ref.partition(":")[0])
        return entry is None or entry.trusted or ask_trust(entry, self._window)

    def manage_weights(self) -> WeightsDialog:
        """Show the weights of all networks; the engine in use is tried again if some came."""
        dialog = WeightsDialog(self.registry, self._window)
        dialog.changed.connect(self._on_weights)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _on_weights(self) -> None:
        self._list()
        self.refresh()
        if self._workspace is not None and self.session.engine is None:
            self.session.use(self._chosen.ref, self._chosen.parameters)

    def compare_engines(self) -> CompareWindow | None:
        """Let a second engine answer the same clicks beside the first."""
        view = getattr(self._window, "view", None)
        if self._workspace is None or not isinstance(view, AnnotationView):
            return None
        self._end_comparison()
        window = CompareWindow(
            self.registry,
            engine_choices(self.registry, self._task.engine_kind),
            compared(self._workspace, self._preferences["renderer"]),
            view,
            self._preferences["device"],
            self._allowed,
            self._window,
        )
        self._comparison = window
        window.show()
        return window

    def _end_comparison(self) -> None:
        window, self._comparison = self._comparison, None
        if window is not None:
            window.close()
            window.deleteLater()

    def edit_parameters(self) -> None:
        """Show the form of the engine's parameters; a change runs it anew."""
        if self._workspace is None:
            return
        chosen = self._chosen
        try:
            entry = self.registry.entry(chosen.ref.partition(":")[0])
            defaults = defaults_of(self.registry, chosen.ref)
        except AnnotatorError as error:
            self._messages.show_error(error)
            return
        manifest = entry.manifest
        form = ParametersForm(
            manifest.title, manifest.parameters, chosen.parameters, defaults, self._window
        )
        form.finished.connect(form.deleteLater)
        form.accepted.connect(lambda: self._set(parameters_of(form.values, defaults)))
        form.open()

    def _set(self, parameters: Mapping[str, object]) -> None:
        workspace = self._workspace
        if workspace is not None and not workspace.read_only:
            ref, name = self._chosen.ref, self._task.name
            workspace.project.set_engine(workspace.asset_id, ref, parameters, name)

    def retry_failed(self) -> None:
        """Read the folders of plugins that failed again, after somebody corrected them."""
        failed = [key for key, entry in self.registry.entries.items() if entry.state == "failed"]
        for plugin_id in failed:
            self.registry.enable(plugin_id)
        self._list()
        self.refresh()
        names = ", ".join(failed)
        self._messages.show_message(f"Ready to try again: {names}." if names else "None failed.")

    def _explain(self, title: str, problem: str) -> None:
        self._messages.show_message(f"{title} cannot be used.", problem, "error")

    def stop(self) -> None:
        """Begin to end the sessions, without waiting for it."""
        for session in self._sessions.values():
            session.stop()

    def shut_down(self) -> None:
        """End the sessions' threads."""
        self._end_comparison()
        for session in self._sessions.values():
            session.close()
