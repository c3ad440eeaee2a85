"""What a comparison of two engines needs of each kind of assets."""

from abc import ABC, abstractmethod

from PySide6.QtWidgets import QWidget

from annotator.domain import Prompt
from annotator.domain.camera import OrbitCamera
from annotator.domain.flat_camera import FlatCamera
from annotator.engine.opened import Asset
from annotator.ui.annotate.canvas import Canvas
from annotator.ui.annotate.shown import BaseCanvas
from annotator.ui.files.opener import Workspace
from annotator.ui.image.canvas import PhotoCanvas
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.view import ImageView
from annotator.ui.view import AnnotationView, PointView, create_point_view
from annotator.ui.view.choose import RendererChoice

AnyCamera = OrbitCamera | FlatCamera


class Compared(ABC):
    """The open asset, as both engines get it and both views show it.

    Attributes:
        workspace: The project and the asset in it.
        unit: What labels belong to: "points" or "pixels".
    """

    unit: str

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    @abstractmethod
    def asset(self) -> Asset:
        """What engines encode."""

    @property
    def prompt(self) -> Prompt:
        """What engines are asked now."""
        return self.workspace.asset.prompt()

    @abstractmethod
    def canvas(self, parent: QWidget) -> BaseCanvas:
        """Return a view of its own with the asset in it."""

    @abstractmethod
    def show_in(self, canvas: BaseCanvas) -> None:
        """Show the asset in a canvas that another asset of this kind made."""

    @abstractmethod
    def cameras(self, views: list[AnnotationView]) -> list[AnyCamera]:
        """Return the cameras of such views."""

    @abstractmethod
    def align(self, camera: AnyCamera, moved: AnyCamera) -> None:
        """Let a camera see what another one sees."""


class ComparedScan(Compared):
    """A scan: both views are seen from the same place."""

    unit = "points"

    def __init__(self, workspace: Workspace, renderer: RendererChoice) -> None:
        super().__init__(workspace)
        self._renderer: RendererChoice = renderer

    @property
    def asset(self) -> Asset:
        """The working points."""
        return self.workspace.scan.working.cloud

    def canvas(self, parent: QWidget) -> BaseCanvas:
        """Return a point view of its own with the scan in it."""
        canvas = Canvas(create_point_view(self._renderer, parent))
        self.show_in(canvas)
        return canvas

    def show_in(self, canvas: BaseCanvas) -> None:
        """Show the scan in another canvas for scans."""
        assert isinstance(canvas, Canvas)
        canvas.open(self.workspace.scan.working.cloud)

    def cameras(self, views: list[AnnotationView]) -> list[AnyCamera]:
        """Return the cameras of point views."""
        return [view.camera for view in views if isinstance(view, PointView)]

    def align(self, camera: AnyCamera, moved: AnyCamera) -> None:
        """Take the same pose."""
        if isinstance(camera, OrbitCamera):
            camera.from_json(moved.to_json())


class ComparedPhoto(Compared):
    """A photo: both views show the same part of it, equally enlarged."""

    unit = "pixels"

    def __init__(self, workspace: Workspace, photo: LoadedPhoto) -> None:
        super().__init__(workspace)
        self._photo = photo

    @property
    def asset(self) -> Asset:
        """The photo, or the working copy of a large one."""
        return self._photo.working.image

    @property
    def prompt(self) -> Prompt:
        """The clicks and boxes in pixels of what engines encode."""
        return self._photo.working.to_working(super().prompt)

    def canvas(self, parent: QWidget) -> BaseCanvas:
        """Return a photo view of its own with the photo in it."""
        canvas = PhotoCanvas(ImageView(parent))
        self.show_in(canvas)
        return canvas

    def show_in(self, canvas: BaseCanvas) -> None:
        """Show the photo in another canvas for photos."""
        assert isinstance(canvas, PhotoCanvas)
        canvas.open(self._photo)

    def cameras(self, views: list[AnnotationView]) -> list[AnyCamera]:
        """Return the cameras of photo views."""
        return [view.camera for view in views if isinstance(view, ImageView)]

    def align(self, camera: AnyCamera, moved: AnyCamera) -> None:
        """Show the same part; views of different sizes show it at different scales."""
        if isinstance(camera, FlatCamera) and isinstance(moved, FlatCamera):
            camera.follow(moved)


def compared(workspace: Workspace, renderer: RendererChoice) -> Compared:
    """Return the workspace's asset for a comparison, whatever its kind."""
    if isinstance(workspace.loaded, LoadedPhoto):
        return ComparedPhoto(workspace, workspace.loaded)
    return ComparedScan(workspace, renderer)
