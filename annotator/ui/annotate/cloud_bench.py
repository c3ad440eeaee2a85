"""The workbench of a scan: labels by point, ground truth, the clip box."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject

from annotator.domain import Mask, PointCloud, WorkingSet
from annotator.domain.cloud import Float32, Int64
from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.ui.annotate.canvas import Canvas
from annotator.ui.annotate.quality import GroundTruth, Tally
from annotator.ui.annotate.workbench import Workbench
from annotator.ui.view import PointView


class CloudWorkbench(Workbench):
    """One open scan.

    Attributes:
        cloud: Its working points; None before one is open.
        tally: Points of each object, and how well they fit the ground truth.
    """

    canvas: Canvas

    def __init__(
        self, project: Project, view: PointView, session: EngineSession, parent: QObject | None
    ) -> None:
        super().__init__(project, Canvas(view), session, parent)
        self.cloud: PointCloud | None = None
        self.tally = Tally(None)

    @property
    def points(self) -> Int64:
        """Working points of each object, by id, as shown."""
        return self.tally.points

    @property
    def is_empty(self) -> bool:
        """Whether no scan is open."""
        return self.cloud is None

    def open_asset(self, asset_id: int, working_set: WorkingSet) -> None:
        """Show an asset as it was left, and let the engine get ready for it."""
        cloud = working_set.cloud
        self.cloud = cloud
        self.tally = Tally(None if cloud.labels is None else GroundTruth(cloud.labels))
        self.canvas.open(cloud)
        self._begin(asset_id, cloud)

    def close(self) -> None:
        """Let go of project, session and view; nothing arrives any more."""
        super().close()
        self.cloud = None

    def set_clip_box(self, box: tuple[Float32, Float32] | None) -> None:
        """Show only what lies between two corners [3] in metres; None shows all."""
        view = self.canvas.view
        if box is None:
            view.set_clip_box(None)
        else:
            view.set_clip_box(*box)
        self._show_markers()

    def _show_labels(self) -> None:
        if self.asset_id is None or self.cloud is None:
            return
        labels = self.project.labels_of(self.asset_id, self._mask or self._blank())
        fits = labels is not None and len(labels) == len(self.cloud)
        self.labels = labels if fits else None
        self.tally.show(self.labels)
        self.canvas.show_labels(self.labels)
        self.canvas.show_confidence(self._mask)

    def _show_stroke(self, indices: Int64, object_id: int) -> None:
        """Change the labels under a stroke: going over all points takes long for millions."""
        if self.cloud is None:
            return
        if self.labels is None:
            self.labels = np.zeros(len(self.cloud), np.int32)
        before = self.labels[indices]
        self.labels[indices] = object_id
        self.tally.stroke(self.labels, indices, before)
        self.canvas.show_stroke(self.labels, indices)

    def _blank(self) -> Mask | None:
        """Return an empty mask for edits to lie on where nothing was clicked."""
        asset = self.asset
        if self.cloud is None or asset is None or asset.clicks or not (asset.edits or asset.pins):
            return None
        return Mask(np.zeros(len(self.cloud), np.int32))

    def restore_labels(self) -> None:
        """Show the document's labels again, after a preview that came to nothing."""
        self.canvas.show_labels(self.labels)

    def preview_move(self, click_id: int, index: int | None) -> None:
        """Show a click elsewhere while it is dragged."""
        self.canvas.preview_move(click_id, index)
        self._show_markers()

    def ious(self) -> Sequence[float] | None:
        """Return the IoU of every clicked object; None where there is no ground truth."""
        if self.tally.truth is None:
            return None
        return tuple(self.tally.iou_by_object(self.clicks).values())
