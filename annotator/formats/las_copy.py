"""Writes a LAS file again with labels added: every other attribute stays as it was."""

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from annotator.domain import AnnotatorError, PointCloud
from annotator.domain.cloud import Int32
from annotator.formats.las_reader import check_header, unpack_laz
from annotator.formats.source import Reading, Source, all_rows

_CHUNK = 500_000
_NAMES = ("label", "object_id", "annotated_label")


def las_source(cloud: PointCloud) -> Source | None:
    """Return where a cloud came from if that is a LAS or LAZ file that is still there."""
    source = getattr(cloud, "source", None)
    if isinstance(source, Source) and source.las is not None and source.las.is_file():
        return source
    return None


def copy_with_labels(
    file: BinaryIO, cloud: PointCloud, source: Source, labels: Int32 | None, *, compress: bool
) -> None:
    """Copy the LAS or LAZ file that a cloud came from, with a label for each of its points.

    Version, point format, scale, offset, all dimensions with the extra ones, and all
    records (coordinate reference system, …) stay. Labels become the extra dimension
    `label`, int32; one of that name and type is replaced, one of another type is kept
    and the labels get another name.

    Args:
        file: Open for writing and seeking.
        cloud: As it was read.
        source: Of the cloud.
        labels: [N] object ids; None adds none.
        compress: Whether to write LAZ.

    Raises:
        AnnotatorError: If the file is not the one any more that was read.
    """
    import laspy

    assert source.las is not None
    with _unpacked(source.las) as plain, laspy.open(plain, read_evlrs=False) as las:
        if las.header.point_count != source.count:
            raise _changed(source.las)
        header = copy.deepcopy(las.header)
        name = None if labels is None else _label_dimension(header)
        rows = None if labels is None else all_rows(cloud, labels)
        with laspy.open(file, mode="w", header=header, do_compress=compress, closefd=False) as out:
            done = 0
            for chunk in las.chunk_iterator(_CHUNK):
                points = laspy.ScaleAwarePointRecord.zeros(len(chunk), header=header)
                for field in chunk.array.dtype.names:  # as they lie in the file: bit by bit
                    points.array[field] = chunk.array[field]
                if name is not None and rows is not None:
                    points[name] = rows[done : done + len(chunk)]
                out.write_points(points)
                done += len(chunk)
            _copy_extended_records(source.las, out)
    if done != source.count:
        raise _changed(source.las)


def _changed(path: Path) -> AnnotatorError:
    return AnnotatorError(
        f"{path.name} has changed since it was opened.", "Open it again before exporting as LAS."
    )


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Give an uncompressed file of the same points; LAZ is unpacked as when reading."""
    reading = Reading.of(path)
    with path.open("rb") as file:
        sizes = check_header(file, reading)
    if not sizes.compressed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="annotator-", ignore_cleanup_errors=True) as folder:
        plain = Path(folder) / "unpacked.las"
        unpack_laz(reading, sizes, plain)
        yield plain


def _label_dimension(header: Any) -> str:  # noqa: ANN401 - laspy.LasHeader
    """Find or add the extra dimension for the labels; return its name."""
    import laspy

    there = {d.name: d for d in header.point_format.dimensions}
    for name in _NAMES:
        if name not in there:
            header.add_extra_dim(laspy.ExtraBytesParams(name, np.int32, "object id"))
            return name
        if there[name].dtype == np.dtype(np.int32):
            return name
    raise AnnotatorError(
        f"The scan has dimensions named {', '.join(_NAMES)} of other types.",
        "Export as PLY or NPZ instead.",
    )


def _copy_extended_records(path: Path, out: Any) -> None:  # noqa: ANN401 - laspy.LasWriter
    """Append the records that LAS 1.4 keeps behind the points, if there are any."""
    import laspy

    with laspy.open(path, read_evlrs=True) as las:
        if las.header.number_of_evlrs:
            out.write_evlrs(las.evlrs)
