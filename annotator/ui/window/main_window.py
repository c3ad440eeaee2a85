"""The main window: puts the parts together and hands the open scan from one to the other."""

import logging
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from annotator.engine.registry import PluginRegistry
from annotator.project import Change, Project
from annotator.ui.annotate.task_controller import TaskController
from annotator.ui.basics.jobs import JobRunner, ProgressStrip
from annotator.ui.basics.menu_button import MenuButton
from annotator.ui.basics.messages import MessageBar
from annotator.ui.basics.settings import Preferences, WindowState
from annotator.ui.basics.theme import apply_theme
from annotator.ui.commands.action_manager import ActionManager
from annotator.ui.engines.engine_control import EngineControl
from annotator.ui.files.asset_handlers import AssetHandlers
from annotator.ui.files.file_handlers import FileHandlers
from annotator.ui.files.opener import Opener, Workspace
from annotator.ui.files.recent_menu import RecentMenu
from annotator.ui.files.sample import sample_scan
from annotator.ui.view import AnnotationView, RendererChoice, change_renderer
from annotator.ui.window.controller_slot import ControllerSlot
from annotator.ui.window.desk import Desk
from annotator.ui.window.photo_handlers import PhotoHandlers
from annotator.ui.window.shell_handlers import ShellHandlers
from annotator.ui.window.stages import Looks, Stage
from annotator.ui.window.start_page import StartPage
from annotator.ui.window.task_switch import TaskSwitch

_TITLE = "Click Annotator"
_log = logging.getLogger(__name__)


class MainWindow(QMainWindow):
    """The window.

    Attributes:
        workspace: The open scan or photo with its project; None on the start page.
        desk: Who works on it, where it is shown, and for which task.
    """

    def __init__(
        self,
        preferences: Preferences,
        state: WindowState,
        registry: PluginRegistry,
        renderer: RendererChoice | None = None,
    ) -> None:
        """Build the window, empty.

        Args:
            preferences: The person's settings.
            state: Window state and recent files.
            registry: The plugins.
            renderer: Renderer to use instead of the preferred one.
        """
        super().__init__()
        self.setObjectName("mainWindow")
        self.setAcceptDrops(True)
        self.preferences, self.state = preferences, state
        self.workspace: Workspace | None = None
        self.jobs = JobRunner(self)
        self.messages = MessageBar(self)
        self.desk = Desk(self, renderer or preferences["renderer"])
        self.start_page = StartPage(self)
        self._pages = QStackedWidget(self)
        self._lay_out()
        self.actions_manager = ActionManager(self)
        self.actions_manager.fill_menu_bar(self.menuBar())
        self._make_toolbars()
        self.engines = EngineControl(
            registry, preferences, self.actions_manager.menus["Engine"], self.messages, self.jobs,
            self,
        )  # fmt: skip
        self.recent_menu = RecentMenu(self.actions_manager.menus["File"], self)
        self.opener = Opener(self.jobs, self.messages, preferences, self)
        self.files = FileHandlers(self)
        self.shell = ShellHandlers(self)
        self.assets = AssetHandlers(self)
        self.photos = PhotoHandlers(self)
        self._choosers = self._add_choosers()
        self._make_status_bar()
        self._connect()
        self._show_start()
        if preferences.problem:
            self.messages.show_message(preferences.problem, level="warning")

    @property
    def slot(self) -> ControllerSlot:
        """Who works on what is open: annotating or replaying; empty on the start page."""
        return self.desk.slot

    @property
    def stage(self) -> Stage:
        """Where what is open is shown; that of scans on the start page."""
        return self.desk.stage

    @property
    def view(self) -> AnnotationView:
        """The view of what is open; that of scans on the start page."""
        return self.stage.view

    @property
    def looks(self) -> Looks:
        """How what is open looks."""
        return self.stage.looks

    def _lay_out(self) -> None:
        container = QWidget(self)
        container.setObjectName("viewContainer")
        inner = QVBoxLayout(container)
        inner.setContentsMargins(0, 0, 0, 0)
        for stage in self.desk.stages.values():
            inner.addWidget(stage.view)
            stage.view.setVisible(stage is self.stage)
        self._pages.addWidget(self.start_page)
        self._pages.addWidget(container)
        centre = QWidget(self)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self._pages, 1)
        self.setCentralWidget(centre)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks
        )
        self.resize(1280, 820)

    def _make_toolbars(self) -> None:
        places = {"main": Qt.ToolBarArea.TopToolBarArea, "tools": Qt.ToolBarArea.LeftToolBarArea}
        for name, area in places.items():
            bar = QToolBar(f"{name.capitalize()} Toolbar", self)
            bar.setObjectName(f"{name}Toolbar")
            bar.setAccessibleName(bar.windowTitle())
            bar.setMovable(False)
            self.addToolBar(area, bar)
            self.actions_manager.fill_toolbar(bar)
            if name == "main":
                self._main_toolbar = bar
                bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _add_choosers(self) -> tuple[MenuButton, MenuButton]:
        """Put tasks at the left end of the main toolbar, colouring and engine at the right."""
        bar = self._main_toolbar
        rows = [a for key, a in self.actions_manager.actions.items() if key.startswith("task_")]
        self.task_switch = TaskSwitch(rows, bar)
        spacer = QWidget(bar)
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(spacer)
        modes = [a for key, a in self.actions_manager.actions.items() if key.startswith("colour_")]
        colour = MenuButton("Colour by", lambda: modes, bar)
        engine = MenuButton("Engine", lambda: list(self.engines.menu.actions.values()), bar)
        for button in (colour, engine):
            bar.addWidget(button)
        return colour, engine

    def _make_status_bar(self) -> None:
        self._scan_label = QLabel(self)
        self._scan_label.setObjectName("scanLabel")
        self._scan_label.setAccessibleName("Scan")
        self.progress = ProgressStrip(self.jobs, self)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setContentsMargins(6, 2, 12, 2)
        self.statusBar().addPermanentWidget(self.progress)
        self.statusBar().addPermanentWidget(self._scan_label)

    def _connect(self) -> None:
        for supplier in (self.files, self.looks, self.shell, self.engines, self.assets, self.desk):
            self.actions_manager.supply(supplier.handlers())
        self.actions_manager.supply(self.photos.handlers())
        page, opener = self.start_page, self.opener
        page.open_asked.connect(self.files.open_file)
        page.folder_asked.connect(self.files.open_folder)
        page.sample_asked.connect(self.open_sample)
        self.recent_menu.sample_asked.connect(self.open_sample)
        for source in (page, self.recent_menu):
            source.recent_asked.connect(self.open_path)
            source.forget_asked.connect(self.forget_recent)
        self.recent_menu.clear_asked.connect(self._clear_recent)
        opener.opened.connect(self._show_workspace)
        opener.ended.connect(self.assets.forget_waiting)
        opener.forget_asked.connect(self.forget_recent)
        opener.locate_asked.connect(self.files.locate)
        opener.salvage_asked.connect(self.files.salvage)
        self.preferences.changed.connect(self._on_preference)
        self.actions_manager.apply_shortcuts(self.preferences.shortcuts)

    @property
    def controller(self) -> TaskController | None:
        """Who annotates what is open; None on the start page and while replaying."""
        return self.desk.controller

    # Opening and closing -------------------------------------------------------------------

    def open_path(
        self, path: Path, project: Path | None = None, *, read_only: bool = False
    ) -> None:
        """Open a scan, photo or project; the present one stays until the new one is there."""
        path = path.expanduser().absolute()
        workspace = self.workspace
        here = {workspace.path, workspace.folder, workspace.project.path} if workspace else set()
        if path in here and project is None:
            self.messages.show_message(f"{path.name} is open already.")
            return
        if workspace and project is None:
            for asset in workspace.project.document.assets.values():
                if path == asset.path:
                    self.assets.switch(asset.asset_id)
                    return
        self.opener.open(path, project, read_only=read_only)

    def open_sample(self) -> None:
        """Open the scan that travels with the application."""
        try:
            self.open_path(sample_scan())
        except (ImportError, OSError) as error:
            self.messages.show_error(error, "Opening the sample")

    def _show_workspace(self, workspace: Workspace) -> None:
        if not self.desk.continues(workspace):
            self.close_workspace(keep=workspace.project)
            self.desk.take(workspace)
        self.workspace = workspace
        self.desk.start(workspace)
        self._pages.setCurrentIndex(1)
        self.view.setFocus()
        self._describe(workspace)
        self.state.add_recent(self._lasting_path(workspace))
        self._show_recent()
        self.assets.show()
        self.photos.show()
        self._tell_recovered(workspace)
        self.refresh_conditions()

    def _lasting_path(self, workspace: Workspace) -> Path:
        """Return what a person opens to come back to a workspace."""
        several = len(workspace.project.document.assets) > 1
        return workspace.folder or (workspace.project.path if several else workspace.path)

    def close_workspace(self, keep: Project | None = None) -> None:
        """Close the scan and go back to the start page; everything is saved already.

        Args:
            keep: A project that stays open, because another file of it is shown next.
        """
        if self.workspace is None:
            return
        self.desk.stop()
        self.stage.clear()
        workspace, self.workspace = self.workspace, None
        if workspace.project is not keep:
            workspace.project.close()
            self.assets.hide()
            self.photos.hide()
        self._show_start()

    def _show_start(self) -> None:
        self._pages.setCurrentIndex(0)
        self.setWindowTitle(_TITLE)
        self._scan_label.clear()
        self._show_recent()
        self.refresh_conditions()

    def _describe(self, workspace: Workspace) -> None:
        place = self.photos.place_of_shown() or self.assets.place_of_shown()
        notes = filter(None, (place, workspace.read_only and "read-only"))
        note = "".join(f" ({note})" for note in notes)
        self.setWindowTitle(f"{workspace.path.name}{note} – {_TITLE}")
        notice = self.stage.notice(workspace)
        if notice is not None:
            self.messages.show_message(*notice)
        self._scan_label.setText(self.stage.size_of(workspace))
        self._scan_label.setToolTip(
            f"{workspace.path}\nEvery action is saved at once in {workspace.project.path}"
        )

    def _tell_recovered(self, workspace: Workspace) -> None:
        count = workspace.project.recovered
        if count is None or workspace.read_only:
            return
        self.messages.show_message(
            f"Recovered {count} actions after an unexpected end.",
            "Nothing that was on the screen is lost; undo works as before.",
            "success",
            [("OK", lambda: None)],
        )

    # Keeping everything in step ------------------------------------------------------------

    def follow(self, change: Change) -> None:
        """Follow the document of the open project."""
        self.assets.on_change(change)
        self.photos.on_change(change)
        if change.topics & {"engine", "history"}:
            self.engines.refresh()
            self.refresh_conditions()

    def refresh_conditions(self) -> None:
        """Work out what holds now, and enable and check actions by it."""
        conditions = {f"theme_{self.preferences['theme']}"} | self.looks.conditions()
        conditions |= self.assets.conditions() | self.photos.conditions()
        if self.isFullScreen():
            conditions.add("full_screen")
        if self.workspace is not None:
            conditions |= self.desk.conditions() | self.engines.conditions()
            conditions |= {"project", "asset", "engine"} if self.engines.has_parameters else {
                "project", "asset"}  # fmt: skip
            if not self.workspace.read_only and self.controller is not None:
                conditions.add("writable")
            self._name_history(self.workspace)
        if self.slot.current is not None:
            conditions |= self.slot.current.conditions()
        self.actions_manager.set_conditions(frozenset(conditions))
        for chooser in (*self._choosers, self.task_switch):
            chooser.refresh()

    def _name_history(self, workspace: Workspace) -> None:
        project = workspace.project
        for action_id, text in (("undo", project.undo_text), ("redo", project.redo_text)):
            self.actions_manager.set_title(action_id, f"{action_id.capitalize()} {text}".strip())

    def _on_preference(self, key: str) -> None:
        self.engines.on_preference(key)
        if key == "theme":
            app = QApplication.instance()
            assert isinstance(app, QApplication)
            apply_theme(app, self.preferences["theme"])
            self.refresh_conditions()
        elif key == "renderer":
            view = self.desk.scans.view
            change_renderer(view, self.preferences["renderer"])
            if view.renderer_note:
                self.messages.show_message(view.renderer_note, level="warning")
        elif key == "shortcuts":
            self.actions_manager.apply_shortcuts(self.preferences.shortcuts)

    def changeEvent(self, event: QEvent) -> None:
        """Draw icons anew when the theme changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "progress"):
            self.actions_manager.retint()
            self.messages.retint()
            self.start_page.retint()
            self.progress.retint()
            self.assets.refresh()
            self._show_recent()

    # Recent files --------------------------------------------------------------------------

    def _show_recent(self) -> None:
        self.start_page.set_recent(self.state.recent)
        self.recent_menu.set_recent(self.state.recent)

    def forget_recent(self, path: Path) -> None:
        """Take a file from the recent ones."""
        self.state.remove_recent(path)
        self._show_recent()

    def _clear_recent(self) -> None:
        self.state.clear_recent()
        self._show_recent()

    # Dropping files ------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if _dropped(event):
            event.acceptProposedAction()
            self.start_page.set_eager(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Stop inviting."""
        self.start_page.set_eager(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.start_page.set_eager(False)
        paths = _dropped(event)
        event.acceptProposedAction()
        self.open_path(paths[0])
        self.assets.add_after_opening(paths[1:])

    # Layout and the end --------------------------------------------------------------------

    def restore_geometry(self) -> None:
        """Put the window where it was."""
        stored = self.state.layout
        if stored is not None:
            self.restoreGeometry(stored[0])

    def createPopupMenu(self) -> QMenu:
        """Return the menu that shows or hides docks and toolbars."""
        menu = super().createPopupMenu() or QMenu(self)
        menu.setObjectName("panelsMenu")
        return menu

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close cleanly; a running export is finished first unless told otherwise."""
        if self.files.is_exporting:
            event.ignore()
            self.messages.show_message(
                "An export is still being written.",
                "The window can be closed as soon as it is done.",
                "warning",
                [("Stop It and Quit", self._quit_anyway)],
            )
            return
        self.shut_down()
        super().closeEvent(event)

    def _quit_anyway(self) -> None:
        self.files.abandon()
        self.close()

    def shut_down(self) -> None:
        """End jobs, annotation and engine; nothing is left running.

        Work that does not stop at once is waited for when the window is off the screen
        and the project free for others: an engine that is loading may take seconds.
        """
        self.hide()
        self.jobs.cancel_all()
        self.close_workspace()
        self.engines.stop()
        if not self.jobs.shut_down():
            _log.warning("some work did not stop in time")
        self.opener.close()
        self.photos.close()
        self.engines.shut_down()


def _dropped(event: QDropEvent) -> Sequence[Path]:
    data = event.mimeData()
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
