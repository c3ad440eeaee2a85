"""What the 3D view shows of the document: labels, objects, markers; only changes go there."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotator.domain import BACKGROUND, Box, Click, ObjectInfo, PointCloud, object_colour
from annotator.domain.cloud import Int32, Int64
from annotator.domain.results import Mask
from annotator.ui.annotate.shown import BaseCanvas
from annotator.ui.view import ClickMarker, PointView


class Canvas(BaseCanvas):
    """The view of a scan and what was last put into it."""

    view: PointView

    def __init__(self, view: PointView) -> None:
        super().__init__(view)
        self._cloud: PointCloud | None = None
        self._shown: Int32 | None = None
        self._moved: tuple[int, int] | None = None

    def open(self, cloud: PointCloud | None) -> None:
        """Show another cloud, without labels and markers."""
        self._cloud, self._shown, self._moved = cloud, None, None
        self._forget()
        self.view.set_cloud(cloud)
        self.view.set_labels(None)
        self.view.set_confidence(None)
        self.view.set_markers(())
        self.set_stale(False)

    def clear(self) -> None:
        """Show nothing."""
        self.open(None)

    def show_boxes(self, boxes: Mapping[int, Box], objects: Mapping[int, ObjectInfo]) -> None:
        """Show nothing: objects of scans have no boxes."""

    def show_labels(self, labels: Int32 | None) -> None:
        """Show labels [W]; uploads only those that differ from what is shown."""
        if labels is None or self._shown is None or len(labels) != len(self._shown):
            self._shown = None if labels is None else labels.copy()
            self.view.set_labels(labels)
            return
        changed = np.flatnonzero(labels != self._shown)
        if len(changed):
            self._shown = labels.copy()
            self.view.set_labels(labels, changed)

    def preview(self, indices: Int64, object_id: int) -> None:
        """Show points [K] as the object's until `show_labels` shows the document again."""
        if self._cloud is None:
            return
        if self._shown is None:
            self._shown = np.zeros(len(self._cloud), np.int32)  # as an unlabelled view has them
        self._shown[indices] = object_id
        self.view.set_labels(self._shown, indices)

    def show_stroke(self, labels: Int32, indices: Int64) -> None:
        """Show labels [W] of which only the points [K] of a stroke differ from the document's."""
        if self._shown is None:
            self.show_labels(labels)
            return
        self._shown[indices] = labels[indices]
        self.view.set_labels(self._shown, indices)

    def show_confidence(self, mask: Mask | None) -> None:
        """Show how sure the engine is of each point."""
        self.view.set_confidence(mask.confidence if mask else None)

    def preview_move(self, click_id: int, index: int | None) -> None:
        """Show a click's marker at another point from the next `show_markers` on."""
        self._moved = None if index is None else (click_id, index)

    def show_markers(
        self, clicks: Sequence[Click], objects: Mapping[int, ObjectInfo], selected: int | None
    ) -> None:
        """Show a numbered marker for every click that is neither hidden nor clipped away."""
        shown = [c for c in clicks if self._is_shown(c)]
        self.view.set_markers([self._marker(c, objects, c.click_id == selected) for c in shown])

    def _is_shown(self, click: Click) -> bool:
        if click.object_id in self._hidden - {BACKGROUND}:
            return False
        box = self.view.clip_box
        place = np.array(self._place(click), np.float32)
        return box is None or bool(((place >= box[0]) & (place <= box[1])).all())

    def _marker(
        self, click: Click, objects: Mapping[int, ObjectInfo], selected: bool
    ) -> ClickMarker:
        info = objects.get(click.object_id)
        return ClickMarker(
            position=self._place(click),
            object_id=click.object_id,
            click_id=click.click_id,
            colour=info.colour if info else object_colour(click.object_id),
            text="–" if click.object_id == BACKGROUND else str(click.object_id),
            selected=selected,
        )

    def _place(self, click: Click) -> tuple[float, float, float]:
        if self._moved and self._moved[0] == click.click_id and self._cloud is not None:
            x, y, z = (float(v) for v in self._cloud.xyz[self._moved[1]])
        else:
            x, y, z = click.position
        return x, y, z
