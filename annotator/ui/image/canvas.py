"""What the photo view shows of the document: labels, clicks, boxes; only changes go there."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from annotator.domain import (
    BACKGROUND,
    Box,
    Click,
    Mask,
    ObjectInfo,
    RegionPlan,
    object_colour,
)
from annotator.domain.cloud import Int32
from annotator.domain.labels import Colour
from annotator.domain.masks import Bounds
from annotator.ui.annotate.shown import BaseCanvas
from annotator.ui.image.arrows import PhotoArrow
from annotator.ui.image.composing import Composition
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.overlay import PhotoBox, PhotoMarker
from annotator.ui.image.view import ImageView

Place = tuple[float, float]


class PhotoCanvas(BaseCanvas):
    """The view of a photo and what was last put into it."""

    view: ImageView

    def __init__(self, view: ImageView) -> None:
        super().__init__(view)
        self._shape = (0, 0)
        self._previewed: Bounds | None = None
        self._moved: tuple[int, Place] | None = None
        self._drawn: tuple[float, float, float, float] | None = None

    def open(self, photo: LoadedPhoto | None) -> None:
        """Show another photo, without labels and markers."""
        self._previewed = self._moved = self._drawn = None
        self._forget()
        self._shape = photo.working.shape if photo else (0, 0)
        if photo is None:
            self.view.set_photo(None)
        else:
            self.view.set_photo(photo.pyramid, photo.working.factor)
        self.set_stale(False)

    def clear(self) -> None:
        """Show nothing."""
        self.open(None)

    def show(self, composition: Composition) -> None:
        """Show labels; draws only what differs from what is shown, previews included."""
        box = _union(composition.box, self._previewed)
        if composition.whole or composition.labels is None:
            self.view.set_labels(composition.labels)
        elif box is not None:
            self.view.set_labels(composition.labels, box)
        self._previewed = None

    def show_labels(self, labels: Int32 | None) -> None:
        """Show labels, [h, w] or flat, anew."""
        self.view.set_labels(None if labels is None else labels.reshape(self._shape))
        self._previewed = None

    def restore(self, labels: Int32 | None) -> None:
        """Show the document's labels again where a preview was."""
        if self._previewed is not None:
            self.view.set_labels(labels, self._previewed)
            self._previewed = None

    def preview(self, part: npt.NDArray[np.bool_], x: int, y: int, object_id: int) -> None:
        """Show pixels [h, w] from (x, y) as the object's until `show` or `restore`."""
        if part.size:
            height, width = part.shape
            self._previewed = _union(self._previewed, (x, y, x + width, y + height))
            self.view.preview_labels(part, x, y, object_id)

    def show_confidence(self, mask: Mask | None) -> None:
        """Show how probable the object is, or how sure the engine is of each pixel."""
        values = None if mask is None else mask.probability
        if mask is not None and values is None:
            values = mask.confidence
        self.view.set_confidence(values)

    def preview_move(self, click_id: int, place: Place | None) -> None:
        """Show a click's marker elsewhere from the next `show_markers` on."""
        self._moved = None if place is None else (click_id, place)

    def show_markers(
        self, clicks: Sequence[Click], objects: Mapping[int, ObjectInfo], selected: int | None
    ) -> None:
        """Show a marker for every click whose object is not hidden."""
        shown = [c for c in clicks if c.object_id not in self._hidden - {BACKGROUND}]
        self.view.set_markers([self._marker(c, objects, c.click_id == selected) for c in shown])

    def _marker(
        self, click: Click, objects: Mapping[int, ObjectInfo], selected: bool
    ) -> PhotoMarker:
        x, y = click.position[:2]
        if self._moved is not None and self._moved[0] == click.click_id:
            x, y = self._moved[1]
        inside = click.positive and click.object_id != BACKGROUND
        colour = colour_of(objects, click.object_id)
        return PhotoMarker((x, y), click.click_id, colour, str(click.object_id), inside, selected)

    def show_boxes(self, boxes: Mapping[int, Box], objects: Mapping[int, ObjectInfo]) -> None:
        """Show the boxes of objects that are not hidden."""
        shown = [
            PhotoBox((b.x0, b.y0, b.x1, b.y1), colour_of(objects, b.object_id))
            for b in boxes.values()
            if b.object_id not in self._hidden
        ]
        self.view.set_boxes(shown)

    def show_regions(
        self,
        plans: Mapping[int, RegionPlan],
        objects: Mapping[int, ObjectInfo],
        current: int | None = None,
    ) -> None:
        """Show the arrows of regions that move and are not hidden."""
        self.view.set_arrows([
            PhotoArrow(plan.arrow, colour_of(objects, number), number == current)
            for number, plan in plans.items()
            if plan.arrow is not None and plan.moves and number not in self._hidden
        ])  # fmt: skip


def colour_of(objects: Mapping[int, ObjectInfo], object_id: int) -> Colour:
    """Return an object's colour, also of one that is yet to come into being."""
    info = objects.get(object_id)
    return info.colour if info else object_colour(object_id)


def _union(first: Bounds | None, second: Bounds | None) -> Bounds | None:
    if first is None or second is None:
        return first or second
    return (
        min(first[0], second[0]), min(first[1], second[1]),
        max(first[2], second[2]), max(first[3], second[3]),
    )  # fmt: skip
