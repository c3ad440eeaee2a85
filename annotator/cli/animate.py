"""`annotator animate`: a clip in which a region of a photo moves, without a screen."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import typer

from annotator.cli.console import err, out, progress_bar
from annotator.cli.engines import open_engine, open_for, predict_mask, read_photo
from annotator.cli.photos import Quick
from annotator.domain import AnnotatorError, Clip, Image, Prompt, Region

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine

Bool = npt.NDArray[np.bool_]


def animate(
    photo: Path = typer.Argument(..., help="A photo."),
    region: Path | None = typer.Option(None, help="PNG mask of what shall move."),
    click: list[str] = typer.Option([], help="X,Y inside of it instead; repeatable."),
    outside: list[str] = typer.Option([], help="X,Y outside of it; repeatable."),
    prompt: str = typer.Option("", help="A few words: 'flows slowly to the left'."),
    strength: float | None = typer.Option(None, help="Mean motion in pixels a frame."),
    direction: float | None = typer.Option(None, help="Degrees: 0 right, 90 up."),
    confined: bool = typer.Option(False, help="Pixels outside of the mask never change."),
    frames: int = typer.Option(48, min=8, max=240, help="Frames."),
    fps: float = typer.Option(24.0, min=1.0, max=120.0, help="Frames a second."),
    loop: bool = typer.Option(True, help="End as it begins."),
    output: Path = typer.Option(
        ..., "-o", "--output", help=".mp4, .webm, .gif, .apng, .png, or a folder of PNG files."
    ),
    engine: str = typer.Option("followclick", help="Engine that animates."),
    segmenter: str | None = typer.Option(None, help="Engine for --click; clickseg."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Parameter of the animator as name=value."),
) -> None:
    """Let a region of a photo move as a few words say."""
    from annotator.formats.clips import require_clip_format, write_clip

    require_clip_format(output)  # a wrong format is said before the work
    image = read_photo(photo)
    mask = _mask(image, region, Quick(click, outside), segmenter, device)
    told = Prompt(
        object_ids=(1,),
        words=((1, prompt),) if prompt else (),
        regions=(Region(1, mask, _arrow(direction), strength, confined),),
    )
    settings = [f"frames={frames}", f"fps={fps}", f"loop={str(loop).lower()}"]
    opened = open_engine(engine, device, [*settings, *param], told)
    started = time.perf_counter()
    clip = _animated(opened, image, told)
    seconds = time.perf_counter() - started
    for note in clip.notes:
        err.print(note)
    files = write_clip(output, clip)
    what = str(output) if len(files) == 1 else f"{output}: {len(files)} files"
    out.print(f"{what}; {_measured(clip, mask)}; {seconds:.2f} s ({opened.device})")


def _animated(opened: "OpenEngine", image: Image, prompt: Prompt) -> Clip:
    encoding = opened.encode(image)
    with progress_bar("Animating") as progress:
        result = opened.predict(encoding, prompt, progress=progress)
    if not isinstance(result, Clip):
        raise AnnotatorError(f"{opened.ref} does not make clips.", "Choose another engine.")
    return result


def _measured(clip: Clip, mask: Bool) -> str:
    from annotator.benchmark.clips import mean_flow, region_core

    frames, height, width = clip.frames.shape[:3]
    words = f"{frames} frames of {width} x {height}"
    if mask.shape != (height, width):
        return words
    flow, _ = mean_flow(clip.frames, region_core(mask))
    return f"{words}, optical flow {flow:.2f} pixels a frame"


def _arrow(direction: float | None) -> tuple[float, float] | None:
    if direction is None:
        return None
    if not math.isfinite(direction):
        raise AnnotatorError("The direction is no number.", "Give degrees: 0 right, 90 up.")
    angle = math.radians(direction)
    return math.cos(angle), -math.sin(angle)


def _mask(
    image: Image, region: Path | None, quick: Quick, segmenter: str | None, device: str
) -> Bool:
    """Return the mask [H, W] from a file or from clicks.

    Raises:
        AnnotatorError: If neither or both are given, it does not fit, or nothing is inside.
    """
    if (region is None) == (not quick):
        raise AnnotatorError("Say what shall move.", "Use either --region MASK or --click X,Y.")
    mask = _clicked(image, quick, segmenter, device) if region is None else _read_mask(region)
    if mask.shape != image.rgb.shape[:2]:
        raise AnnotatorError(
            f"{region} has {mask.shape[1]} x {mask.shape[0]} pixels, the photo "
            f"{image.rgb.shape[1]} x {image.rgb.shape[0]}.",
            "Give a mask of the photo's size.",
        )
    if not mask.any():
        raise AnnotatorError("The region is empty.", "Nothing would move; choose another.")
    return mask


def _read_mask(path: Path) -> Bool:
    from annotator.formats.mask_png import read_mask_png

    mask: Bool = read_mask_png(path).labels > 0
    return mask


def _clicked(image: Image, quick: Quick, segmenter: str | None, device: str) -> Bool:
    prompt = Prompt(clicks=quick.content().clicks, object_ids=(1,))
    opened = open_for("image", segmenter, device, (), prompt)
    mask, _ = predict_mask(opened, opened.encode(image), prompt)
    found: Bool = mask.labels == 1
    return found
