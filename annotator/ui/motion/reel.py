"""A clip made ready to be shown over its photo: pictures, and where what they show moves."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from annotator.domain import Clip
from annotator.domain.flow_colours import Flow, colours_of_flow
from annotator.ui.image.arrows import FlowLines

Float = npt.NDArray[np.float32]

_LEAST = 0.08  # of the strongest flow: less is not drawn
_LINES = 34  # in a row or column of a photo's longer side


@dataclass(frozen=True)
class Reel:
    """A clip as the view shows it.

    Attributes:
        clip: What it was made from.
        pictures: One a frame; transparent where nothing ever changes, so that the photo itself
            shows there, sharp.
        flow: [T-1, h, w, 2] pixels of the clip a frame.
        estimated: Whether the flow was measured on the frames, as the engine states none.
        strongest: Length of the flow that few places exceed, pixels of the clip a frame.
        scale: Pixels of the photo a pixel of the clip.
    """

    clip: Clip
    pictures: tuple[QImage, ...]
    flow: Flow
    estimated: bool
    strongest: float
    scale: float

    def __len__(self) -> int:
        return len(self.pictures)

    def lines(self, number: int) -> FlowLines | None:
        """Return where what a frame shows goes next; None where nothing moves."""
        if not len(self.flow) or self.strongest < 1e-3:
            return None
        flow = self.flow[min(number, len(self.flow) - 1)]
        height, width = flow.shape[:2]
        area = float((np.linalg.norm(flow, axis=-1) > _LEAST * self.strongest).mean())
        # Small regions get their share of lines, too.
        step = max(max(height, width) / _LINES * min(max(2 * area**0.5, 0.4), 1.0), 1.0)
        rows = np.arange(step / 2, height, step).astype(np.intp)
        columns = np.arange(step / 2, width, step).astype(np.intp)
        y, x = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
        moved = flow[y, x]
        seen = np.linalg.norm(moved, axis=-1) > _LEAST * self.strongest
        moved, tails = moved[seen], np.stack((x[seen], y[seen]), -1).astype(np.float32) + 0.5
        tips = tails + moved * np.float32(1.1 * step / self.strongest)
        hues = colours_of_flow(moved[None] / np.linalg.norm(moved[None], axis=-1, keepdims=True))
        return FlowLines(tails * self.scale, tips * self.scale, hues[0])


def make_reel(clip: Clip, scale: float) -> Reel:
    """Make a clip ready; takes tens of milliseconds, so call it aside.

    Args:
        clip: The clip.
        scale: Pixels of the photo a pixel of the clip.
    """
    flow, estimated = (clip.flow, False) if clip.flow is not None else (_estimated(clip), True)
    lengths = np.linalg.norm(flow, axis=-1)
    moving = lengths[lengths > 1e-3]
    strongest = float(np.percentile(moving, 95)) if moving.size else 0.0
    return Reel(clip, _pictures(clip), flow, estimated, strongest, scale)


def full_reel(clip: Clip, preview: Reel) -> Reel:
    """Make a clip at full quality ready without copying its frames.

    Args:
        clip: The clip.
        preview: The small one of the same settings, whose flow is drawn.
    """
    height, width = clip.frames.shape[1:3]
    kind = QImage.Format.Format_RGB888
    pictures = tuple(
        QImage(np.ascontiguousarray(frame).data, width, height, 3 * width, kind)
        for frame in clip.frames
    )
    return replace(preview, clip=clip, pictures=pictures)


def _pictures(clip: Clip) -> tuple[QImage, ...]:
    frames = clip.frames
    changed = (frames != frames[0]).any(axis=(0, 3)).astype(np.uint8)
    wide = cv2.dilate(changed, np.ones((5, 5), np.uint8)).astype(np.float32)
    alpha = cv2.GaussianBlur(wide, (0, 0), 1.0).reshape(changed.shape)
    height, width = changed.shape
    kind = QImage.Format.Format_ARGB32_Premultiplied
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., 3] = np.rint(alpha * 255)
    pictures = []
    for frame in frames:
        pixels[..., :3] = np.rint(frame[..., ::-1] * alpha[..., None])
        pictures.append(QImage(pixels.data, width, height, width * 4, kind).copy())
    return tuple(pictures)


def _estimated(clip: Clip) -> Flow:
    """Measure the flow from each frame to the next (Kroeger et al., DIS, ECCV 2016)."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip.frames]
    height, width = grey[0].shape
    flow = np.zeros((max(len(grey) - 1, 0), height, width, 2), np.float32)
    if min(height, width) < 16:
        return flow
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    for number, found in enumerate(flow):
        found[:] = np.asarray(dis.calc(grey[number], grey[number + 1], found))
    return flow
