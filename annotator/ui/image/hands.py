"""What gestures on a photo do to the document: the host of all its tools."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from annotator.domain import BACKGROUND
from annotator.domain.cloud import Int64
from annotator.domain.labels import Colour
from annotator.domain.masks import Bounds
from annotator.domain.polygons import Polygon, Ring, draw, polygons_of
from annotator.domain.strokes import capsule
from annotator.ui.annotate.gestures import BrushSize
from annotator.ui.image.bench import PhotoWorkbench
from annotator.ui.image.canvas import Place, colour_of

Inside = npt.NDArray[np.bool_]


class PhotoHands(BrushSize):
    """Implements `PhotoHost` on a workbench."""

    def __init__(self, bench: PhotoWorkbench) -> None:
        super().__init__()
        self._bench = bench
        self._stroke: Inside | None = None
        self._touched: Bounds | None = None

    @property
    def current_object(self) -> int:
        """Object that clicks and strokes are for."""
        return self._bench.current_object

    @property
    def colour(self) -> Colour:
        """Of the current object."""
        asset = self._bench.asset
        return colour_of(asset.objects if asset else {}, self.current_object)

    def say(self, headline: str, detail: str = "", level: str = "info") -> None:
        """Show a message in the window."""
        self._bench.say(headline, detail, level)

    # Clicks and boxes ---------------------------------------------------------------------------

    def add_click(self, place: Place, object_id: int) -> None:
        """Journal a click inside an object (0: inside none); marker and answer follow."""
        self._add(place, object_id, positive=True)

    def add_outside(self, place: Place, object_id: int) -> None:
        """Journal a click outside of an object."""
        self._add(place, object_id, positive=object_id == BACKGROUND)

    def _add(self, place: Place, object_id: int, *, positive: bool) -> None:
        bench = self._bench
        if bench.asset_id is None:
            return
        click = bench.attempt(
            bench.project.add_click,
            bench.asset_id,
            place,
            object_id,
            camera=bench.canvas.view.camera.to_json(),
            positive=positive,
        )
        if click is not None:
            bench.pace.click()

    def move_click(self, click_id: int, place: Place) -> None:
        """Move a click, as one step."""
        bench = self._bench
        if bench.asset_id is not None:
            bench.runs.clicks.unsettle(click_id)
            bench.attempt(bench.project.move_click, bench.asset_id, click_id, place)

    def preview_move(self, click_id: int, place: Place | None) -> None:
        """Show a click elsewhere while it is dragged."""
        self._bench.preview_move(click_id, place)

    def remove_click(self, click_id: int) -> None:
        """Remove any click."""
        bench = self._bench
        if bench.asset_id is not None:
            bench.attempt(bench.project.remove_click, bench.asset_id, click_id)

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none."""
        self._bench.select_click(click_id)

    def set_box(self, corners: tuple[float, float, float, float]) -> None:
        """Draw a box around the current object."""
        self._bench.set_box(corners)

    # Strokes ------------------------------------------------------------------------------------

    def extend_stroke(self, start: Place, end: Place, object_id: int) -> None:
        """Lengthen the stroke of a brush, and show it; pixels of locked objects stay."""
        bench = self._bench
        if bench.photo is None or bench.project.read_only:
            return
        scale = 1.0 / bench.factor
        a, b = (start[0] * scale, start[1] * scale), (end[0] * scale, end[1] * scale)
        radius = self.brush_radius / bench.canvas.view.camera.scale * scale
        height, width = bench.shape
        part, x, y = capsule(a, b, radius, (width, height))
        if not part.size:
            return
        if self._stroke is None:
            self._stroke = np.zeros(bench.shape, np.bool_)
        box = (x, y, x + part.shape[1], y + part.shape[0])
        part &= self._free(box)
        self._stroke[box[1] : box[3], box[0] : box[2]] |= part
        self._touched = _around(self._touched, box)
        if not self._is_locked(object_id):
            bench.canvas.preview(part, x, y, object_id)

    def end_stroke(self, object_id: int) -> None:
        """Journal the stroke as one step; only pixels that it changes are kept."""
        stroke, touched = self._stroke, self._touched
        self._stroke = self._touched = None
        if stroke is None or touched is None:
            return
        pixels = self._pixels(stroke, touched)
        labels = self._bench.labels
        if labels is not None:
            pixels = pixels[labels.ravel()[pixels] != object_id]
        self._paint(pixels, object_id)

    def cancel_stroke(self) -> None:
        """Forget the stroke and show the document again."""
        self._stroke = self._touched = None
        self._bench.restore_labels()

    def _paint(self, pixels: Int64, object_id: int) -> None:
        bench = self._bench
        if len(pixels) or self._is_locked(object_id):
            bench.paint(pixels, object_id)
        if not len(pixels) or self._is_locked(object_id):
            bench.restore_labels()

    def _pixels(self, stroke: Inside, box: Bounds) -> Int64:
        """Return flat indices of the pixels of a stroke within a box."""
        x0, y0, x1, y1 = box
        rows, columns = np.nonzero(stroke[y0:y1, x0:x1])
        return np.asarray((rows + y0) * stroke.shape[1] + columns + x0, np.int64)

    def _is_locked(self, object_id: int) -> bool:
        asset = self._bench.asset
        info = asset.objects.get(object_id) if asset else None
        return info is not None and info.locked

    def _free(self, box: Bounds) -> Inside:
        """Return which pixels of a box belong to no locked object."""
        x0, y0, x1, y1 = box
        asset, labels = self._bench.asset, self._bench.labels
        locked = [i for i, info in asset.objects.items() if info.locked] if asset else []
        if labels is None or not locked:
            return np.ones((y1 - y0, x1 - x0), np.bool_)
        return ~np.isin(labels[y0:y1, x0:x1], locked)

    # Polygons -----------------------------------------------------------------------------------

    def fill(self, ring: Ring, object_id: int) -> None:
        """Give what is inside a polygon to the object, as one step."""
        inside, box = self._drawn([ring])
        if box is None:
            return
        x0, y0, x1, y1 = box
        inside[y0:y1, x0:x1] &= self._free(box)
        pixels = self._pixels(inside, box)
        labels = self._bench.labels
        if labels is not None:
            pixels = pixels[labels.ravel()[pixels] != object_id]
        self._paint(pixels, object_id)

    def outlines(self, tolerance: float) -> list[Ring]:
        """Return the outlines and holes of the current object, with few corners."""
        bench = self._bench
        if bench.photo is None:
            return []
        inside = bench.inside(bench.current_object)
        rings = _rings(polygons_of(inside, tolerance / bench.factor))
        return [ring * float(bench.factor) for ring in rings]

    def move_outline(self, before: list[Ring], after: list[Ring]) -> bool:
        """Change the current object by what lies between two sets of rings, as one step."""
        bench = self._bench
        old, _ = self._drawn(before)
        _, box = self._drawn([*before, *after])
        new, _ = self._drawn(after)
        if box is None:
            return False
        got = self._pixels(new & ~old, box)
        lost = self._pixels(old & ~new, box)
        if bench.labels is not None:
            flat = bench.labels.ravel()
            lost = lost[flat[lost] == bench.current_object]
        return bench.reshape_now(bench.current_object, got, lost)

    def _drawn(self, rings: Iterable[Ring]) -> tuple[Inside, Bounds | None]:
        """Return the pixels [h, w] within an odd number of rings, and a box around the rings."""
        bench = self._bench
        inside = np.zeros(bench.shape, np.bool_)
        scaled = [np.asarray(ring, np.float64) / bench.factor for ring in rings]
        if not scaled:
            return inside, None
        draw(inside, scaled)
        corners = np.concatenate(scaled)
        height, width = bench.shape
        low = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)).astype(int)
        empty = bool((high <= low).any())
        return inside, None if empty else (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _rings(polygons: Iterable[Polygon]) -> list[Ring]:
    return [ring for polygon in polygons for ring in polygon.rings]


def _around(first: Bounds | None, second: Bounds) -> Bounds:
    if first is None:
        return second
    return (
        min(first[0], second[0]), min(first[1], second[1]),
        max(first[2], second[2]), max(first[3], second[3]),
    )  # fmt: skip
