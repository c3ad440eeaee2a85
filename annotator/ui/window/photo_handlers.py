"""Folders of photos in the window: thumbnails, next and previous, and the next one ahead."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from annotator.project import AssetState, Change
from annotator.ui.image.ahead import ReadAhead
from annotator.ui.image.browser import DOCK_WIDTH, PhotosDock
from annotator.ui.image.loading import LoadedPhoto

if TYPE_CHECKING:
    from annotator.ui.window.main_window import MainWindow

_AHEAD_ID = -1  # of the photo that is encoded before it is an asset of the project


class PhotoHandlers(QObject):
    """Keeps the strip of thumbnails in step with the project, and goes through the folder."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._dismissed = self._sized = False
        self._by = +1
        self._ahead = ReadAhead(self)
        self._ahead.ready.connect(self._encode_ahead)
        self.dock = PhotosDock(window)
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.dock)
        self.dock.hide()
        self.dock.photoChosen.connect(self.visit)
        self.dock.commandChosen.connect(lambda name: self.handlers()[name]())
        self.dock.dismissed.connect(self._dismiss)

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {"next_asset": partial(self.step, +1), "previous_asset": partial(self.step, -1)}

    @property
    def _photos(self) -> tuple[Path, ...]:
        workspace = self._window.workspace
        return workspace.photos if workspace else ()

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling actions."""
        return frozenset({"several_assets"}) if len(self._photos) > 1 else frozenset()

    def place_of_shown(self) -> str:
        """Return "2 of 30" for the title; empty outside of folders."""
        workspace = self._window.workspace
        if workspace is None or workspace.path not in workspace.photos:
            return ""
        return f"{workspace.photos.index(workspace.path) + 1} of {len(workspace.photos)}"

    # The strip --------------------------------------------------------------------------------

    def show(self) -> None:
        """Take over a workspace that the window has just opened."""
        self._refresh()
        shown = len(self._photos) > 1
        self.dock.setVisible(shown and not self._dismissed)
        if shown:
            self._window.assets.dock.hide()
            if not self._sized:
                self._sized = True
                self._window.resizeDocks([self.dock], [DOCK_WIDTH], Qt.Orientation.Horizontal)
            self._read_ahead()

    def hide(self) -> None:
        """Leave the folder."""
        self.dock.hide()
        self._ahead.forget()
        self._window.engines.session.close_asset(_AHEAD_ID)

    def _dismiss(self) -> None:
        self._dismissed = True

    def on_change(self, change: Change) -> None:
        """Follow the document."""
        if self._photos and not change.topics <= {"camera"}:
            self._refresh()

    def _refresh(self) -> None:
        workspace = self._window.workspace
        if workspace is None or not workspace.photos:
            return
        notes = {a.path: _note(a) for a in workspace.project.document.assets.values()}
        self.dock.show_photos(workspace.photos, notes, workspace.path)

    # Going through the folder -------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Show the next (+1) or previous (-1) photo or file, around the end."""
        workspace = self._window.workspace
        if workspace is None or workspace.path not in workspace.photos:
            self._window.assets.step(by)
            return
        self._by = by
        self.visit(self._neighbour(workspace.path, by))

    def _neighbour(self, path: Path, by: int) -> Path:
        photos = self._photos
        return photos[(photos.index(path) + by) % len(photos)]

    def visit(self, path: Path) -> None:
        """Show a photo of the folder; the present one stays until it is read."""
        window, workspace = self._window, self._window.workspace
        if workspace is None or path == workspace.path:
            return
        known = any(a.path == path for a in workspace.project.document.assets.values())
        if workspace.read_only and not known:
            window.messages.show_message(
                f"{path.name} is not in this project, which is open read-only.", level="warning"
            )
            self._refresh()
            return
        window.opener.visit(workspace, path, self._ahead.take(path))

    # The next one, ahead ----------------------------------------------------------------------

    def _read_ahead(self) -> None:
        workspace = self._window.workspace
        if workspace is None or workspace.path not in workspace.photos:
            return
        path = self._neighbour(workspace.path, self._by)
        assets = workspace.project.document.assets.values()
        spacing = next((a.working_spacing for a in assets if a.path == path), None)
        self._ahead.want(path, spacing)

    def _encode_ahead(self, photo: LoadedPhoto) -> None:
        session = self._window.engines.session
        session.open_asset(_AHEAD_ID, photo.working.image, ahead=True)

    def close(self) -> None:
        """End the threads."""
        self._ahead.close()
        self.dock.model.thumbnails.close()


def _note(asset: AssetState) -> str:
    """Return how far an asset is; empty if nothing was done on it."""
    objects, clicks = len(asset.objects), len(asset.clicks)
    if not objects:
        return ""
    return f"{_count(objects, 'object')}, {_count(clicks, 'click')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
