"""What pointer gestures do to the document: the host of all tools."""

import numpy as np

from annotator.domain.cloud import Int64
from annotator.ui.annotate.cloud_bench import CloudWorkbench

_RADII = (4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0, 50.0, 70.0, 100.0)


class BrushSize:
    """How large brush and eraser are."""

    def __init__(self) -> None:
        self._radius = 4

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in logical pixels."""
        return _RADII[self._radius]

    def resize_brush(self, steps: int) -> None:
        """Make the brush larger (+) or smaller (-)."""
        self._radius = min(max(self._radius + steps, 0), len(_RADII) - 1)


class Gestures(BrushSize):
    """Implements `ToolHost` on a workbench."""

    def __init__(self, bench: CloudWorkbench) -> None:
        super().__init__()
        self._bench = bench

    @property
    def current_object(self) -> int:
        """Object that clicks and strokes are for."""
        return self._bench.current_object

    def add_click(self, place: int, object_id: int) -> None:
        """Journal a click on working point `place`; marker and answer follow from that."""
        bench = self._bench
        if bench.asset_id is None or bench.cloud is None:
            return
        click = bench.attempt(
            bench.project.add_click,
            bench.asset_id,
            bench.cloud.xyz[place],
            object_id,
            index=place,
            camera=bench.canvas.view.camera.to_json(),
        )
        if click is not None:
            bench.pace.click()

    def move_click(self, click_id: int, place: int) -> None:
        """Move a click to working point `place`, as one step."""
        bench = self._bench
        if bench.asset_id is None or bench.cloud is None:
            return
        bench.runs.clicks.unsettle(click_id)
        xyz = bench.cloud.xyz[place]
        bench.attempt(bench.project.move_click, bench.asset_id, click_id, xyz, place)

    def preview_move(self, click_id: int, place: int | None) -> None:
        """Show a click at another point while it is dragged."""
        self._bench.preview_move(click_id, place)

    def remove_click(self, click_id: int) -> None:
        """Remove any click."""
        bench = self._bench
        if bench.asset_id is not None:
            bench.attempt(bench.project.remove_click, bench.asset_id, click_id)

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none."""
        self._bench.select_click(click_id)

    def preview_paint(self, indices: Int64, object_id: int) -> None:
        """Show what a stroke will paint; points of locked objects stay."""
        if not self._is_locked(object_id):
            self._bench.canvas.preview(self._free(indices), object_id)

    def paint(self, indices: Int64, object_id: int) -> None:
        """Journal a stroke as one step; only points that it changes are kept."""
        bench = self._bench
        if bench.asset_id is None:
            return
        changing = self._free(indices)
        if bench.labels is not None:
            changing = changing[bench.labels[changing] != object_id]
        if len(changing) or self._is_locked(object_id):
            bench.paint(changing, object_id)
        bench.restore_labels()

    def cancel_preview(self) -> None:
        """Show the document again."""
        self._bench.restore_labels()

    def _is_locked(self, object_id: int) -> bool:
        asset = self._bench.asset
        info = asset.objects.get(object_id) if asset else None
        return info is not None and info.locked

    def _free(self, indices: Int64) -> Int64:
        """Leave out points that belong to locked objects."""
        asset, labels = self._bench.asset, self._bench.labels
        if asset is None or labels is None:
            return indices
        locked = [i for i, info in asset.objects.items() if info.locked]
        return indices[~np.isin(labels[indices], locked)] if locked else indices
