"""What the window needs of each kind of assets: a view, its looks, and its controller."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from PySide6.QtWidgets import QWidget

from annotator.formats import ClickFile
from annotator.formats.placing import read_photo_clicks
from annotator.project.events import TaskName
from annotator.ui.annotate import CloudController
from annotator.ui.annotate.canvas import Canvas
from annotator.ui.annotate.shown import BaseCanvas
from annotator.ui.annotate.task_controller import TaskController
from annotator.ui.files.export_dialog import Exportable
from annotator.ui.files.kinds import PHOTO, SCAN, Kind
from annotator.ui.files.opener import Workspace
from annotator.ui.files.scan_files import content_of, read_working_clicks
from annotator.ui.image.canvas import PhotoCanvas
from annotator.ui.image.exporting import PhotoExport
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.looks import PhotoLooks
from annotator.ui.image.view import ImageView
from annotator.ui.replay import ReplayController
from annotator.ui.view import AnnotationView, PointView, RendererChoice, create_point_view
from annotator.ui.window.photo_tasks import PHOTO_TASKS, OpensPhotos, Sessions
from annotator.ui.window.view_handlers import ViewHandlers

Notice = tuple[str, str]
"""Headline and detail of a message."""


class Looks(Protocol):
    """How an asset looks."""

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""


class Stage(ABC):
    """Where assets of one kind are shown and annotated.

    Attributes:
        kind: Which kind.
        tasks: What they can be worked on for here, the usual one first.
        view: Shows them.
        looks: How.
    """

    kind: Kind
    tasks: tuple[TaskName, ...] = ("masks",)
    view: AnnotationView
    looks: Looks

    @abstractmethod
    def controller(
        self, workspace: Workspace, task: TaskName, sessions: Sessions, window: QWidget
    ) -> TaskController:
        """Return a controller for assets of the project; none is open in it yet."""

    @abstractmethod
    def show(self, controller: TaskController, workspace: Workspace) -> None:
        """Open the workspace's asset in a controller that this stage made."""

    @abstractmethod
    def canvas(self, workspace: Workspace) -> BaseCanvas:
        """Return the view's canvas with the workspace's asset, for a replay."""

    def replay(self, workspace: Workspace, window: QWidget) -> ReplayController:
        """Return a controller that shows the asset's session as a film."""
        return ReplayController(
            workspace.project, workspace.asset_id, self.canvas(workspace), window
        )

    @abstractmethod
    def size_of(self, workspace: Workspace) -> str:
        """Return how large the asset is, for the status bar."""

    @abstractmethod
    def notice(self, workspace: Workspace) -> Notice | None:
        """Return what a person must know of a large asset; None if nothing."""

    @abstractmethod
    def content(self, workspace: Workspace) -> Exportable:
        """Return what an export writes, as it is now."""

    @abstractmethod
    def read_clicks(self, path: Path, workspace: Workspace) -> ClickFile:
        """Read a file of clicks for the workspace's asset; called aside.

        Raises:
            AnnotatorError: If the file is malformed or was made for another asset.
        """

    @abstractmethod
    def clear(self) -> None:
        """Show nothing."""


class ScanStage(Stage):
    """Scans in the 3D view."""

    kind = SCAN
    view: PointView
    looks: ViewHandlers

    def __init__(
        self, renderer: RendererChoice, changed: Callable[[], object], window: QWidget
    ) -> None:
        self.view = create_point_view(renderer, window)
        self.looks = ViewHandlers(self.view, changed)

    def controller(
        self, workspace: Workspace, task: TaskName, sessions: Sessions, window: QWidget
    ) -> TaskController:
        """Return a controller for scans of the project."""
        return CloudController(workspace.project, self.view, sessions(task), window)

    def show(self, controller: TaskController, workspace: Workspace) -> None:
        """Open the workspace's scan."""
        assert isinstance(controller, CloudController)
        working = workspace.scan.working
        controller.open_asset(workspace.asset_id, working)
        placed = workspace.project.camera_of(workspace.asset_id) is not None
        self.looks.show(working.cloud, placed=placed)

    def canvas(self, workspace: Workspace) -> BaseCanvas:
        """Return a canvas with the workspace's scan."""
        canvas = Canvas(self.view)
        canvas.open(workspace.scan.working.cloud)
        return canvas

    def size_of(self, workspace: Workspace) -> str:
        """Return the number of points, and of those that are annotated."""
        scan = workspace.scan
        text = f"{len(scan.cloud):,} points"
        if scan.spacing:
            text += f", {len(scan.working.cloud):,} at {scan.spacing * 100:.3g} cm"
        return text

    def notice(self, workspace: Workspace) -> Notice | None:
        """Say so if only some of the points are annotated."""
        scan = workspace.scan
        if not scan.spacing:
            return None
        return (
            f"Large scan: annotating {len(scan.working.cloud):,} of {len(scan.cloud):,} points",
            f"One point per voxel of {scan.spacing * 100:.3g} cm. Exports label all points. "
            "The spacing for new scans is in the preferences.",
        )

    def content(self, workspace: Workspace) -> Exportable:
        """Return what an export of the scan writes."""
        return content_of(workspace)

    def read_clicks(self, path: Path, workspace: Workspace) -> ClickFile:
        """Read clicks on points of the scan."""
        return read_working_clicks(path, workspace.scan)

    def clear(self) -> None:
        """Show no scan."""
        self.view.set_tool(None)
        self.view.set_cloud(None)


class PhotoStage(Stage):
    """Photos in the flat view."""

    kind = PHOTO
    tasks = tuple(task.name for task in PHOTO.tasks if task.name in PHOTO_TASKS)
    view: ImageView
    looks: PhotoLooks

    def __init__(self, changed: Callable[[], object], window: QWidget) -> None:
        self.view = ImageView(window)
        self.looks = PhotoLooks(self.view, changed)

    def controller(
        self, workspace: Workspace, task: TaskName, sessions: Sessions, window: QWidget
    ) -> TaskController:
        """Return the task's controller for photos of the project."""
        return PHOTO_TASKS[task](workspace.project, self.view, sessions, window)

    def show(self, controller: TaskController, workspace: Workspace) -> None:
        """Open the workspace's photo."""
        assert isinstance(controller, OpensPhotos)
        controller.open_asset(workspace.asset_id, self._photo(workspace))

    @staticmethod
    def _photo(workspace: Workspace) -> LoadedPhoto:
        if not isinstance(workspace.loaded, LoadedPhoto):
            raise TypeError(f"{workspace.path.name} is no photo")
        return workspace.loaded

    def canvas(self, workspace: Workspace) -> BaseCanvas:
        """Return a canvas with the workspace's photo."""
        canvas = PhotoCanvas(self.view)
        canvas.open(self._photo(workspace))
        return canvas

    def size_of(self, workspace: Workspace) -> str:
        """Return width and height."""
        working = self._photo(workspace).working
        text = f"{working.width:,} × {working.height:,} pixels"
        if working.factor > 1:
            text += f", masks at 1/{working.factor}"
        return text

    def notice(self, workspace: Workspace) -> Notice | None:
        """Say so if masks are coarser than the photo."""
        working = self._photo(workspace).working
        if working.factor == 1:
            return None
        height, width = working.shape
        return (
            f"Large photo: its masks have {width:,} × {height:,} pixels.",
            "The photo is shown in full, and exports have all of its pixels.",
        )

    def content(self, workspace: Workspace) -> Exportable:
        """Return what an export of the photo, or of all of its project, writes."""
        return PhotoExport.of(workspace.project, workspace.asset, self._photo(workspace))

    def read_clicks(self, path: Path, workspace: Workspace) -> ClickFile:
        """Read clicks and boxes on the photo."""
        working = self._photo(workspace).working
        return read_photo_clicks(path, working.width, working.height)

    def clear(self) -> None:
        """Show no photo."""
        self.view.set_tool(None)
        self.view.set_photo(None)
