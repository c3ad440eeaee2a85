"""`annotator animate`: a clip in which a region of a photo moves, without a screen."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import typer

from annotator.cli.engines import open_for, predict_mask, read_photo
from annotator.cli.photos import Quick
from annotator.domain import AnnotatorError, Image, ObjectInfo, Prompt, Region

Bool = npt.NDArray[np.bool_]


_PROJECT_SUFFIX = ".annotator"


def animate(
    source: Path = typer.Argument(..., help="A photo, or a project with regions that move."),
    region: Path | None = typer.Option(None, help="PNG mask of what shall move."),
    click: list[str] = typer.Option([], help="X,Y inside of it instead; repeatable."),
    outside: list[str] = typer.Option([], help="X,Y outside of it; repeatable."),
    prompt: str = typer.Option("", help="A few words: 'flows slowly to the left'."),
    strength: float | None = typer.Option(None, help="Mean motion in pixels a frame."),
    direction: float | None = typer.Option(None, help="Degrees: 0 right, 90 up."),
    confined: bool = typer.Option(False, help="Pixels outside of the mask never change."),
    softness: float | None = typer.Option(None, help="Width of the soft edge in pixels."),
    frames: int | None = typer.Option(None, min=8, max=240, help="Frames."),
    fps: float | None = typer.Option(None, min=1.0, max=120.0, help="Frames a second."),
    loop: bool | None = typer.Option(None, "--loop/--no-loop", help="End as it begins."),
    output: Path = typer.Option(
        ..., "-o", "--output", help=".mp4, .webm, .gif, .apng, .png, or a folder of PNG files."
    ),
    flow: Path | None = typer.Option(None, help="Folder for the flow field, too."),
    flow_format: str = typer.Option("flo", help="flo, png (16 bits) or colour (pictures)."),
    mask: Path | None = typer.Option(None, help="PNG for the masks of what moves, too."),
    engine: str | None = typer.Option(None, help="Engine that animates; followclick."),
    segmenter: str | None = typer.Option(None, help="Engine for --click; clickseg."),
    asset: int | None = typer.Option(None, help="Only this photo of the project."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Parameter of the animator as name=value."),
) -> None:
    """Let regions of a photo move as a few words say; or render what a project says."""
    from annotator.cli.animating import Wanted, animate_project

    said = {"frames": frames, "fps": fps, "loop": None if loop is None else str(loop).lower()}
    settings = [f"{name}={value}" for name, value in said.items() if value is not None]
    wanted = Wanted(output, flow, flow_format, mask, engine, device, (*settings, *param))
    wanted.check()  # a wrong format is said before the work
    if source.suffix == _PROJECT_SUFFIX:
        told = (region, click, outside, prompt, strength, direction, confined, softness)
        if any(told):
            raise AnnotatorError(
                "What moves in a project is said in the project.",
                "Leave out --region, --click, --prompt and the like, or name a photo.",
            )
        animate_project(source, asset, wanted)
        return
    image = read_photo(source)
    inside = _mask(image, region, Quick(click, outside), segmenter, device)
    moving = Region(1, inside, _arrow(direction), strength, confined, softness)
    words = ((1, prompt),) if prompt else ()
    told_engine = Prompt(object_ids=(1,), words=words, regions=(moving,))
    wanted.make(image, told_engine, output, [ObjectInfo(1, prompt or "Region")])


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
