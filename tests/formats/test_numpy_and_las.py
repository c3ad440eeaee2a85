"""NPY, NPZ, LAS and LAZ: names, types, ranges and coordinates."""

import io

import laspy
import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.formats import read_cloud
from tests.formats import corpus

UTM = np.array([431234.5, 5612345.25, 12.0])


def read(tmp_path, data, name):
    path = tmp_path / name
    path.write_bytes(data)
    return read_cloud(path)


@pytest.mark.parametrize("points", ["xyz", "points", "coords", "XYZ", "coord", "vertices"])
@pytest.mark.parametrize("colours", ["rgb", "colors", "color"])
@pytest.mark.parametrize("labels", ["instance", "labels", "gt", "instance_ids"])
def test_archives_with_usual_names(points, colours, labels, tmp_path):
    arrays = {points: corpus.XYZ, colours: corpus.RGB / 255.0, labels: corpus.LABELS[:, None]}
    cloud = read(tmp_path, corpus.npz(**arrays), "scan.npz")
    np.testing.assert_array_equal(cloud.xyz, corpus.XYZ)
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


def test_arrays_that_are_not_one_number_a_point_are_no_labels(tmp_path):
    names = np.array(["none", "chair"])
    data = corpus.npz(xyz=corpus.XYZ, labels=names, instance=corpus.LABELS)
    np.testing.assert_array_equal(read(tmp_path, data, "a.npz").labels, corpus.LABELS)
    assert read(tmp_path, corpus.npz(xyz=corpus.XYZ, labels=names), "b.npz").labels is None


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f8", "<i4"])
def test_arrays_of_any_type_and_order(order, kind, tmp_path):
    whole = np.rint(corpus.XYZ * 4)
    cloud = read(tmp_path, corpus.npy(np.asarray(whole, kind, order=order)), "scan.npy")
    np.testing.assert_array_equal(cloud.xyz, whole)


def test_an_array_of_seven_columns_has_colours_and_labels(tmp_path):
    rows = np.hstack([corpus.XYZ, corpus.RGB, corpus.LABELS[:, None]]).astype(np.float64)
    cloud = read(tmp_path, corpus.npy(rows), "scan.npy")
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


def test_a_structured_array_is_read_by_field(tmp_path):
    rows = np.zeros(5, [("label", "<u2"), ("z", "<f8"), ("y", "<f8"), ("x", "<f8")])
    rows["x"], rows["y"], rows["z"] = corpus.XYZ.T
    rows["label"] = corpus.LABELS
    cloud = read(tmp_path, corpus.npy(rows), "scan.npy")
    np.testing.assert_array_equal(cloud.xyz, corpus.XYZ)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


def test_a_list_of_labels_is_not_taken_for_a_scan(tmp_path):
    with pytest.raises(AnnotatorError, match=r"shape \(5,\)"):
        read(tmp_path, corpus.npy(corpus.LABELS), "labels.npy")


def test_labels_beyond_int32_are_renumbered(tmp_path):
    huge = np.array([0, 2**40, 2**33, 2**40, 5], np.int64)
    cloud = read(tmp_path, corpus.npz(xyz=corpus.XYZ, label=huge), "scan.npz")
    assert cloud.labels.tolist() == [0, 3, 2, 3, 1]


def make_las(version="1.2", point_format=3, compress=False, colour_scale=257, extra=None):
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales, header.offsets = [0.001] * 3, [431000, 5612000, 0]
    if extra:
        header.add_extra_dim(laspy.ExtraBytesParams(extra, np.int32))
    las = laspy.LasData(header)
    las.x, las.y, las.z = (corpus.XYZ.astype(np.float64) + UTM).T
    if "red" in header.point_format.dimension_names:
        las.red, las.green, las.blue = corpus.RGB.astype(np.uint16).T * colour_scale
    las.classification = [2, 2, 5, 6, 6]
    las.intensity = [0, 100, 200, 300, 400]
    if extra:
        las[extra] = corpus.LABELS
    buffer = io.BytesIO()
    las.write(buffer, do_compress=compress)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("version", "point_format"), [("1.2", 0), ("1.2", 3), ("1.3", 3), ("1.4", 6), ("1.4", 7)]
)
@pytest.mark.parametrize("compress", [False, True])
def test_las_keeps_utm_coordinates_to_the_millimetre(version, point_format, compress, tmp_path):
    data = make_las(version, point_format, compress)
    cloud = read(tmp_path, data, "scan.laz" if compress else "scan.las")
    expected = corpus.XYZ.astype(np.float64) + UTM
    np.testing.assert_allclose(cloud.absolute(), expected, rtol=0, atol=1e-3)
    assert cloud.labels.tolist() == [2, 2, 5, 6, 6]
    assert cloud.source.scale.tolist() == [0.001] * 3


@pytest.mark.parametrize("scale", [1, 257])
def test_las_colours_of_eight_or_sixteen_bits(scale, tmp_path):
    cloud = read(tmp_path, make_las(colour_scale=scale), "scan.las")
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)


def test_las_without_colour_shows_its_intensity(tmp_path):
    cloud = read(tmp_path, make_las(point_format=0), "scan.las")
    assert cloud.rgb[0].tolist() == [0, 0, 0]
    assert cloud.rgb[4].tolist() == [255, 255, 255]


@pytest.mark.parametrize("name", ["label", "instance", "Object ID"])
def test_an_extra_dimension_of_labels_is_preferred_to_the_classification(name, tmp_path):
    cloud = read(tmp_path, make_las(extra=name), "scan.las")
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


def test_the_beginning_of_a_file_decides_over_its_suffix(tmp_path):
    for name, data in corpus.valid_files().items():
        if data[:4] in (b"LASF", b"\x93NUM", b"PK\x03\x04", b"# .P") or data[:3] == b"ply":
            cloud = read(tmp_path, data, name.replace(".", "_") + ".bin")
            np.testing.assert_allclose(cloud.absolute(), corpus.XYZ, atol=1e-4)


def test_progress_of_a_packed_scan_rises_to_one(tmp_path):
    path = tmp_path / "scan.laz"
    path.write_bytes(make_las(compress=True))
    seen = []
    read_cloud(path, progress=lambda fraction, message="": seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_cancelling_ends_the_unpacking(tmp_path):
    path = tmp_path / "scan.laz"
    path.write_bytes(make_las(compress=True))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        read_cloud(path, cancel=cancel)
