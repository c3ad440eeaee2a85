"""Exporting masks of a photo, or of all photos of its project, from the window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, CancelToken, Image, Progress, WorkingImage
from annotator.domain.cloud import Float32, Int32
from annotator.domain.working import working_size
from annotator.formats import (
    IMAGE_WRITERS,
    AnnotatedImage,
    image_size,
    write_annotations,
    write_clicks,
)
from annotator.project import AssetState, Project
from annotator.ui.files.export_dialog import CLICKS_FORMAT, ExportChoice, ExportFormat
from annotator.ui.image.loading import LoadedPhoto

_NOTHING = Image(np.zeros((0, 0, 3), np.uint8))


@dataclass(frozen=True)
class PhotoExport:
    """What is written, as it was when the person asked.

    Attributes:
        project: Path of the project; the other photos are read from there, aside.
        state: The photo shown.
        labels: [h, w] of it; None if nothing is annotated.
        probability: [h, w] of its only object, if the engine has just said it.
        classes: Names of the project's classes.
        others: Other annotated photos of the project.
    """

    project: Path
    state: AssetState
    labels: Int32 | None
    probability: Float32 | None = None
    classes: Sequence[str] = ()
    others: Sequence[AssetState] = field(default_factory=tuple)

    @classmethod
    def of(cls, project: Project, state: AssetState, photo: LoadedPhoto) -> "PhotoExport":
        """Take what there is of the photo shown, and note which others are annotated."""
        labels = project.labels_of(state.asset_id)
        mask = project.mask_of(state.asset_id)
        others = [
            a
            for a in project.document.assets.values()
            if a.kind == "image" and a.asset_id != state.asset_id and _is_annotated(a)
        ]
        return cls(
            project.path,
            state,
            None if labels is None else labels.reshape(photo.working.shape).copy(),
            None if mask is None or len(state.objects) != 1 else mask.probability,
            [c.name for c in project.document.label_set.classes],
            others,
        )

    @property
    def path(self) -> Path:
        """The photo's file."""
        return self.state.path

    @property
    def formats(self) -> Sequence[ExportFormat]:
        """The formats of annotated photos, and clicks."""
        photos = [ExportFormat(w.format_id, w.title, w.suffix, w.one_file) for w in IMAGE_WRITERS]
        clicks = ExportFormat(
            CLICKS_FORMAT, "Clicks and objects of this photo (JSON)", ".json", True
        )
        return [*photos, clicks]

    @property
    def scopes(self) -> Sequence[str]:
        """This photo, and all of its project if there are more."""
        if not self.others:
            return ("This photo",)
        return ("This photo", f"All {1 + len(self.others)} annotated photos of the project")

    @property
    def description(self) -> str:
        """What is annotated on the photo."""
        objects, clicks = len(self.state.objects), len(self.state.clicks)
        text = f"{objects} objects, {clicks} clicks on {self.path.name}."
        if self.labels is None:
            text += " Nothing is segmented yet: all pixels are background."
        if self.state.working_spacing:
            text += " Masks are spread to every pixel of the photo."
        return text

    def write(self, choice: ExportChoice, progress: Progress, cancel: CancelToken) -> Path:
        """Write masks or clicks; raises as `Exportable.write` says."""
        if choice.format_id == CLICKS_FORMAT:
            state = self.state
            objects, boxes = tuple(state.objects.values()), tuple(state.boxes.values())
            write_clicks(choice.path, state.clicks, objects=objects, boxes=boxes)
            return choice.path
        images = self._images(progress, cancel, everything=choice.scope > 0)
        write_annotations(choice.path, images, choice.format_id, classes=self.classes)
        return choice.path

    def _images(
        self, progress: Progress, cancel: CancelToken, *, everything: bool
    ) -> Iterator[AnnotatedImage]:
        total = 1 + len(self.others) * everything
        progress(0.05, f"Writing {self.path.name}")
        chances: dict[int, Float32] = {}
        if self.probability is not None:
            chances = dict.fromkeys(self.state.objects, self.probability)
        yield _annotated(self.state, self.labels, chances)
        if not everything:
            return
        with Project.open(self.project, read_only=True, cancel=cancel) as project:
            for number, state in enumerate(self.others, 1):
                cancel.check()
                progress(number / total, f"Writing {state.path.name}")
                yield _annotated(state, project.labels_of(state.asset_id), {})


def _is_annotated(asset: AssetState) -> bool:
    return bool(asset.clicks or asset.boxes or asset.edits or asset.pins)


def _annotated(
    state: AssetState, labels: Int32 | None, chances: Mapping[int, Float32]
) -> AnnotatedImage:
    """Return a photo with its labels spread to all of its pixels.

    Raises:
        AnnotatorError: If its file is gone or has another size now.
    """
    width, height = image_size(state.path)
    factor = max(int(state.working_spacing), 1)
    small = working_size(width, height, factor)[::-1]
    if labels is None:
        labels = np.zeros(small, np.int32)
    if labels.size != small[0] * small[1]:
        raise AnnotatorError(
            f"{state.path.name} has changed since it was annotated.", "Put the old file back."
        )
    spread = WorkingImage(_NOTHING, factor, width, height)

    def to_full(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return spread.to_full(values.reshape(small))

    return AnnotatedImage(
        state.path.name,
        np.asarray(to_full(labels), np.int32),
        tuple(state.objects.values()),
        state.path,
        {i: np.asarray(to_full(chance), np.float32) for i, chance in chances.items()},
    )
