"""A teacher for whole objects: U^2-Net saliency, run from its ONNX file.

People's segmentations (BSDS500) say where regions end, not which regions make one thing.
Saliency does: regions that are mostly salient are joined to one object with the person's
own outline. Where saliency is certain everywhere, it is an outline by itself.

U^2-Net: Qin et al., Pattern Recognition 2020.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.clickseg.training.sources import VOID, Photo, UInt8

_SIDE = 320
_MEAN = np.asarray([0.485, 0.456, 0.406], np.float32)
_STD = np.asarray([0.229, 0.224, 0.225], np.float32)
_AREAS = (0.01, 0.7)


class Saliency:
    """U^2-Net as OpenCV runs it.

    Args:
        path: The network's ONNX file.
        threads: Threads that OpenCV may use.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        cv2.setNumThreads(threads)
        self._network = cv2.dnn.readNetFromONNX(str(path))

    def __call__(self, image: UInt8) -> npt.NDArray[np.float32]:
        """Return saliency in [0, 1], [H, W], of an RGB image [H, W, 3]."""
        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        scaled = (small.astype(np.float32) / max(int(small.max()), 1) - _MEAN) / _STD
        self._network.setInput(scaled.transpose(2, 0, 1)[None].copy())
        found = np.asarray(self._network.forward(), np.float32).reshape(_SIDE, _SIDE)
        found = (found - found.min()) / max(float(found.max() - found.min()), 1e-6)
        size = (image.shape[1], image.shape[0])
        resized = cv2.resize(found, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(resized, np.float32)


def salient_layers(photo: Photo, saliency: npt.NDArray[np.float32]) -> list[UInt8]:
    """Return label maps [H, W] of salient objects of a photo, possibly none.

    The first is made of the photo's own regions, the last of saliency alone; uncertain
    pixels of the latter are unknown.
    """
    found = [_joined(layer, saliency) for kind, layer in photo.layers if kind == "part"]
    found.append(_certain(saliency))
    return [layer for layer in found if layer is not None]


def _joined(regions: UInt8, saliency: npt.NDArray[np.float32]) -> UInt8 | None:
    """Join regions that are mostly salient, if most of the saliency is explained so."""
    labels = np.arange(256)
    total = np.bincount(regions.ravel(), minlength=256)
    salient = np.bincount(regions.ravel(), weights=(saliency > 0.5).ravel(), minlength=256)
    chosen = (salient > 0.6 * total) & (total > 0) & (labels > 0)
    mask = chosen[regions]
    overlap = (mask & (saliency > 0.5)).sum() / max((mask | (saliency > 0.5)).sum(), 1)
    if overlap < 0.8 or not _AREAS[0] < mask.mean() < _AREAS[1]:
        return None
    return mask.astype(np.uint8)


def _certain(saliency: npt.NDArray[np.float32]) -> UInt8 | None:
    mask = (saliency > 0.5).astype(np.uint8)
    doubtful = (saliency > 0.1) & (saliency < 0.9)
    if not _AREAS[0] < mask.mean() < _AREAS[1] or doubtful.sum() > 0.25 * mask.sum():
        return None
    mask[(saliency > 0.25) & (saliency < 0.75)] = VOID
    return mask
