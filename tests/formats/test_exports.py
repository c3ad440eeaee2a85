"""What is written is read back equal, by this package and by others."""

import laspy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotator.domain import AnnotatorError, ObjectInfo, PointCloud
from annotator.formats import CLOUD_WRITERS, read_cloud, write_cloud
from annotator.formats.writers import find_writer
from tests.formats import corpus

CHAIR = ObjectInfo(1, "chair 1", "chair", (1, 2, 3))
CAR = ObjectInfo(2, "my\ncar", "Car", (4, 5, 6))
POINT_FORMATS = [w for w in CLOUD_WRITERS if not w.labels_only]
UTM = np.array([431000.0, 5612000.0, 0.0])

coordinate = st.floats(-500, 500, width=32)
labels_of = st.integers(0, 2**31 - 1)


@st.composite
def clouds(draw):
    """Clouds of 1 to 30 points, with or without colour, near zero or in UTM."""
    n = draw(st.integers(1, 30))
    xyz = draw(hnp.arrays(np.float32, (n, 3), elements=coordinate))
    rgb = draw(st.none() | hnp.arrays(np.uint8, (n, 3)))
    origin = draw(st.sampled_from([np.zeros(3), UTM]))
    labels = draw(hnp.arrays(np.int32, n, elements=labels_of))
    return PointCloud(xyz, origin, rgb, name="drawn"), labels


@pytest.mark.parametrize("writer", POINT_FORMATS, ids=lambda w: w.format_id)
def test_points_colours_and_labels_return(writer, tmp_path):
    path = tmp_path / f"out{writer.suffixes[0]}"
    # A LAZ file starts a process, so there are fewer of them.
    examples = 6 if writer.format_id == "laz" else 60

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(clouds())
    def check(drawn):
        cloud, labels = drawn
        write_cloud(path, cloud, labels, format_id=writer.format_id)
        again = read_cloud(path)
        np.testing.assert_array_equal(again.labels, labels)
        tolerance = 1e-5 if writer.format_id in ("las", "laz") else 0
        far = 1e-4 if cloud.origin.any() else 0  # another origin rounds float32 elsewhere
        np.testing.assert_allclose(again.absolute(), cloud.absolute(), rtol=0, atol=tolerance + far)
        if cloud.rgb is not None and cloud.rgb.any() and writer.format_id != "ply-objects":
            np.testing.assert_array_equal(again.rgb, cloud.rgb)

    check()


@pytest.mark.parametrize("writer", [w for w in CLOUD_WRITERS if w.labels_only],
                         ids=lambda w: w.format_id)  # fmt: skip
def test_lists_of_labels_return(writer, tmp_path):
    path = tmp_path / f"out{writer.suffixes[0]}"

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(hnp.arrays(np.int32, st.integers(1, 40), elements=st.integers(0, 65535)))
    def check(labels):
        cloud = PointCloud(np.zeros((len(labels), 3), np.float32))
        write_cloud(path, cloud, labels)
        if writer.format_id == "npy":
            again = np.load(path, allow_pickle=False)
        elif writer.format_id == "scannet-txt":
            again = np.array([int(line) for line in path.read_text().splitlines()])
        else:
            again = np.fromfile(path, "<u4") >> 16
        np.testing.assert_array_equal(again, labels)

    check()


def test_a_mesh_stays_a_mesh(tmp_path):
    write_cloud(tmp_path / "mesh.ply", corpus.small_cloud(faces=corpus.FACES))
    np.testing.assert_array_equal(read_cloud(tmp_path / "mesh.ply").faces, corpus.FACES)
    write_cloud(tmp_path / "mesh.npz", corpus.small_cloud(faces=corpus.FACES))
    np.testing.assert_array_equal(read_cloud(tmp_path / "mesh.npz").faces, corpus.FACES)


def test_ply_can_be_coloured_by_object(tmp_path):
    path = tmp_path / "objects.ply"
    cloud = corpus.small_cloud(labels=np.array([0, 1, 1, 2, 1], np.int32))
    write_cloud(path, cloud, objects=[CHAIR], format_id="ply-objects")
    again = read_cloud(path)
    assert again.rgb[1].tolist() == [1, 2, 3]
    assert again.rgb[0].tolist() == [128, 128, 128]
    assert again.rgb[3].tolist() not in ([1, 2, 3], [128, 128, 128])


def test_names_of_objects_do_not_break_the_ply_header(tmp_path):
    path = tmp_path / "named.ply"
    odd = ObjectInfo(3, "end_header\nélement vertex 9", "")
    write_cloud(path, corpus.small_cloud(), objects=[CHAIR, CAR, odd])
    assert len(read_cloud(path)) == 5
    assert b"comment object 2: my car Car\n" in path.read_bytes()


def test_npz_names_its_objects(tmp_path):
    write_cloud(tmp_path / "named.npz", corpus.small_cloud(), objects=[CHAIR, CAR])
    with np.load(tmp_path / "named.npz", allow_pickle=False) as archive:
        assert archive["object_ids"].tolist() == [1, 2]
        assert archive["object_labels"].tolist() == ["chair", "Car"]


def test_kitti_labels_carry_the_published_class_numbers(tmp_path):
    path = tmp_path / "000000.label"
    cloud = corpus.small_cloud(labels=np.array([0, 1, 2, 2, 3], np.int32))
    write_cloud(path, cloud, objects=[CHAIR, CAR, ObjectInfo(3, "thing")])
    packed = np.fromfile(path, "<u4")
    assert (packed & 0xFFFF).tolist() == [0, 99, 10, 10, 0]
    assert (packed >> 16).tolist() == [0, 1, 2, 2, 3]


def test_kitti_labels_beyond_sixteen_bits_are_refused(tmp_path):
    cloud = corpus.small_cloud(labels=np.full(5, 65536, np.int32))
    with pytest.raises(AnnotatorError, match="65535"):
        write_cloud(tmp_path / "a.label", cloud)
    assert list(tmp_path.iterdir()) == []


def test_las_keeps_scale_and_offset_of_the_file_it_came_from(tmp_path):
    header = laspy.LasHeader(version="1.2", point_format=0)
    header.scales, header.offsets = [0.002, 0.002, 0.001], [430000, 5610000, 5]
    las = laspy.LasData(header)
    las.x, las.y, las.z = (corpus.XYZ + UTM).T
    las.write(tmp_path / "in.las")
    write_cloud(tmp_path / "out.las", read_cloud(tmp_path / "in.las"), corpus.LABELS)
    out = laspy.read(tmp_path / "out.las")
    assert out.header.scales.tolist() == [0.002, 0.002, 0.001]
    assert out.header.offsets.tolist() == [430000, 5610000, 5]
    for axis in "XYZ":  # the stored whole numbers themselves
        np.testing.assert_array_equal(out[axis], laspy.read(tmp_path / "in.las")[axis])


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_laspy_reads_the_labels(suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    write_cloud(path, corpus.small_cloud())
    las = laspy.read(path)
    np.testing.assert_array_equal(las.label, corpus.LABELS)
    np.testing.assert_allclose(las.xyz, corpus.XYZ, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(las.red) >> 8, corpus.RGB[:, 0])


@pytest.mark.parametrize("format_id", ["ply", "ply-objects", "pcd", "pcd-compressed"])
@pytest.mark.parametrize("origin", [np.zeros(3), UTM], ids=["local", "utm"])
def test_open3d_reads_the_points(format_id, origin, tmp_path):
    open3d = pytest.importorskip("open3d", reason="open3d is not installed")
    path = tmp_path / f"out.{format_id[:3]}"
    write_cloud(path, corpus.small_cloud(origin=origin), format_id=format_id)
    seen = open3d.t.io.read_point_cloud(str(path)).point
    np.testing.assert_allclose(seen["positions"].numpy(), corpus.XYZ + origin, atol=1e-3)
    if format_id == "ply":
        np.testing.assert_array_equal(seen["colors"].numpy(), corpus.RGB)
    np.testing.assert_array_equal(seen["label"].numpy().ravel(), corpus.LABELS)


def test_open3d_reads_the_mesh(tmp_path):
    open3d = pytest.importorskip("open3d", reason="open3d is not installed")
    write_cloud(tmp_path / "mesh.ply", corpus.small_cloud(faces=corpus.FACES))
    mesh = open3d.io.read_triangle_mesh(str(tmp_path / "mesh.ply"))
    np.testing.assert_array_equal(np.asarray(mesh.triangles), corpus.FACES)


@pytest.mark.parametrize(("ascii_form", "compressed"), [(True, False), (False, False),
                                                        (False, True)])  # fmt: skip
@pytest.mark.parametrize("suffix", [".ply", ".pcd"])
def test_what_open3d_writes_is_read(suffix, ascii_form, compressed, tmp_path):
    open3d = pytest.importorskip("open3d", reason="open3d is not installed")
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(corpus.XYZ.astype(float)))
    cloud.colors = open3d.utility.Vector3dVector(corpus.RGB / 255.0)
    path = tmp_path / f"theirs{suffix}"
    assert open3d.io.write_point_cloud(str(path), cloud, "auto", ascii_form, compressed)
    again = read_cloud(path)
    np.testing.assert_allclose(again.absolute(), corpus.XYZ, atol=1e-6)
    np.testing.assert_allclose(again.rgb.astype(int), corpus.RGB, atol=1)


def test_a_failed_export_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "out.label"
    write_cloud(path, corpus.small_cloud())
    before = path.read_bytes()
    with pytest.raises(AnnotatorError):
        write_cloud(path, corpus.small_cloud(labels=np.full(5, 70000, np.int32)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_an_error_in_words(tmp_path):
    with pytest.raises(AnnotatorError, match=r"out\.ply cannot be written"):
        write_cloud(tmp_path / "nowhere" / "out.ply", corpus.small_cloud())


def test_labels_of_another_length_are_refused(tmp_path):
    with pytest.raises(AnnotatorError, match="3 labels for 5 points"):
        write_cloud(tmp_path / "out.ply", corpus.small_cloud(), np.zeros(3, np.int32))


@pytest.mark.parametrize("name", ["out.npy", "out.txt", "out.label"])
def test_a_list_of_labels_needs_labels(name, tmp_path):
    with pytest.raises(AnnotatorError, match="no labels"):
        write_cloud(tmp_path / name, corpus.small_cloud(labels=None))


@pytest.mark.parametrize("name", ["out.ply", "out.pcd", "out.npz", "out.las"])
def test_a_scan_without_labels_is_written_without_a_label_column(name, tmp_path):
    write_cloud(tmp_path / name, corpus.small_cloud(labels=None))
    again = read_cloud(tmp_path / name)
    assert again.labels is None
    np.testing.assert_array_equal(again.rgb, corpus.RGB)


def test_the_suffix_chooses_the_writer_and_unknown_ones_list_the_known(tmp_path):
    assert find_writer(tmp_path / "a.PLY").format_id == "ply"
    assert find_writer(tmp_path / "a.laz").format_id == "laz"
    assert find_writer(tmp_path / "a.ply", "ply-objects").format_id == "ply-objects"
    with pytest.raises(AnnotatorError, match=r"scannet-txt \(\.txt\)"):
        find_writer(tmp_path / "a.docx")
