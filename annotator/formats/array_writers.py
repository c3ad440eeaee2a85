"""Writes NPZ archives and the plain lists of labels: NPY, ScanNet txt, Semantic-KITTI."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, ObjectInfo, PointCloud
from annotator.domain.cloud import Int32
from annotator.formats.kitti import CLASSES, OTHER_OBJECT
from annotator.formats.ply_writer import coordinates
from annotator.formats.source import Source, all_rows

_LARGEST_KITTI = 0xFFFF


def write_npz(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write xyz, rgb, label, faces and the objects' ids, names and classes.

    `source_rows` [N] and `source_count` say where the points stood in the scan's file if
    some of its rows had no measurement.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"xyz": coordinates(cloud)}
    optional = {"rgb": cloud.rgb, "label": labels, "faces": cloud.faces}
    arrays.update({name: array for name, array in optional.items() if array is not None})
    source = getattr(cloud, "source", None)
    if isinstance(source, Source) and source.rows is not None:
        arrays["source_rows"] = source.rows
        arrays["source_count"] = np.array(source.count)
    if objects:
        arrays["object_ids"] = np.array([o.object_id for o in objects], np.int32)
        arrays["object_names"] = np.array([o.name for o in objects], np.str_)
        arrays["object_labels"] = np.array([o.label for o in objects], np.str_)
    np.savez_compressed(file, allow_pickle=False, **arrays)


def write_npy(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write the labels only, int32, one for each row of the scan's file."""
    np.save(file, all_rows(cloud, _needed(cloud, labels)), allow_pickle=False)


def write_scannet_txt(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write one id a line, one line for each row of the scan's file."""
    rows = all_rows(cloud, _needed(cloud, labels))
    file.write("".join(f"{label}\n" for label in rows.tolist()).encode("ascii"))


def write_kitti_labels(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write a uint32 for each row of the scan's file: class in the low, object in the high half.

    The class number is Semantic-KITTI's for the object's class name, "other-object" for
    any other name, and 0 for an object without a class.

    Raises:
        AnnotatorError: If an object id does not fit into 16 bits.
    """
    rows = all_rows(cloud, _needed(cloud, labels))
    if len(rows) and not 0 <= rows.min() <= rows.max() <= _LARGEST_KITTI:
        raise AnnotatorError(
            f"{cloud.name} has object ids beyond {_LARGEST_KITTI}, which .label cannot hold.",
            "Export as PLY or NPZ instead.",
        )
    classes = np.zeros(_LARGEST_KITTI + 1, np.uint32)
    for info in objects:
        if info.label and 0 < info.object_id <= _LARGEST_KITTI:
            classes[info.object_id] = CLASSES.get(info.label.strip().lower(), OTHER_OBJECT)
    file.write((rows.astype(np.uint32) << 16 | classes[rows]).astype("<u4").tobytes())


def _needed(cloud: PointCloud, labels: Int32 | None) -> Int32:
    if labels is None:
        raise AnnotatorError(
            f"{cloud.name} has no labels to write.", "Click an object first, or export the points."
        )
    return labels
