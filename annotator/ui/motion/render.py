"""The clip at full quality: made once a person asks for it, watched and stopped by them."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal

from annotator.domain import AnnotatorError, Clip, Image, RegionPlan, motion_prompt
from annotator.domain.cloud import Int32
from annotator.engine.session import EngineEvent, EngineSession
from annotator.ui.annotate.runs import Runs

LARGEST = 4 * 2**30
"""Bytes of frames beyond which a clip is not begun."""

_FULL = 1_000_000
"""Added to an asset's id: the same photo at full size, for the same session."""


class Render(QObject):
    """One rendering at a time.

    Attributes:
        runs: What the engine does.
        clip: The newest; None before the first, and once something else is wanted.

    Signals:
        changed: Progress, or `clip`.
        failed: (headline, remedy) why it came to nothing.
    """

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, session: EngineSession, parent: QObject) -> None:
        super().__init__(parent)
        self.runs = Runs(session, self, kept="")
        self.clip: Clip | None = None
        self._asset: tuple[int, Image] | None = None
        self._known, self._scale = False, 1.0
        self._then: list[Callable[[Clip], object]] = []
        self.runs.changed.connect(self.changed)
        self.runs.answered.connect(self._take)
        self.runs.failed.connect(self._fail)

    @property
    def rendering(self) -> bool:
        """Whether a clip is on its way."""
        return self.runs.pending

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        return self.runs.fraction if self.rendering else 0.0

    def open(self, asset_id: int, image: Image, scale: float) -> None:
        """Take another photo; engines hear of it only once a clip of it is wanted.

        Args:
            asset_id: The photo.
            image: What is rendered of it.
            scale: Pixels of the image a pixel of the photo.
        """
        self.forget()
        self._asset, self._scale = (asset_id + _FULL, image), scale

    def outdate(self) -> None:
        """Note that something else is wanted than what there is, or what is being made."""
        if self.clip is not None or self.rendering:
            self.stop()
            self.clip = None
            self.changed.emit()

    def start(
        self,
        plans: Mapping[int, RegionPlan],
        labels: Int32,
        frames: int,
        then: Callable[[Clip], object] | None = None,
    ) -> None:
        """Make the clip, and hand it to `then`.

        Args:
            plans: What objects shall do.
            labels: [h, w] whose pixels are whose, in the image's pixels.
            frames: How many are to be expected.
            then: What to do with it.

        Raises:
            AnnotatorError: If it would not fit into memory.
        """
        assert self._asset is not None
        asset_id, image = self._asset
        if frames * image.rgb.nbytes > LARGEST:
            raise AnnotatorError(
                f"{frames} frames of {image.rgb.shape[1]:,} × {image.rgb.shape[0]:,} pixels "
                "do not fit into memory.",
                "Set fewer frames or a largest side in Engine Parameters.",
            )
        if not self._known:
            self.runs.open_asset(asset_id, image)
            self._known = True
        self._then = [then] if then else []
        self.runs.want(motion_prompt(plans, labels, self._scale))

    def stop(self) -> None:
        """Give up the clip that is being made."""
        self._then = []
        self.runs.cancel()

    def _take(self, event: EngineEvent) -> None:
        if not isinstance(event.result, Clip):
            return
        self.clip = event.result
        waiting, self._then = self._then, []
        for then in waiting:
            then(self.clip)
        self.changed.emit()

    def _fail(self, headline: str, remedy: str) -> None:
        self._then = []
        self.failed.emit(headline, remedy)

    def forget(self) -> None:
        """Have no clip and no photo."""
        self.runs.close_asset()
        self._asset, self.clip, self._then, self._known = None, None, [], False

    def close(self) -> None:
        """Stop; nothing arrives any more."""
        self._then = []
        self.runs.close()
