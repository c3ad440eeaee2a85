"""Writes binary PLY: coordinates, colours, labels, and the faces of a mesh."""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from annotator.domain import BACKGROUND, ObjectInfo, PointCloud, object_colour
from annotator.domain.cloud import Int32, UInt8

_NAMES = {"<f4": "float", "<f8": "double", "u1": "uchar", "<i4": "int"}


def write_ply(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write the scan in its own colours, with `label` as a property."""
    _write(file, cloud, cloud.rgb, labels, objects)


def write_ply_objects(
    file: BinaryIO, cloud: PointCloud, labels: Int32 | None, objects: Sequence[ObjectInfo]
) -> None:
    """Write the scan coloured by object, for viewers that know no labels."""
    colours = None if labels is None else label_colours(labels, objects)
    _write(file, cloud, colours, labels, objects)


def label_colours(labels: Int32, objects: Sequence[ObjectInfo] = ()) -> UInt8:
    """Return [N, 3] uint8: the colour of each point's object, grey for the background."""
    chosen = {info.object_id: info.colour for info in objects}
    ids, inverse = np.unique(labels, return_inverse=True)
    palette = [
        object_colour(BACKGROUND) if i <= BACKGROUND else chosen.get(int(i), object_colour(int(i)))
        for i in ids
    ]
    return np.asarray(palette, np.uint8).reshape(-1, 3)[inverse.ravel()]


def coordinates(cloud: PointCloud) -> npt.NDArray[np.float32] | npt.NDArray[np.float64]:
    """Return absolute coordinates [N, 3]: float32 if that is exact, else float64."""
    return cloud.absolute() if cloud.origin.any() else cloud.xyz


def _write(
    file: BinaryIO,
    cloud: PointCloud,
    rgb: UInt8 | None,
    labels: Int32 | None,
    objects: Sequence[ObjectInfo],
) -> None:
    xyz = coordinates(cloud)
    fields = [(a, "<f4" if xyz.dtype == np.float32 else "<f8") for a in "xyz"]
    columns = list(xyz.T)
    if rgb is not None:
        fields += [(c, "u1") for c in ("red", "green", "blue")]
        columns += list(rgb.T)
    if labels is not None:
        fields.append(("label", "<i4"))
        columns.append(labels)
    rows = np.empty(len(cloud), np.dtype(fields))
    for (name, _), column in zip(fields, columns, strict=True):
        rows[name] = column
    file.write(_header(fields, cloud, objects))
    file.write(rows.data)
    if cloud.faces is not None:
        triangles = np.empty(len(cloud.faces), np.dtype([("n", "u1"), ("v", "<i4", (3,))]))
        triangles["n"], triangles["v"] = 3, cloud.faces
        file.write(triangles.data)


def _header(
    fields: Sequence[tuple[str, str]], cloud: PointCloud, objects: Sequence[ObjectInfo]
) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0"]
    lines += [f"comment object {o.object_id}: {_one_line(o)}" for o in objects]
    lines.append(f"element vertex {len(cloud)}")
    lines += [f"property {_NAMES[kind]} {name}" for name, kind in fields]
    if cloud.faces is not None:
        lines.append(f"element face {len(cloud.faces)}")
        lines.append("property list uchar int vertex_indices")
    return ("\n".join([*lines, "end_header"]) + "\n").encode("ascii")


def _one_line(info: ObjectInfo) -> str:
    """Return name and class without what would break a header line."""
    text = " ".join(f"{info.name} {info.label}".split())
    return text.encode("ascii", "replace").decode()
