"""Clips as GIF, animated PNG, a folder of PNG files, or video (MP4, WebM) where `av` is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, Clip
from annotator.formats.atomic import atomic_write
from annotator.formats.flow import FlowFormat, write_flows

_CODECS = {".mp4": ("mp4", "libx264"), ".webm": ("webm", "libvpx-vp9")}

_FLOWS: dict[str, FlowFormat] = {"flow-flo": "flo", "flow-png": "png", "flow-colour": "colour"}


@dataclass(frozen=True)
class ClipWriter:
    """One way to write a clip.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffix: Of its file; "" if it is a folder.
    """

    format_id: str
    title: str
    suffix: str

    @property
    def needs_flow(self) -> bool:
        """Whether it is about the clip's flow."""
        return self.format_id in _FLOWS


CLIP_WRITERS: tuple[ClipWriter, ...] = (
    ClipWriter("mp4", "MP4 video (H.264)", ".mp4"),
    ClipWriter("webm", "WebM video (VP9)", ".webm"),
    ClipWriter("gif", "Animated GIF (256 colours)", ".gif"),
    ClipWriter("apng", "Animated PNG (lossless)", ".apng"),
    ClipWriter("frames", "Folder of PNG files (lossless)", ""),
    ClipWriter("flow-flo", "Flow, folder of .flo files (Middlebury)", ""),
    ClipWriter("flow-png", "Flow, folder of 16-bit PNG files (KITTI)", ""),
    ClipWriter("flow-colour", "Flow, folder of colour pictures", ""),
)
"""Every way to write a clip, the usual one first."""


def write_clip_as(path: Path, clip: Clip, format_id: str) -> list[Path]:
    """Write a clip in a format of `CLIP_WRITERS`; return the files.

    Raises:
        AnnotatorError: If there is no such format, the clip has no flow, or a file cannot be
            written.
    """
    if format_id in _FLOWS:
        return write_flows(path, clip, _FLOWS[format_id])
    known = {writer.format_id: writer for writer in CLIP_WRITERS}
    if format_id not in known:
        raise AnnotatorError(f"There is no clip format {format_id}.", f"Known: {', '.join(known)}.")
    if not known[format_id].suffix:
        return _write_folder(path, clip)
    return write_clip(path.with_suffix(known[format_id].suffix), clip)


def write_clip(path: Path, clip: Clip) -> list[Path]:
    """Write a clip by the suffix of its file; without one, a folder of PNG files.

    PNG and APNG hold every pixel; GIF has 256 colours a frame, video loses a little.

    Raises:
        AnnotatorError: If the suffix is none of a clip's, or the file cannot be written.
    """
    require_clip_format(path)
    if not path.suffix:
        return _write_folder(path, clip)
    with atomic_write(path) as file:
        _WRITERS[path.suffix.lower()](file, clip, path.suffix.lower())
    return [path]


def require_clip_format(path: Path) -> None:
    """Refuse what `write_clip` cannot write, before the work is done.

    Raises:
        AnnotatorError: Saying which suffixes there are, or what is missing.
    """
    suffix = path.suffix.lower()
    if suffix and suffix not in _WRITERS:
        raise AnnotatorError(
            f"A clip cannot be written as {suffix}.",
            f"Use {', '.join(_WRITERS)}, or a name without suffix for a folder of PNG files.",
        )
    if suffix in _CODECS:
        _av()


def _write_folder(folder: Path, clip: Clip) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotatorError(f"{folder} cannot be made: {error.strerror}.") from error
    written = []
    for number, frame in enumerate(clip.frames):
        written.append(folder / f"frame-{number:04d}.png")
        with atomic_write(written[-1]) as file:
            Pillow.fromarray(frame).save(file, "PNG")
    return written


def _pictures(clip: Clip) -> Sequence[Pillow.Image]:
    return [Pillow.fromarray(frame) for frame in clip.frames]


def _write_gif(file: BinaryIO, clip: Clip, suffix: str) -> None:
    # Players take times under two hundredths of a second for ten.
    pause = max(round(100 / clip.frames_per_second), 2) * 10
    first, *rest = _pictures(clip)
    first.save(file, "GIF", save_all=True, append_images=rest, duration=pause, loop=0)


def _write_apng(file: BinaryIO, clip: Clip, suffix: str) -> None:
    first, *rest = _pictures(clip)
    pause = 1000 / clip.frames_per_second
    first.save(file, "PNG", save_all=True, append_images=rest, duration=pause, loop=0)


def _write_video(file: BinaryIO, clip: Clip, suffix: str) -> None:
    av = _av()
    container_format, codec = _CODECS[suffix]
    height, width = clip.frames.shape[1:3]
    with av.open(file, "w", format=container_format) as container:
        rate = Fraction(clip.frames_per_second).limit_denominator(1001)
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
        for frame in clip.frames:
            # Colours are halved in both directions, so that odd sides need one pixel more.
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            picture = av.VideoFrame.from_ndarray(even, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _av() -> Any:  # noqa: ANN401 - a module that need not be there
    try:
        return import_module("av")
    except ImportError as error:
        raise AnnotatorError(
            "Video needs the package av, which is not installed.",
            "Install it with `pip install av`, or write .png, .apng or .gif.",
        ) from error


_WRITERS: dict[str, Callable[[BinaryIO, Clip, str], None]] = {
    ".gif": _write_gif,
    ".apng": _write_apng,
    ".png": _write_apng,
    **dict.fromkeys(_CODECS, _write_video),
}
