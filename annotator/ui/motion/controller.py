"""Motion in the window: the tools for masks make the regions, which stay visible but dimmed."""

from PySide6.QtCore import QObject

from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.ui.image.controller import PhotoController
from annotator.ui.image.view import ImageView


class MotionController(PhotoController):
    """Lets a person choose and shape regions of one photo at a time that shall move."""

    def __init__(
        self,
        project: Project,
        view: ImageView,
        masks: EngineSession,
        motion: EngineSession,
        parent: QObject | None,
    ) -> None:
        super().__init__(project, view, masks, parent)
        self._motion = motion
        view.set_quiet(True)

    def close(self) -> None:
        """Let go of everything."""
        super().close()
        self._photo_view.set_quiet(False)
