"""Flow fields: Middlebury's .flo, KITTI's 16-bit PNG, and pictures for the eye.

* .flo: the number 202021.25, width, height, then (x, y) of every pixel as float32, row by row,
  all little-endian (Baker et al., IJCV 2011). Lengths of 1e9 and more mean "unknown".
* 16-bit PNG: red and green are 64 (x, y) + 32,768, blue is 1 where the flow is known (Menze and
  Geiger, CVPR 2015): steps of 1/64 pixel, lengths up to 512 pixels.
* Picture: `annotator.domain.flow_colours`; it cannot be read back.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, Clip
from annotator.domain.flow_colours import Flow, colours_of_flow
from annotator.formats.atomic import atomic_write
from annotator.formats.images import MAX_PIXELS
from annotator.formats.source import DAMAGED, Reading

FlowFormat = Literal["flo", "png", "colour"]

_MAGIC = struct.pack("<f", 202021.25)
_HEADER = 12
_UNKNOWN = 1e9
_STEPS, _ZERO = 64.0, 32_768


def write_flows(folder: Path, clip: Clip, form: FlowFormat = "flo") -> list[Path]:
    """Write the flow of a clip, one file from each frame to the next; return the files.

    Args:
        folder: Made if it is not there.
        clip: With its flow.
        form: "flo", "png" (16 bits) or "colour" (a picture, the same scale in all of them).

    Raises:
        AnnotatorError: If the clip has no flow, or a file cannot be written.
    """
    if clip.flow is None:
        raise AnnotatorError(
            "The clip has no flow field.",
            "Let the engine keep it: set its parameter for the flow field, if it has one.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotatorError(f"{folder} cannot be made: {error.strerror}.") from error
    longest = float(np.linalg.norm(clip.flow, axis=-1).max(initial=0)) if form == "colour" else None
    files = []
    for number, flow in enumerate(clip.flow):
        files.append(folder / f"flow-{number:04d}.{'flo' if form == 'flo' else 'png'}")
        with atomic_write(files[-1]) as file:
            if form == "colour":
                Pillow.fromarray(colours_of_flow(flow, longest)).save(file, "PNG")
            else:
                _WRITERS[form](file, flow)
    return files


def write_flo(file: BinaryIO, flow: Flow) -> None:
    """Write a flow [H, W, 2] to an open .flo file."""
    height, width = flow.shape[:2]
    file.write(_MAGIC + struct.pack("<ii", width, height))
    file.write(np.ascontiguousarray(flow, "<f4").tobytes())


def write_flow_png(file: BinaryIO, flow: Flow) -> None:
    """Write a flow [H, W, 2] to an open PNG file of 16 bits; see the module.

    Raises:
        AnnotatorError: If a pixel goes further than 511 pixels.
    """
    import cv2  # slow to import, and seldom needed

    steps = np.rint(np.asarray(flow, np.float64) * _STEPS) + _ZERO
    if not np.all((steps >= 0) & (steps <= 65_535)):
        raise AnnotatorError("A 16-bit PNG holds flows up to 511 pixels.", "Choose .flo instead.")
    pixels = np.ones((*flow.shape[:2], 3), np.uint16)
    pixels[..., :2] = steps.astype(np.uint16)
    done, data = cv2.imencode(".png", pixels[..., ::-1])  # it takes blue first
    if not done:
        raise AnnotatorError("The flow cannot be packed as PNG.")
    file.write(data.tobytes())


_WRITERS: dict[str, Callable[[BinaryIO, Flow], None]] = {"flo": write_flo, "png": write_flow_png}


def read_flo(path: Path) -> Flow:
    """Read a .flo file; return [H, W, 2] float32, NaN where it is unknown.

    Raises:
        AnnotatorError: If it is none.
    """
    reading = Reading.of(path)
    data = path.read_bytes()
    if data[:4] != _MAGIC or len(data) < _HEADER:
        raise reading.damaged("is no flow file", "Choose a .flo file.")
    width, height = struct.unpack("<ii", data[4:_HEADER])
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        raise reading.damaged(f"claims to have {width} x {height} pixels", DAMAGED)
    if len(data) != _HEADER + 8 * width * height:
        raise reading.damaged("has not as many numbers as it says", DAMAGED)
    flow = np.frombuffer(data, "<f4", offset=_HEADER).reshape(height, width, 2).astype(np.float32)
    flow[~(np.abs(flow) < _UNKNOWN).all(-1)] = np.nan
    return flow


def read_flow_png(path: Path) -> Flow:
    """Read a 16-bit flow PNG; return [H, W, 2] float32, NaN where it is unknown.

    Raises:
        AnnotatorError: If it is none.
    """
    import cv2  # slow to import, and seldom needed

    reading = Reading.of(path)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except cv2.error:
        pixels = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise reading.damaged("is no flow as PNG of 16 bits", "Choose another file.")
    flow = (pixels[..., :0:-1].astype(np.float32) - _ZERO) / np.float32(_STEPS)
    flow[pixels[..., 0] == 0] = np.nan
    return np.ascontiguousarray(flow, np.float32)
