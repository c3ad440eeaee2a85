"""Annotation of scans: the shared controller with its tools for points and the clip box."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDockWidget

from annotator.domain import WorkingSet
from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.ui.annotate.clip_dock import ClipDock
from annotator.ui.annotate.clipping import Clipping
from annotator.ui.annotate.cloud_bench import CloudWorkbench
from annotator.ui.annotate.cloud_safety import CloudSafety
from annotator.ui.annotate.controller import AnnotationController
from annotator.ui.annotate.gestures import Gestures
from annotator.ui.annotate.safety import ClickSafety, SafetyDock
from annotator.ui.annotate.tools import TOOLS
from annotator.ui.view import PointView


class CloudController(AnnotationController):
    """Lets a person annotate one scan at a time with clicks, brush and lasso."""

    bench: CloudWorkbench

    def __init__(
        self, project: Project, view: PointView, session: EngineSession, parent: QObject | None
    ) -> None:
        bench = CloudWorkbench(project, view, session, parent)
        hands = Gestures(bench)
        super().__init__(bench, hands, {name: make(hands) for name, make in TOOLS.items()}, parent)
        self.safety = ClickSafety(bench, CloudSafety(bench, hands), SafetyDock(self._window))
        self.safety.changed.connect(self._announce_conditions)
        self._clip_dock = ClipDock(self._window)
        self._clip_dock.commandChosen.connect(self.command)
        self.clip = Clipping(bench, self._clip_dock, self.conditionsChanged.emit)

    def open_asset(self, asset_id: int, working_set: WorkingSet) -> None:
        """Show an asset as it was left and let the engine encode it.

        Args:
            asset_id: Of an asset in the project.
            working_set: The points to annotate.
        """
        self.bench.open_asset(asset_id, working_set)
        self.clip.open()
        self._show_camera(asset_id)

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {
            **super().action_handlers(),
            **self.safety.handlers(),
            "toggle_clip_box": lambda *_: self.clip.toggle(),
            "clip_to_object": self.clip.to_object,
        }

    def _dock_handlers(self) -> Mapping[str, Callable[..., object]]:
        return {**super()._dock_handlers(), "clip_all": self.clip.reset}

    def cancel(self) -> None:
        """Stop the engine, and give up an unfinished gesture."""
        self.safety.stop()
        super().cancel()

    def close(self) -> None:
        """Let go of everything."""
        self.safety.close()
        super().close()

    def docks(self) -> Sequence[QDockWidget]:
        """Return the docks, most important first."""
        return (*super().docks(), self._clip_dock, self.safety.dock)

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        held = super().conditions() | self.safety.conditions()
        return held | {"clip_box"} if self.clip.active else held
