"""KITTI scans: `.bin` of x y z remission, `.label` of class and instance (Semantic-KITTI)."""

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Int32
from annotator.formats.columns import RawCloud, finish
from annotator.formats.source import FileCloud, Reading

# The published class numbers of Semantic-KITTI, so that its tools read our files.
CLASSES = {
    "unlabeled": 0, "outlier": 1, "car": 10, "bicycle": 11, "bus": 13, "motorcycle": 15,
    "on-rails": 16, "truck": 18, "other-vehicle": 20, "person": 30, "bicyclist": 31,
    "motorcyclist": 32, "road": 40, "parking": 44, "sidewalk": 48, "other-ground": 49,
    "building": 50, "fence": 51, "other-structure": 52, "lane-marking": 60, "vegetation": 70,
    "trunk": 71, "terrain": 72, "pole": 80, "traffic-sign": 81, "other-object": 99,
    "moving-car": 252, "moving-bicyclist": 253, "moving-person": 254, "moving-motorcyclist": 255,
    "moving-on-rails": 256, "moving-bus": 257, "moving-truck": 258, "moving-other-vehicle": 259,
}  # fmt: skip
OTHER_OBJECT = CLASSES["other-object"]


def read_kitti(reading: Reading) -> FileCloud:
    """Read a Velodyne scan, with the labels of a `.label` file beside it or in ../labels.

    Raises:
        AnnotatorError: If its size is no multiple of a point's, or the labels do not fit.
        Cancelled: If the reading was cancelled.
    """
    if reading.size == 0 or reading.size % 16:
        raise reading.damaged(
            f"is no KITTI scan ({reading.size:,} bytes are no whole number of 16-byte points)"
        )
    reading.step(0.0)
    rows = np.fromfile(reading.path, "<f4").reshape(-1, 4)
    raw = RawCloud(rows[:, :3], intensity=rows[:, 3], labels=_labels_beside(reading, len(rows)))
    return finish(raw, reading)


def _labels_beside(reading: Reading, count: int) -> Int32 | None:
    """Return the labels [count] that belong to a scan, or None if there are none."""
    path = reading.path
    for candidate in (path.with_suffix(".label"), path.parent.parent / "labels" / path.stem):
        found = candidate.with_suffix(".label")
        if found.is_file():
            labels = Reading.of(found)
            if labels.size != 4 * count:
                raise labels.damaged(
                    f"has {labels.size:,} bytes, not 4 for each of the {count:,} points "
                    f"of {path.name}",
                    "Move it away or replace it by the labels of this scan.",
                )
            return split_labels(np.fromfile(found, "<u4"))
    return None


def split_labels(packed: npt.NDArray[np.uint32]) -> Int32:
    """Return object ids [N] of packed labels: low 16 bits the class, high 16 the instance.

    Instances count as objects, the rest as 0. Where two classes share instance numbers
    the pairs are numbered 1, 2, ...; where there is no instance at all, classes count.
    """
    instance = packed >> 16
    if not instance.any():
        return (packed & 0xFFFF).astype(np.int32)
    pairs = np.unique(packed[instance > 0])
    if len(np.unique(pairs >> 16)) == len(pairs):
        return instance.astype(np.int32)
    numbers = np.searchsorted(pairs, packed) + 1
    return np.where(instance > 0, numbers, 0).astype(np.int32)
