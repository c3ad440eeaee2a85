"""Exporting a clip, its flow, or the masks of what moves in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from annotator.domain import AnnotatorError, CancelToken, Clip, ObjectInfo, Progress
from annotator.domain.cloud import Int32
from annotator.formats import AnnotatedImage
from annotator.formats.clips import CLIP_WRITERS, write_clip_as
from annotator.formats.mask_png import write_indexed
from annotator.ui.files.export_dialog import ExportChoice, ExportFormat
from annotator.ui.motion.moving import Moving

MASKS_FORMAT = "masks"
"""Stands beside the clip writers' ids: what moves, as an indexed PNG."""


@dataclass(frozen=True)
class ClipExport:
    """What is written, as it was when the person asked.

    Attributes:
        path: The photo's file.
        labels: [H, W] ids of what moves, in all of the photo's pixels; 0 elsewhere.
        objects: Those that move.
        clip: At full quality; None before it is made.
    """

    path: Path
    labels: Int32
    objects: Sequence[ObjectInfo]
    clip: Clip | None = None

    @classmethod
    def of(cls, moving: Moving, path: Path) -> "ClipExport":
        """Take what there is of a photo's regions."""
        moving.settle()
        bench = moving.bench
        bench.composer.settle()
        assert bench.photo is not None
        assert bench.asset is not None
        moves = [number for number, plan in moving.plans.items() if plan.moves]
        labels = np.zeros(bench.shape, np.int32) if bench.labels is None else bench.labels
        kept = np.where(np.isin(labels, moves), labels, 0).astype(np.int32)
        full = np.asarray(bench.photo.working.to_full(kept), np.int32)
        objects = [bench.asset.objects[n] for n in moves if n in bench.asset.objects]
        return cls(path, full, objects, moving.full_clip)

    def with_clip(self, clip: Clip) -> "ClipExport":
        """Return the same with the clip at full quality."""
        return replace(self, clip=clip)

    @staticmethod
    def needs_flow(choice: ExportChoice) -> bool:
        """Whether a format is about the clip's flow."""
        return any(w.format_id == choice.format_id and w.needs_flow for w in CLIP_WRITERS)

    @property
    def formats(self) -> Sequence[ExportFormat]:
        """The formats of clips and flows, and masks."""
        clips = [ExportFormat(w.format_id, w.title, w.suffix) for w in CLIP_WRITERS]
        return [*clips, ExportFormat(MASKS_FORMAT, "Masks of what moves (indexed PNG)", ".png")]

    @property
    def scopes(self) -> Sequence[str]:
        """This photo's clip only."""
        return ("This clip",)

    @property
    def description(self) -> str:
        """What moves, and what happens before it is written."""
        names = ", ".join(info.name for info in self.objects)
        text = f"What moves on {self.path.name}: {names}. "
        if self.clip is not None:
            count, height, width = self.clip.frames.shape[:3]
            return text + f"{count} frames of {width:,} × {height:,} pixels are ready."
        return text + "The clip is made at full quality first."

    def write(self, choice: ExportChoice, progress: Progress, cancel: CancelToken) -> Path:
        """Write clip, flow or masks; raises as `Exportable.write` says."""
        progress(0.1, f"Writing {choice.path.name}")
        cancel.check()
        if choice.format_id == MASKS_FORMAT:
            image = AnnotatedImage(self.path.name, self.labels, tuple(self.objects), self.path)
            write_indexed(choice.path, image)
            return choice.path
        if self.clip is None:
            raise AnnotatorError("There is no clip yet.", "Render it first.")
        write_clip_as(choice.path, self.clip, choice.format_id)
        return choice.path
