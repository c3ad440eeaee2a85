"""Several files in one project: list them, go from one to another, add more."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from annotator.domain import AnnotatorError
from annotator.project import Change
from annotator.ui.files.assets_dock import AssetsDock
from annotator.ui.files.file_handlers import open_filters
from annotator.ui.files.kinds import Limits, Loaded, kind_of
from annotator.ui.files.opener import Workspace, add_asset

if TYPE_CHECKING:
    from annotator.ui.window.main_window import MainWindow


class AssetHandlers(QObject):
    """Keeps the list of files in step with the project, and switches between them."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._dismissed = False
        self._waiting: list[Path] = []
        self._show_added = False
        self.dock = AssetsDock(window)
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.dock)
        self.dock.hide()
        self.dock.assetChosen.connect(self.switch)
        # As actions: what is disabled, as all that adds is while replaying, stays so here.
        self.dock.commandChosen.connect(lambda name: window.actions_manager.trigger(name))
        self.dock.dismissed.connect(self._dismiss)

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {
            "add_assets": self.ask_for_files,
            "next_asset": partial(self.step, +1),
            "previous_asset": partial(self.step, -1),
        }

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling actions."""
        return frozenset({"several_assets"}) if len(self._ids) > 1 else frozenset()

    @property
    def _ids(self) -> Sequence[int]:
        workspace = self._window.workspace
        return tuple(workspace.project.document.assets) if workspace else ()

    def place_of_shown(self) -> str:
        """Return "2 of 3" for the title; empty if there is one file only."""
        workspace, ids = self._window.workspace, self._ids
        if workspace is None or len(ids) < 2:
            return ""
        return f"{ids.index(workspace.asset_id) + 1} of {len(ids)}"

    # The list ---------------------------------------------------------------------------------

    def show(self) -> None:
        """Take over a workspace that the window has just opened."""
        self.refresh()
        self.dock.setVisible(len(self._ids) > 1 and not self._dismissed)
        self._add_next()

    def hide(self) -> None:
        """Leave the project: the start page has no files."""
        self.dock.hide()
        self.refresh()

    def refresh(self) -> None:
        """List the files as they are now."""
        workspace = self._window.workspace
        assets = workspace.project.document.assets.values() if workspace else ()
        self.dock.show_assets(assets, workspace.asset_id if workspace else None)
        writable = workspace is not None and not workspace.read_only
        self.dock.set_usable(writable=writable, several=len(self._ids) > 1)

    def _dismiss(self) -> None:
        self._dismissed = True

    def on_change(self, change: Change) -> None:
        """Follow the document; a step that undo changed in another file is named."""
        workspace = self._window.workspace
        if workspace is None or change.topics <= {"camera"}:
            return
        self.refresh()
        other = change.asset_id
        if other in (None, workspace.asset_id) or "history" not in change.topics:
            return
        name = workspace.project.document.assets[other].path.name
        self._window.messages.show_message(
            f"That step was in {name}.", "", "info", [("Show It", partial(self.switch, other))]
        )

    # Going from one to another -------------------------------------------------------------------

    def switch(self, asset_id: int) -> None:
        """Show another file of the project; the present one stays until it is read."""
        workspace = self._window.workspace
        if workspace is not None and asset_id != workspace.asset_id:
            self._window.opener.switch(workspace, asset_id)

    def step(self, by: int) -> None:
        """Show the next (+1) or previous (-1) file, around the end."""
        workspace, ids = self._window.workspace, self._ids
        if workspace is not None:
            self.switch(ids[(ids.index(workspace.asset_id) + by) % len(ids)])

    # Adding -----------------------------------------------------------------------------------

    def ask_for_files(self) -> None:
        """Ask for files and add them to the project."""
        workspace = self._window.workspace
        if workspace is None:
            return
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window, "Add to Project", str(workspace.path.parent), open_filters()
        )
        self.add([Path(name) for name in chosen])

    def add(self, paths: Sequence[Path]) -> None:
        """Add files to the open project, one after the other; a single one is then shown."""
        idle = not self._waiting
        self._show_added = idle and len(paths) == 1
        self._waiting += [path.absolute() for path in paths]
        if idle:
            self._add_next()

    def add_after_opening(self, paths: Sequence[Path]) -> None:
        """Add files to the project that is being opened."""
        self._show_added = False
        self._waiting = [path.absolute() for path in paths]

    def forget_waiting(self) -> None:
        """Add no further files: the project they were meant for did not open."""
        self._waiting.clear()

    def _add_next(self) -> None:
        workspace = self._window.workspace
        if workspace is None or workspace.read_only or not self._waiting:
            self._waiting.clear()
            return
        path = self._waiting[0]
        preferences = self._window.preferences
        limits = Limits(preferences["thin_above"], preferences["working_spacing"])
        self._window.jobs.start(
            f"Adding {path.name}",
            partial(kind_of(path).load, path, None, limits),
            done=partial(self._read, workspace, path),
            failed=partial(self._refused, path),
            cancelled=self.forget_waiting,
        )

    def _refused(self, path: Path, error: BaseException) -> None:
        self._window.messages.show_error(error, f"Adding {path.name}")
        self._done_with(path)

    def _read(self, workspace: Workspace, path: Path, loaded: Loaded) -> None:
        now = self._window.workspace
        if now is None or now.project is not workspace.project:
            self.forget_waiting()
            return
        asset_id = self._add(workspace, loaded)
        self._done_with(path)
        if asset_id is not None and self._show_added:
            self._window.opener.opened.emit(Workspace(workspace.project, asset_id, loaded))

    def _add(self, workspace: Workspace, loaded: Loaded) -> int | None:
        """Add a file unless its content is in the project already; return its asset's id."""
        messages, project = self._window.messages, workspace.project
        same = [a.path.name for a in project.document.assets.values()
                if a.content_hash == loaded.content_hash]  # fmt: skip
        if same:
            messages.show_message(f"{loaded.path.name} is in the project already, as {same[0]}.")
            return None
        try:
            asset_id = add_asset(project, loaded)
        except AnnotatorError as error:
            messages.show_error(error)
            return None
        messages.show_message(f"Added {loaded.path.name} to the project.", "", "success")
        return asset_id

    def _done_with(self, path: Path) -> None:
        if path in self._waiting:
            self._waiting.remove(path)
        self._window.refresh_conditions()
        self.dock.setVisible(len(self._ids) > 1 and not self._dismissed)
        self._add_next()
