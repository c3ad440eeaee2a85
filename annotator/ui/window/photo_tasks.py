"""Who works on photos for each task: one row a task, and nothing else to change for a new one."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.project.events import TaskName
from annotator.ui.annotate.task_controller import TaskController
from annotator.ui.image.controller import PhotoController
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.view import ImageView
from annotator.ui.motion import MotionController
from annotator.ui.pose import PoseController

Sessions = Callable[[TaskName], EngineSession]
"""Returns what runs the engine that an asset has for a task."""

Make = Callable[[Project, ImageView, Sessions, QWidget], TaskController]


@runtime_checkable
class OpensPhotos(Protocol):
    """What controllers of photos have beside the others."""

    def open_asset(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Show a photo as it was left, and let the engines get ready for it."""


def _masks(
    project: Project, view: ImageView, sessions: Sessions, window: QWidget
) -> TaskController:
    return PhotoController(project, view, sessions("masks"), window)


def _motion(
    project: Project, view: ImageView, sessions: Sessions, window: QWidget
) -> TaskController:
    return MotionController(project, view, sessions("masks"), sessions("motion"), window)


def _poses(
    project: Project, view: ImageView, sessions: Sessions, window: QWidget
) -> TaskController:
    return PoseController(project, view, sessions("poses"), window)


PHOTO_TASKS: Mapping[TaskName, Make] = {"masks": _masks, "poses": _poses, "motion": _motion}
"""Makes the controller of each task; each is a `TaskController` that `OpensPhotos`."""
