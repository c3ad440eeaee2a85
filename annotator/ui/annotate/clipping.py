"""Switches the clip box, and puts it around the scan or an object."""

from collections.abc import Callable

import numpy as np

from annotator.ui.annotate.clip_dock import ClipDock
from annotator.ui.annotate.cloud_bench import CloudWorkbench

_MARGIN = 0.1
"""Metres of surroundings that stay around an object; a tenth of its size if that is less."""


class Clipping:
    """Keeps dock and view of one mind about the clip box."""

    def __init__(
        self, bench: CloudWorkbench, dock: ClipDock, changed: Callable[[], object]
    ) -> None:
        self._bench, self._dock, self._changed = bench, dock, changed
        self.active = False
        dock.boxChanged.connect(self._apply)

    def open(self) -> None:
        """Start with the whole of another scan, switched off."""
        cloud = self._bench.cloud
        if cloud is not None:
            self._dock.set_extent(*cloud.bounds)
        self._switch(False)

    def toggle(self) -> None:
        """Switch the box on or off."""
        self._switch(not self.active)

    def reset(self) -> None:
        """Open the box to the whole scan."""
        self._dock.reset()
        self._apply()

    def to_object(self) -> None:
        """Put the box around the current object."""
        bench = self._bench
        if bench.cloud is None:
            return
        none = bench.labels is None
        points = bench.cloud.xyz[[] if none else bench.labels == bench.current_object]
        if not len(points):
            bench.say("The current object has no points yet.", "Click it first.")
            return
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.float32(min(_MARGIN, 0.1 * float((high - low).max()) + 1e-3))
        self._dock.set_box(low - margin, high + margin)
        self._switch(True)

    def _switch(self, on: bool) -> None:
        self.active = on
        self._dock.setVisible(on)
        self._apply()
        self._changed()

    def _apply(self) -> None:
        self._bench.set_clip_box(self._dock.box if self.active else None)
