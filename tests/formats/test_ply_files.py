"""PLY: byte orders, names, lists and meshes."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError
from annotator.formats import read_cloud
from tests.formats import corpus


def read(tmp_path, data, name="scan_a.ply"):
    path = tmp_path / name
    path.write_bytes(data)
    return read_cloud(path)


@pytest.mark.parametrize("order", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("vertex_type", ["float", "double"])
def test_every_byte_order_gives_the_same_mesh(order, vertex_type, tmp_path):
    cloud = read(tmp_path, corpus.ply_text(order, vertex_type))
    np.testing.assert_array_equal(cloud.xyz, corpus.XYZ)
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)
    assert cloud.name == "scan_a"


@pytest.mark.parametrize("order", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_a_quad_beside_a_triangle_becomes_two_triangles(order, tmp_path):
    cloud = read(tmp_path, corpus.ply_text(order))
    triangles = {tuple(face) for face in cloud.faces.tolist()}
    assert triangles == {(0, 1, 2), (0, 2, 3), (0, 3, 4)}


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_any_line_end_closes_the_header(newline, tmp_path):
    head, _, body = corpus.ply_text("binary_little_endian").partition(b"end_header\n")
    data = head.replace(b"\n", newline) + b"end_header" + newline + body
    np.testing.assert_array_equal(read(tmp_path, data).xyz, corpus.XYZ)


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("r", "g", "b"), "class"),
        (("R", "G", "B"), "scalar_Label"),
        (("diffuse_red", "diffuse_green", "diffuse_blue"), "instance"),
        (("Red", "Green", "Blue"), "object_id"),
        (("vertex_red", "vertex_green", "vertex_blue"), "semantic"),
    ],
)
def test_names_of_other_tools_are_understood(names, label, tmp_path):
    data = corpus.ply_text()
    for usual, other in zip(("red", "green", "blue"), names, strict=True):
        data = data.replace(f"uchar {usual}".encode(), f"uchar {other}".encode())
    cloud = read(tmp_path, data.replace(b"int label", f"int {label}".encode()))
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


def test_an_object_id_is_preferred_to_a_class(tmp_path):
    data = (
        b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\n"
        b"property float z\nproperty int class\nproperty int instance\nend_header\n"
        b"0 0 0 40 7\n1 1 1 40 8\n"
    )
    assert read(tmp_path, data).labels.tolist() == [7, 8]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("float", ["1 0.5 0", "0 0 1"]),
        ("double", ["1 0.5 0", "0 0 1"]),
        ("float", ["255 127.5 0", "0 0 255"]),
        ("ushort", ["65535 32768 0", "0 0 65535"]),
        ("uchar", ["255 128 0", "0 0 255"]),
    ],
)
def test_colours_of_any_range_become_eight_bit(kind, values, tmp_path):
    head = "ply\nformat ascii 1.0\nelement vertex 2\n"
    head += "".join(f"property float {a}\n" for a in "xyz")
    head += "".join(f"property {kind} {c}\n" for c in ("red", "green", "blue"))
    rows = "\n".join(f"{i} {i} {i} {colour}" for i, colour in enumerate(values))
    cloud = read(tmp_path, f"{head}end_header\n{rows}\n".encode())
    np.testing.assert_allclose(cloud.rgb, [[255, 128, 0], [0, 0, 255]], atol=1)


def test_unlabelled_points_of_float_labels_become_zero(tmp_path):
    data = (
        b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        b"property float z\nproperty double label\nend_header\n0 0 0 -1\n1 1 1 nan\n2 2 2 5\n"
    )
    assert read(tmp_path, data).labels.tolist() == [0, 0, 5]


def test_elements_and_lists_before_the_vertices_are_skipped(tmp_path):
    lists = b"".join(
        bytes([n]) + np.arange(n, dtype="<f4").tobytes() + np.array(n, "<i2").tobytes()
        for n in (0, 3, 1)
    )
    vertices = b"".join(
        np.array(p, "<f4").tobytes() + bytes([k]) + bytes(k)
        for p, k in zip(corpus.XYZ.tolist(), (2, 0, 1, 2, 5), strict=True)
    )
    data = (
        b"ply\nformat binary_little_endian 1.0\nelement camera 3\n"
        b"property list uchar float parameters\nproperty short number\n"
        b"element vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
        b"property list uchar uchar views\nend_header\n" + lists + vertices
    )
    np.testing.assert_array_equal(read(tmp_path, data).xyz, corpus.XYZ)


def test_faces_of_unmeasured_points_are_left_out_and_the_rest_renumbered(tmp_path):
    data = corpus.ply_text().replace(b"\n1.0 0.0 0.0 ", b"\nnan 0.0 0.0 ")
    cloud = read(tmp_path, data)
    assert cloud.source.rows.tolist() == [0, 2, 3, 4]
    assert {tuple(f) for f in cloud.faces.tolist()} == {(0, 1, 2), (0, 2, 3)}
    assert cloud.labels.tolist() == [0, 1, 2, 300]


def test_a_mesh_whose_every_face_has_an_unmeasured_point_becomes_a_cloud(tmp_path):
    data = (
        b"ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
        b"property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        b"nan 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n"
    )
    cloud = read(tmp_path, data)
    assert len(cloud) == 3
    assert cloud.faces is None


def test_a_face_beyond_the_points_is_refused(tmp_path):
    with pytest.raises(AnnotatorError, match="face"):
        read(tmp_path, corpus.ply_text().replace(b"3 0 1 2", b"3 0 1 9"))


def test_a_file_without_coordinates_names_its_columns(tmp_path):
    with pytest.raises(AnnotatorError, match="columns: a, y, z"):
        read(tmp_path, corpus.ply_text().replace(b"float x", b"float a"))


def test_absolute_coordinates_survive_to_the_tenth_of_a_millimetre(tmp_path):
    data = (
        b"ply\nformat ascii 1.0\nelement vertex 2\nproperty double x\nproperty double y\n"
        b"property double z\nend_header\n"
        b"431234.5678 5612345.6789 123.4567\n431235.5678 5612346.6789 124.4567\n"
    )
    absolute = read(tmp_path, data).absolute()
    expected = [[431234.5678, 5612345.6789, 123.4567], [431235.5678, 5612346.6789, 124.4567]]
    np.testing.assert_allclose(absolute, expected, rtol=0, atol=1e-4)
