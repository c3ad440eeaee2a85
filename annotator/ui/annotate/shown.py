"""What every canvas does, whatever it shows: colours, hidden objects, dimming."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from annotator.domain import Box, Click, ObjectInfo, RegionPlan
from annotator.domain.cloud import Int32
from annotator.domain.labels import Colour
from annotator.ui.view import AnnotationView

DIM = 0.45
"""Share of the label opacity that a mask keeps while it does not answer the newest clicks."""


class BaseCanvas(ABC):
    """A view and what was last put into it."""

    def __init__(self, view: AnnotationView) -> None:
        self.view = view
        self._bright: float | None = None
        self._palette: dict[int, Colour] = {}
        self._hidden: frozenset[int] = frozenset()

    def _forget(self) -> None:
        """Put colours and hidden objects into the view anew."""
        self._palette, self._hidden = {}, frozenset()

    @abstractmethod
    def clear(self) -> None:
        """Show nothing."""

    @abstractmethod
    def show_labels(self, labels: Int32 | None) -> None:
        """Show the label of every working point or pixel; None shows none."""

    @abstractmethod
    def show_boxes(self, boxes: Mapping[int, Box], objects: Mapping[int, ObjectInfo]) -> None:
        """Show the boxes around objects."""

    @abstractmethod
    def show_markers(
        self, clicks: Sequence[Click], objects: Mapping[int, ObjectInfo], selected: int | None
    ) -> None:
        """Show a marker for every click that is not hidden."""

    def show_regions(  # noqa: B027 - scans have none
        self,
        plans: Mapping[int, RegionPlan],
        objects: Mapping[int, ObjectInfo],
        current: int | None = None,
    ) -> None:
        """Show where regions shall move; nothing where assets have none."""

    def set_stale(self, stale: bool) -> None:
        """Dim the labels while they do not answer the newest clicks."""
        if stale and self._bright is None:
            self._bright = self.view.label_opacity
            self.view.set_label_opacity(self._bright * DIM)
        elif not stale and self._bright is not None:
            bright, self._bright = self._bright, None
            if abs(self.view.label_opacity - bright * DIM) < 1e-6:  # else a person changed it
                self.view.set_label_opacity(bright)

    def show_objects(self, objects: Mapping[int, ObjectInfo], hidden: frozenset[int]) -> None:
        """Show colours, and hide the points of some objects."""
        palette = {object_id: info.colour for object_id, info in objects.items()}
        if palette != self._palette:
            self._palette = palette
            self.view.set_palette(palette)
        if hidden != self._hidden:
            self._hidden = hidden
            self.view.set_hidden(hidden)
