"""Shows a film in the view, in the place of the annotation controller."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QWidget

from annotator.domain import BACKGROUND, Mask
from annotator.domain.cloud import Int32
from annotator.project import AssetState, Project
from annotator.ui.annotate.shown import BaseCanvas
from annotator.ui.image.view import ImageView
from annotator.ui.pose.figures import FigureLayer
from annotator.ui.pose.showing import figures_of
from annotator.ui.replay.dock import ReplayDock
from annotator.ui.replay.film import Film
from annotator.ui.replay.player import ReplayPlayer


class ReplayController(QObject):
    """Keeps the contract of `CloudController` with the shell, but changes nothing.

    Masks are those that the project still keeps; where one is not kept any more, the one
    before it stays, dimmed.

    Signals:
        message: (headline, detail, level) to show in the window.
        busyChanged: Never emitted: no engine runs.
        conditionsChanged: `conditions()` should be read anew.
        endAsked: A person wants to annotate again.
    """

    message = Signal(str, str, str)
    busyChanged = Signal(bool)  # noqa: N815 - Qt spells signals so
    conditionsChanged = Signal()  # noqa: N815 - Qt spells signals so
    endAsked = Signal()  # noqa: N815 - Qt spells signals so

    def __init__(
        self, project: Project, asset_id: int, canvas: BaseCanvas, parent: QWidget
    ) -> None:
        """Replay an asset.

        Args:
            project: Its project.
            asset_id: The asset.
            canvas: Shows the asset already, without labels and clicks.
            parent: The window.
        """
        super().__init__(parent)
        self._project, self._view = project, canvas.view
        self._canvas = canvas
        self._mask: Mask | None = None
        self._people = FigureLayer()
        self.player = ReplayPlayer(Film(project, asset_id), self)
        self._dock = ReplayDock(self.player, parent)
        self._dock.endAsked.connect(self.endAsked)
        self._status = QLabel("Replay: the project is not changed", parent)
        self._status.setObjectName("replayStatus")
        self._status.setAccessibleName("What is shown")
        self._view.set_tool(None)
        self.player.moved.connect(self._show)
        self._show(self.player.place)

    # The contract with the shell ------------------------------------------------------------

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return no functions: everything that would annotate is disabled."""
        return {}

    def docks(self) -> Sequence[QDockWidget]:
        """Return the controls."""
        return (self._dock,)

    def area_of(self, dock: QDockWidget, usual: Qt.DockWidgetArea) -> Qt.DockWidgetArea:
        """Return where a dock belongs."""
        return usual

    def arrange(self, window: QMainWindow) -> None:
        """Leave the controls where they are."""

    def dock_area(self) -> Qt.DockWidgetArea:
        """Return where the controls belong."""
        return Qt.DockWidgetArea.BottomDockWidgetArea

    def status_widgets(self) -> Sequence[QWidget]:
        """Return what belongs into the status bar."""
        return (self._status,)

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        return frozenset({"asset", "replaying"})

    def close(self) -> None:
        """Stop, and leave an empty view."""
        self.player.stop()
        self._canvas.clear()
        self._status.deleteLater()

    # What is shown ------------------------------------------------------------------------------

    def _show(self, place: int) -> None:
        asset = self.player.film.state(place)
        self._canvas.show_objects(asset.objects, _hidden(asset))
        self._canvas.show_boxes(asset.boxes, asset.objects)
        self._canvas.show_markers(asset.clicks, asset.objects, _newest(asset))
        self._canvas.show_regions(asset.regions, asset.objects)
        self._canvas.show_labels(self._labels(asset))
        self._show_people(asset)
        if self._dock.follow.isChecked():
            self._place_camera(place)

    def _show_people(self, asset: AssetState) -> None:
        if isinstance(self._view, ImageView):
            self._people.figures = figures_of(self._project, asset)
            self._view.overlay.layer = self._people if asset.people else None
            self._view.update_overlay()

    def _labels(self, asset: AssetState) -> Int32 | None:
        found = self._project.stored_mask_of(asset)
        self._mask = found or (self._mask if asset.clicks else None)
        self._canvas.set_stale(bool(asset.clicks) and found is None)
        return self._project.labels_of_state(asset, self._mask)

    def _place_camera(self, place: int) -> None:
        stored = self.player.film.camera(place)
        if stored:
            self._view.camera.from_json(stored)


def _hidden(asset: AssetState) -> frozenset[int]:
    return frozenset(i for i, info in asset.objects.items() if not info.visible) - {BACKGROUND}


def _newest(asset: AssetState) -> int | None:
    return asset.clicks[-1].click_id if asset.clicks else None
