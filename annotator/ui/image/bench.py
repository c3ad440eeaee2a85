"""The workbench of a photo: labels by pixel, boxes, thresholds and candidate masks."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject

from annotator.domain import Box, Candidate, Prompt
from annotator.domain.cloud import Int32, Int64
from annotator.domain.masks import bounds_of
from annotator.engine.session import EngineSession
from annotator.project import AssetState, Change, Project
from annotator.ui.annotate.workbench import Workbench
from annotator.ui.image.canvas import PhotoCanvas, Place
from annotator.ui.image.composing import Composer, Composition
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.view import ImageView

Inside = npt.NDArray[np.bool_]

LOGIT_STEP = 0.5
"""How much log-odds "bigger" and "smaller" take off or add to the threshold."""

_LARGEST_LOGIT = 5.0


class PhotoWorkbench(Workbench):
    """One open photo.

    Attributes:
        photo: The photo as read; None before one is open.
        composer: Puts labels together aside.
    """

    canvas: PhotoCanvas

    def __init__(
        self, project: Project, view: ImageView, session: EngineSession, parent: QObject | None
    ) -> None:
        self.photo: LoadedPhoto | None = None
        self._counts: Int64 = np.zeros(1, np.int64)
        self._sent: tuple[Prompt, Prompt] | None = None
        self._offered_for: int | None = None
        super().__init__(project, PhotoCanvas(view), session, parent)
        self.composer = Composer(self)
        self.composer.composed.connect(self._take)

    # What there is --------------------------------------------------------------------------

    @property
    def points(self) -> Int64:
        """Pixels of each object, by id, as shown."""
        return self._counts

    @property
    def is_empty(self) -> bool:
        """Whether no photo is open."""
        return self.photo is None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the labels; (0, 0) before a photo is open."""
        return self.photo.working.shape if self.photo else (0, 0)

    @property
    def factor(self) -> int:
        """Pixels of the photo along the edge of a pixel of its labels."""
        return self.photo.working.factor if self.photo else 1

    @property
    def box(self) -> Box | None:
        """The box around the current object, or None."""
        return self.asset.boxes.get(self.current_object) if self.asset else None

    @property
    def candidates(self) -> Sequence[Candidate]:
        """Masks that the engine offers for the current object; empty if it offers no choice."""
        if self._mask is None or self.runs.unanswered:
            return ()
        mine = [c for c in self._mask.candidates if c.object_id == self.current_object]
        return mine if len(mine) > 1 and self._offered_for == self.current_object else ()

    @property
    def chosen_candidate(self) -> int | None:
        """Number of the candidate that was chosen for the current object; None for none."""
        return self.asset.candidates.get(self.current_object) if self.asset else None

    @property
    def threshold(self) -> float:
        """Probability above which a pixel belongs to the current object."""
        own = self.asset.thresholds.get(self.current_object) if self.asset else None
        return self.runs.threshold if own is None else own

    # Opening and closing --------------------------------------------------------------------

    def open_asset(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Show a photo as it was left, and let the engine get ready for it."""
        self.photo = photo
        self._counts, self._offered_for = np.zeros(1, np.int64), None
        self.composer.forget()
        self.canvas.open(photo)
        self._begin(asset_id, photo.working.image)

    def close(self) -> None:
        """Let go of project, session and view; nothing arrives any more."""
        super().close()
        self.composer.close()
        self.photo = None

    # What a person does ------------------------------------------------------------------------

    def resize_mask(self, steps: int) -> None:
        """Make the current object's mask bigger (+) or smaller (-) by its threshold."""
        if self.asset is None or self.asset_id is None:
            return
        if self.current_object not in self._for_engine(self.asset.prompt()).prompted_ids:
            self.say("There is no mask to resize yet.", "Click the object first.")
            return
        logit = math.log(self.threshold / (1 - self.threshold)) - steps * LOGIT_STEP
        logit = min(max(logit, -_LARGEST_LOGIT), _LARGEST_LOGIT)
        threshold = round(1 / (1 + math.exp(-logit)), 4)
        self.attempt(self.project.set_threshold, self.asset_id, self.current_object, threshold)

    def choose_candidate(self, number: int) -> None:
        """Take one of the masks that the engine offers for the current object, from 0."""
        if self.asset_id is not None and number < len(self.candidates):
            choose = self.project.choose_candidate
            self.attempt(choose, self.asset_id, self.current_object, number)

    def dismiss_candidates(self) -> None:
        """Offer no choice any more until the next click."""
        self._offered_for = None
        self.refreshed.emit()

    def set_box(self, corners: tuple[float, float, float, float]) -> None:
        """Draw a box around the current object, in pixels of the photo."""
        if self.asset_id is not None:
            self.attempt(self.project.set_box, self.asset_id, Box(self.current_object, *corners))

    def remove_box(self) -> None:
        """Take away the box around the current object."""
        if self.asset_id is not None and self.box is not None:
            self.attempt(self.project.remove_box, self.asset_id, self.current_object)

    def inside(self, object_id: int) -> Inside:
        """Return which pixels [h, w] are the object's, once all that was done has its effect."""
        self.composer.settle()
        if self.labels is None:
            return np.zeros(self.shape, np.bool_)
        return np.asarray(self.labels == object_id)

    def reshape(self, change: Callable[[Inside], Inside]) -> None:
        """Change the current object's pixels [h, w] by a function, aside, as one step."""
        asset_id, object_id = self.asset_id, self.current_object
        labels = self._settled()
        if asset_id is None or labels is None or not (labels == object_id).any():
            self.say("The current object has no pixels yet.", "Click it first.")
            return

        def work() -> tuple[Int64, Int64]:
            before = np.asarray(labels == object_id)
            after = change(before)
            return np.flatnonzero(after & ~before), np.flatnonzero(before & ~after)

        def done(pixels: tuple[Int64, Int64]) -> None:
            if self.asset_id == asset_id:
                self._reshape(object_id, *pixels)

        self.composer.run(work, done)

    def _settled(self) -> Int32 | None:
        self.composer.settle()
        return self.labels

    def _reshape(self, object_id: int, got: Int64, lost: Int64) -> None:
        assert self.asset_id is not None
        if not len(got) and not len(lost):
            self.say("There is nothing to change.", "The mask is as asked already.")
            return
        self.attempt(self.project.reshape, self.asset_id, object_id, got, lost)

    def reshape_now(self, object_id: int, got: Int64, lost: Int64) -> bool:
        """Give pixels to an object and take others from it, as one step; False if refused."""
        if self.asset_id is None or not (len(got) or len(lost)):
            return False
        reshape = self.project.reshape
        return self.attempt(reshape, self.asset_id, object_id, got, lost) is not None

    def look_at(self, object_id: int) -> None:
        """Bring an object into view, as large as it fits."""
        box = bounds_of(self.inside(object_id))
        if box is not None:
            x0, y0, x1, y1 = (edge * self.factor for edge in box)
            self.canvas.view.camera.show(x0, y0, x1, y1)

    def select_click(self, click_id: int | None) -> None:
        """Select a click, or none; one that is out of view comes into it."""
        super().select_click(click_id)
        click = next((c for c in self.clicks if c.click_id == click_id), None)
        if click is not None:
            self.canvas.view.camera.reveal(*click.position[:2])

    # What the engine is asked -------------------------------------------------------------------

    def _asks(self, asset: AssetState) -> bool:
        return bool(asset.prompt().prompted_ids)

    def _for_engine(self, prompt: Prompt) -> Prompt:
        if self.photo is None:
            return prompt
        sent = self.photo.working.to_working(prompt)
        self._sent = (sent, prompt)
        return sent

    def _from_engine(self, prompt: Prompt) -> Prompt:
        if self._sent is not None and self._sent[0] == prompt:
            return self._sent[1]
        return prompt

    def _on_change(self, change: Change) -> None:
        if change.asset_id == self.asset_id and "clicks" in change.topics:
            self._offered_for = self.current_object
        super()._on_change(change)

    # What is shown -----------------------------------------------------------------------------

    def _show_objects(self) -> None:
        super()._show_objects()
        if self.asset:
            self.canvas.show_boxes(self.asset.boxes, self.asset.objects)

    def _show_labels(self) -> None:
        if self.asset_id is None or self.photo is None or self.asset is None:
            return
        mask = self.project.mask_of(self.asset_id, self._mask)
        self.composer.ask(self.asset, mask, self.shape)
        self.canvas.show_confidence(mask)

    def _take(self, composition: Composition) -> None:
        self.labels, self._counts = composition.labels, composition.counts
        self.canvas.show(composition)
        self.refreshed.emit()

    def restore_labels(self) -> None:
        """Show the document's labels again, after a preview that came to nothing."""
        self.canvas.restore(self.labels)

    def preview_move(self, click_id: int, place: Place | None) -> None:
        """Show a click elsewhere while it is dragged."""
        self.canvas.preview_move(click_id, place)
        self._show_markers()
