"""Small valid files of every format, and ways to write one to disk for a test."""

import io
import zipfile

import numpy as np

from annotator.domain import PointCloud
from annotator.formats import CLOUD_WRITERS

XYZ = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0.5], [0, 1, 0.25], [2, 1, 1]], np.float32)
RGB = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7], [200, 100, 50]], np.uint8)
LABELS = np.array([0, 1, 1, 2, 300], np.int32)
FACES = np.array([[0, 1, 2], [2, 3, 4]], np.int32)


def small_cloud(**changes):
    fields = {"xyz": XYZ, "rgb": RGB, "labels": LABELS, "name": "small", **changes}
    return PointCloud(**fields)


def written(format_id, cloud=None, labels=None, objects=()):
    """Return the bytes that a writer produces."""
    cloud = cloud if cloud is not None else small_cloud()
    buffer = io.BytesIO()
    writer = next(w for w in CLOUD_WRITERS if w.format_id == format_id)
    writer.write(buffer, cloud, cloud.labels if labels is None else labels, objects)
    return buffer.getvalue()


def ply_text(order="ascii", vertex_type="float", faces=True):
    """Return a PLY mesh with a triangle and a quad in the given byte order."""
    head = f"ply\nformat {order} 1.0\ncomment made for a test\nelement vertex 5\n"
    head += "".join(f"property {vertex_type} {a}\n" for a in "xyz")
    head += "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    head += "property int label\n"
    head += "element face 2\nproperty list uchar int vertex_indices\n" if faces else ""
    head = (head + "end_header\n").encode()
    polygons = [[0, 1, 2], [0, 2, 3, 4]]
    if order == "ascii":
        rows = [f"{x} {y} {z} {r} {g} {b} {label}" for (x, y, z), (r, g, b), label in _rows()]
        rows += [f"{len(p)} {' '.join(map(str, p))}" for p in polygons] if faces else []
        return head + ("\n".join(rows) + "\n").encode()
    sign = "<" if "little" in order else ">"
    real = f"{sign}f4" if vertex_type == "float" else f"{sign}f8"
    record = [(a, real) for a in "xyz"] + [(c, "u1") for c in "rgb"] + [("label", f"{sign}i4")]
    rows = np.array([(*p, *c, label) for p, c, label in _rows()], record)
    data = rows.tobytes()
    for polygon in polygons if faces else ():
        data += bytes([len(polygon)]) + np.array(polygon, f"{sign}i4").tobytes()
    return head + data


def pcd_ascii():
    rows = "\n".join(
        f"{x} {y} {z} {r << 16 | g << 8 | b} {label}" for (x, y, z), (r, g, b), label in _rows()
    )
    return (
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS x y z rgb label\n"
        "SIZE 4 4 4 4 4\nTYPE F F F U U\nCOUNT 1 1 1 1 1\nWIDTH 5\nHEIGHT 1\n"
        f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 5\nDATA ascii\n{rows}\n"
    ).encode()


def text_rows(separator=" ", header=""):
    lines = [separator.join(map(str, [*p, *c, label])) for p, c, label in _rows()]
    return (header + "\n".join(lines) + "\n").encode()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(name, data, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def _rows():
    return list(zip(XYZ.tolist(), RGB.tolist(), LABELS.tolist(), strict=True))


def valid_files():
    """Return a valid file of every format that can be read, by name."""
    return {
        "ascii.ply": ply_text(),
        "little.ply": ply_text("binary_little_endian"),
        "big.ply": ply_text("binary_big_endian", "double"),
        "ascii.pcd": pcd_ascii(),
        "binary.pcd": written("pcd"),
        "compressed.pcd": written("pcd-compressed"),
        "plain.xyz": text_rows(),
        "counted.pts": b"5\n" + text_rows(),
        "named.csv": text_rows(",", "x,y,z,r,g,b,label\n"),
        "small.npy": npy(XYZ),
        "small.npz": npz(xyz=XYZ, rgb=RGB, instance=LABELS),
        "small.las": written("las"),
        "small.laz": written("laz"),
        "small.bin": np.hstack([XYZ, XYZ[:, :1]]).astype("<f4").tobytes(),
    }
