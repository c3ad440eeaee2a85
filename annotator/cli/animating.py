"""Making clips without a screen: what is wanted, one photo, or all that a project says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
import numpy.typing as npt

from annotator.cli.assets import Engines, WorkingAsset, labels_shown
from annotator.cli.console import err, out, progress_bar
from annotator.cli.engines import open_engine
from annotator.domain import AnnotatorError, Clip, Image, ObjectInfo, Prompt, motion_prompt
from annotator.domain.cloud import Int32

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine
    from annotator.project import AssetState, Project

_USUAL_ENGINE = "followclick"


@dataclass(frozen=True)
class Wanted:
    """What is to be made of clips.

    Attributes:
        output: File, or folder of PNG files; for several photos a folder of clips.
        flow: Folder for the flow field; None for none.
        flow_format: "flo", "png" or "colour".
        mask: PNG for the masks of what moves; None for none.
        engine: Engine that animates; None for the project's own, or the usual one.
        device: Where it computes.
        settings: Its parameters as name=value, beside the project's own.
    """

    output: Path
    flow: Path | None
    flow_format: str
    mask: Path | None
    engine: str | None
    device: str
    settings: tuple[str, ...]

    def check(self) -> None:
        """Refuse what cannot be written, before the work is done.

        Raises:
            AnnotatorError: In words.
        """
        from annotator.formats.clips import require_clip_format
        from annotator.formats.flow import FlowFormat

        require_clip_format(self.output)
        if self.flow_format not in get_args(FlowFormat):
            raise AnnotatorError(
                f"Flow cannot be written as {self.flow_format}.", "Use flo, png or colour."
            )

    def make(
        self,
        image: Image,
        prompt: Prompt,
        target: Path,
        objects: Sequence[ObjectInfo],
        own: tuple[str, Sequence[str]] = ("", ()),
    ) -> None:
        """Make the clip of one photo and write all that is wanted of it.

        Args:
            image: The photo.
            prompt: What shall move.
            target: Where the clip goes.
            objects: What moves.
            own: The project's engine and its parameters as name=value.
        """
        ref = self.engine or own[0] or _USUAL_ENGINE
        kept = own[1] if ref == own[0] else ()
        opened = open_engine(ref, self.device, [*kept, *self.settings], prompt)
        if self.flow is not None and "flow" in opened.parameters:
            opened = open_engine(ref, self.device, [*kept, "flow=always", *self.settings], prompt)
        started = time.perf_counter()
        clip = _animated(opened, image, prompt)
        seconds = time.perf_counter() - started
        for note in clip.notes:
            err.print(note)
        self._write(clip, prompt, target, objects)
        what = f"{_measured(clip, prompt)}; {seconds:.2f} s ({opened.device})"
        out.print(f"{target}; {what}")

    def _write(
        self, clip: Clip, prompt: Prompt, target: Path, objects: Sequence[ObjectInfo]
    ) -> None:
        from annotator.formats import AnnotatedImage
        from annotator.formats.clips import write_clip
        from annotator.formats.flow import FlowFormat, write_flows
        from annotator.formats.mask_png import write_indexed

        write_clip(target, clip)
        if self.flow is not None:
            form = cast(FlowFormat, self.flow_format)
            write_flows(_beside(self.flow, self.output, target), clip, form)
        if self.mask is not None:
            file = _beside(self.mask, self.output, target)
            labels = _labels(prompt)
            write_indexed(file, AnnotatedImage(target.name, labels, tuple(objects)))


def _beside(place: Path, output: Path, target: Path) -> Path:
    """Return a place of its own for each of several clips."""
    return place if target == output else place.with_name(f"{target.stem}-{place.name}")


def _labels(prompt: Prompt) -> Int32:
    labels = np.zeros(prompt.regions[0].mask.shape, np.int32)
    for region in prompt.regions:
        labels[region.mask] = region.object_id
    return labels


def _animated(opened: "OpenEngine", image: Image, prompt: Prompt) -> Clip:
    encoding = opened.encode(image)
    with progress_bar("Animating") as progress:
        result = opened.predict(encoding, prompt, progress=progress)
    if not isinstance(result, Clip):
        raise AnnotatorError(f"{opened.ref} does not make clips.", "Choose another engine.")
    return result


def _measured(clip: Clip, prompt: Prompt) -> str:
    from annotator.benchmark.clips import mean_flow, region_core

    frames, height, width = clip.frames.shape[:3]
    words = f"{frames} frames of {width} x {height}"
    inside: npt.NDArray[np.bool_] = _labels(prompt) > 0
    if inside.shape != (height, width) or not inside.any():
        return words
    flow, _ = mean_flow(clip.frames, region_core(inside))
    return f"{words}, optical flow {flow:.2f} pixels a frame"


# --- Projects


def animate_project(path: Path, asset: int | None, wanted: Wanted) -> None:
    """Make the clips of the photos of a project on which something moves.

    Raises:
        AnnotatorError: If nothing does, or several clips do not fit into one file.
    """
    from annotator.project import Project

    with Project.open(path, read_only=True) as project:
        chosen = [
            state
            for state in project.document.assets.values()
            if asset in (None, state.asset_id) and any(p.moves for p in state.regions.values())
        ]
        if not chosen:
            raise AnnotatorError(
                f"Nothing moves in {path.name}.", "Say in the window how a region moves."
            )
        engines = Engines(wanted.device)
        for state in chosen:
            _animate_asset(project, state, _target(wanted.output, state, len(chosen)), wanted,
                           engines)  # fmt: skip


def _target(output: Path, state: "AssetState", count: int) -> Path:
    """Return where a photo's clip goes: several go beside one another, named by their photos."""
    if count == 1:
        return output
    name = f"{state.path.stem}-{output.name}"
    return output.with_name(name) if output.suffix else output / state.path.stem


def _animate_asset(
    project: "Project", state: "AssetState", target: Path, wanted: Wanted, engines: Engines
) -> None:
    read = WorkingAsset.of(state)
    seen = read.seen
    assert isinstance(seen, Image)
    labels = labels_shown(project, state, read, engines)
    prompt = motion_prompt(state.regions, labels, 1 / max(int(state.working_spacing), 1))
    if not any(region.mask.any() for region in prompt.regions):
        raise AnnotatorError(f"What shall move on {state.path.name} has no pixels.", "Click it.")
    chosen = state.engine_for("motion")
    own = [f"{name}={value}" for name, value in chosen.parameters.items()]
    objects = [state.objects[number] for number in prompt.object_ids]
    wanted.make(seen, prompt, target, objects, (chosen.ref, own))
