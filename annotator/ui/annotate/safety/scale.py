"""The colours of agreement: dark and faint where it is full, bright where a click is a risk."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from annotator.robustness.live.reports import Report

UInt8 = npt.NDArray[np.uint8]

_FAINT, _STRONG = 0.30, 0.82
_IMPLAUSIBLE = 0.35  # share of the opacity where no sensible click would be


def lowest(report: Report) -> float:
    """Return the agreement at the lower end of the scale: the least found, in steps of 0.1."""
    counted = report.values[report.plausible] if report.plausible.any() else report.values
    least = float(counted.min(initial=1.0))
    return min(int(least * 10) / 10, 0.9)


def colours(values: npt.NDArray[np.float32], low: float) -> UInt8:
    """Return premultiplied blue, green, red, alpha [..., 4] of agreements between `low` and 1."""
    risk = np.clip((1 - values) / max(1 - low, 1e-6), 0, 1)
    return np.asarray(_table()[np.rint(255 * risk).astype(np.uint8)])


def plain(values: npt.NDArray[np.float32], low: float) -> UInt8:
    """Return red, green, blue [..., 3] of agreements between `low` and 1."""
    risk = np.clip((1 - values) / max(1 - low, 1e-6), 0, 1)
    return np.asarray(_plasma()[np.rint(255 * risk).astype(np.uint8)][..., ::-1])


def dimmed(coloured: UInt8, plausible: npt.NDArray[np.bool_]) -> UInt8:
    """Return colours [..., 4], fainter where no sensible click would be."""
    share = np.where(plausible, 1.0, _IMPLAUSIBLE)[..., None]
    return np.asarray(np.rint(coloured * share), np.uint8)


@lru_cache(maxsize=1)
def _plasma() -> UInt8:
    """Return blue, green, red [256, 3] from safe to risky."""
    steps = np.arange(256, dtype=np.uint8).reshape(1, 256)
    return np.asarray(cv2.applyColorMap(steps, cv2.COLORMAP_PLASMA)[0], np.uint8)


@lru_cache(maxsize=1)
def _table() -> UInt8:
    opacity = np.linspace(_FAINT, _STRONG, 256)[:, None]
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = np.rint(_plasma() * opacity)
    table[:, 3:] = np.rint(255 * opacity)
    return table


def picture(coloured: UInt8) -> QImage:
    """Return premultiplied colours [h, w, 4] as a picture of its own memory."""
    height, width = coloured.shape[:2]
    kind = QImage.Format.Format_ARGB32_Premultiplied
    packed = np.ascontiguousarray(coloured)
    return QImage(packed.data, width, height, width * 4, kind).copy()


def legend(width: int) -> UInt8:
    """Return a bar [1, width, 4] from risky to safe, without transparency."""
    bar = np.full((1, width, 4), 255, np.uint8)
    bar[0, :, :3] = _plasma()[np.rint(np.linspace(255, 0, width)).astype(np.uint8)]
    return bar
