"""The live loop: a small clip of the regions as they are set now, made aside, newest wins."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from annotator.domain import Clip, Image, Prompt, RegionPlan, motion_prompt
from annotator.domain.cloud import Int32
from annotator.engine.session import EngineEvent, EngineSession
from annotator.ui.annotate.runs import Runs
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.motion.reel import Reel, make_reel

SIDE = 400
"""Pixels of the longer side of a preview."""

SLOW_MS = 15_000
"""An engine that takes longer for a preview is asked only when a person says so."""


class Preview(QObject):
    """Asks the engine for small clips and makes them ready to be shown.

    Attributes:
        runs: What the engine does.
        reel: The newest clip; None where nothing moves.

    Signals:
        ready: `reel` is another one.
        failed: (headline, remedy) why there is none.
        slow: The engine takes so long that it is only asked on demand from now on.
    """

    ready = Signal()
    failed = Signal(str, str)
    slow = Signal()
    _made = Signal(int, object)

    def __init__(self, session: EngineSession, parent: QObject) -> None:
        super().__init__(parent)
        self.runs = Runs(session, self, kept="")
        self.reel: Reel | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reel")
        self._number = 0
        self._asked: Prompt | None = None
        self._scale, self._size = 1.0, (1, 1)
        self.runs.answered.connect(self._take)
        self.runs.failed.connect(self.failed)
        self._made.connect(self._show, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a clip is on its way."""
        return self.runs.busy or self.runs.pending or self._number > 0

    def open(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Take another photo, reduced."""
        self.forget()
        image = small(photo)
        height, width = image.rgb.shape[:2]
        self._size, self._scale = (height, width), photo.working.width / width
        self.runs.open_asset(asset_id, image)

    def use(self, ref: str, parameters: Mapping[str, Any]) -> None:
        """Ask another engine from now on."""
        self._asked = None
        self.runs.use(ref, parameters)

    def ask(self, plans: Mapping[int, RegionPlan], labels: Int32 | None) -> bool:
        """Want a clip of regions; return whether it is another one than was wanted before.

        Args:
            plans: What objects shall do.
            labels: [h, w] whose pixels are whose, of any size; None for none.
        """
        prompt = self._prompt(plans, labels)
        if prompt == self._asked:
            return False
        self._asked = prompt
        if any(region.mask.any() for region in prompt.regions):
            self.runs.want(prompt)
            return True
        self.runs.settle(prompt)
        self._number = 0
        if self.reel is not None:
            self.reel = None
            self.ready.emit()
        return True

    def _prompt(self, plans: Mapping[int, RegionPlan], labels: Int32 | None) -> Prompt:
        if labels is None:
            return Prompt()
        return motion_prompt(plans, reduced(labels, self._size), 1 / self._scale)

    def again(self) -> bool:
        """Ask once more for what is wanted; False if nothing is."""
        return self.runs.run_now()

    def _take(self, event: EngineEvent) -> None:
        if not isinstance(event.result, Clip):
            return
        if event.milliseconds > SLOW_MS and self.runs.auto_run:
            self.runs.auto_run = False
            self.slow.emit()
        clip = event.result
        scale = self._scale * self._size[1] / clip.frames.shape[2]
        self._number = number = event.generation
        made = self._thread.submit(make_reel, clip, scale)
        made.add_done_callback(lambda done: self._send(number, done))

    def _send(self, number: int, done: "Future[Reel]") -> None:
        if not done.cancelled():
            self._made.emit(number, done.exception() or done.result())

    def _show(self, number: int, reel: Reel | BaseException) -> None:
        if isinstance(reel, BaseException):
            raise reel
        if number == self._number:
            self._number, self.reel = 0, reel
            self.ready.emit()

    def forget(self) -> None:
        """Have no clip, and want none."""
        self._number, self.reel, self._asked = 0, None, None

    def close(self) -> None:
        """Stop; nothing arrives any more."""
        self.runs.close()
        self.forget()
        self._thread.shutdown(wait=True, cancel_futures=True)


def small(photo: LoadedPhoto) -> Image:
    """Return the photo with at most `SIDE` pixels in its longer side."""
    fitting = [rgb for rgb in photo.pyramid.levels if max(rgb.shape[:2]) >= SIDE]
    rgb = fitting[-1] if fitting else photo.pyramid.levels[0]
    factor = SIDE / max(rgb.shape[:2])
    if factor < 1:
        size = (max(round(rgb.shape[1] * factor), 1), max(round(rgb.shape[0] * factor), 1))
        less = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        rgb = np.asarray(less, np.uint8).reshape(size[1], size[0], 3)
    return Image(np.ascontiguousarray(rgb), photo.path.name)


def reduced(labels: Int32, size: tuple[int, int]) -> Int32:
    """Return labels [h, w] at another size: of each pixel that in its middle."""
    height, width = labels.shape
    rows = ((np.arange(size[0]) + 0.5) * height / size[0]).astype(np.intp)
    columns = ((np.arange(size[1]) + 0.5) * width / size[1]).astype(np.intp)
    return np.ascontiguousarray(labels[np.ix_(rows, columns)])
