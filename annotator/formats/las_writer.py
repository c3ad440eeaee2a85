"""Writes LAS and LAZ with the labels as the extra dimension `label`."""

import io
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from annotator.domain import AnnotatorError, ObjectInfo, PointCloud
from annotator.domain.cloud import Float64, Int32
from annotator.formats.las_copy import copy_with_labels, las_source
from annotator.formats.source import Source

_LARGEST = 2**31 - 1
_FINEST = 1e-5


def write_las(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write LAS with the labels: the scan's own file with all its attributes, else LAS 1.4."""
    _write(file, cloud, labels, compress=False)


def write_laz(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write the same, compressed."""
    _write(file, cloud, labels, compress=True)


def _write(file: BinaryIO, cloud: PointCloud, labels: Int32 | None, compress: bool) -> None:
    source = las_source(cloud)
    if source is not None:
        copy_with_labels(file, cloud, source, labels, compress=compress)
    else:
        _write_new(file, cloud, labels, compress)


def _write_new(file: BinaryIO, cloud: PointCloud, labels: Int32 | None, compress: bool) -> None:
    import laspy

    header = laspy.LasHeader(version="1.4", point_format=6 if cloud.rgb is None else 7)
    header.scales, header.offsets = grid(cloud)
    if labels is not None:
        header.add_extra_dim(laspy.ExtraBytesParams("label", np.int32, "object id"))
    las = laspy.LasData(header)
    points = cloud.absolute()
    las.x, las.y, las.z = points.T
    if cloud.rgb is not None:
        # 8 bits are stretched to the 16 of the format: 255 becomes 65535.
        las.red, las.green, las.blue = cloud.rgb.astype(np.uint16).T * 257
    if labels is not None:
        las.label = labels
    buffer = io.BytesIO()
    las.write(buffer, do_compress=compress)
    file.write(buffer.getbuffer())


def grid(cloud: PointCloud) -> tuple[Float64, Float64]:
    """Return scale and offset [3] on which LAS rounds the coordinates.

    Raises:
        AnnotatorError: If the scan is too large for 32-bit coordinates.
    """
    low, high = (bound.astype(np.float64) + cloud.origin for bound in cloud.bounds)
    source = getattr(cloud, "source", None)
    if isinstance(source, Source) and source.scale is not None and source.offset is not None:
        reach = np.maximum(np.abs(low - source.offset), np.abs(high - source.offset))
        if (reach / source.scale <= _LARGEST).all():
            return source.scale, source.offset
    offset = np.floor(low)
    scale = np.full(
        3, 10.0 ** np.ceil(np.log10(max(float((high - offset).max()) / _LARGEST, 1e-9)))
    )
    scale = np.maximum(scale, _FINEST)
    if not np.isfinite(scale).all() or not (scale > 0).all():
        raise AnnotatorError(f"{cloud.name} is too large for LAS.", "Export as PLY instead.")
    return scale, offset
