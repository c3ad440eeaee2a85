"""KITTI pairs, S3DIS rooms, ScanNet scenes and demo scenes."""

import json

import numpy as np
import pytest

from annotator.domain import AnnotatorError
from annotator.formats import read_cloud
from tests.formats import corpus

SCAN = np.hstack([corpus.XYZ, np.linspace(0, 1, 5, dtype=np.float32)[:, None]]).astype("<f4")


def pack(instances, classes):
    return (np.array(instances, "<u4") << 16 | np.array(classes, "<u4")).tobytes()


@pytest.mark.parametrize("layout", ["beside", "semantic-kitti"])
def test_kitti_labels_are_found_beside_the_scan(layout, tmp_path):
    folder = tmp_path if layout == "beside" else tmp_path / "velodyne"
    labels = tmp_path if layout == "beside" else tmp_path / "labels"
    folder.mkdir(exist_ok=True)
    labels.mkdir(exist_ok=True)
    (folder / "000000.bin").write_bytes(SCAN.tobytes())
    (labels / "000000.label").write_bytes(pack([0, 1, 1, 2, 3], [40, 10, 10, 10, 30]))
    cloud = read_cloud(folder / "000000.bin")
    assert cloud.labels.tolist() == [0, 1, 1, 2, 3]
    assert cloud.rgb[0, 0] < cloud.rgb[4, 0]


@pytest.mark.parametrize(
    ("instances", "classes", "expected"),
    [
        ([1, 1, 2, 0, 0], [10, 30, 10, 40, 50], [1, 2, 3, 0, 0]),
        ([0, 0, 0, 0, 0], [40, 40, 50, 0, 70], [40, 40, 50, 0, 70]),
        ([65535, 0, 7, 7, 0], [10, 40, 30, 30, 40], [65535, 0, 7, 7, 0]),
    ],
)
def test_kitti_instances_become_objects(instances, classes, expected, tmp_path):
    (tmp_path / "a.bin").write_bytes(SCAN.tobytes())
    (tmp_path / "a.label").write_bytes(pack(instances, classes))
    assert read_cloud(tmp_path / "a.bin").labels.tolist() == expected


def test_kitti_labels_of_another_scan_are_refused_by_name(tmp_path):
    (tmp_path / "a.bin").write_bytes(SCAN.tobytes())
    (tmp_path / "a.label").write_bytes(pack([1, 2], [10, 10]))
    with pytest.raises(AnnotatorError, match=r"a\.label"):
        read_cloud(tmp_path / "a.bin")


def make_room(folder):
    annotations = folder / "Annotations"
    annotations.mkdir(parents=True)
    (annotations / "chair_1.txt").write_text("0 0 0 10 20 30\n1 0 0 11 21 31\n")
    (annotations / "table_1.txt").write_bytes(b"2 0 0\x1040 50 60\n")  # as in the real Area 5
    (annotations / ".hidden.txt").write_text("not points")
    (folder / f"{folder.name}.txt").write_text("0 0 0 10 20 30\n")


def test_an_s3dis_room_is_one_object_per_file(tmp_path):
    make_room(tmp_path / "Area_1" / "office_1")
    for path in (tmp_path / "Area_1" / "office_1", tmp_path / "Area_1" / "office_1/Annotations"):
        cloud = read_cloud(path)
        assert cloud.xyz[:, 0].tolist() == [0, 1, 2]
        assert cloud.rgb[:, 0].tolist() == [10, 11, 40]
        assert cloud.labels.tolist() == [1, 1, 2]


def test_an_s3dis_area_is_all_its_rooms(tmp_path):
    make_room(tmp_path / "Area_1" / "office_1")
    make_room(tmp_path / "Area_1" / "office_2")
    cloud = read_cloud(tmp_path / "Area_1")
    assert cloud.labels.tolist() == [1, 1, 2, 3, 3, 4]
    assert cloud.name == "Area_1"


def test_a_damaged_object_of_a_room_is_named(tmp_path):
    make_room(tmp_path / "office_1")
    (tmp_path / "office_1" / "Annotations" / "door_1.txt").write_text("1 2 3 4 5 x\n")
    with pytest.raises(AnnotatorError, match=r"door_1\.txt"):
        read_cloud(tmp_path / "office_1")


def make_scannet(folder, segments=(5, 5, 9, 9, 7), groups=None):
    folder.mkdir()
    mesh = folder / "scene0001_00_vh_clean_2.ply"
    mesh.write_bytes(corpus.ply_text("binary_little_endian").replace(b"int label", b"int alpha"))
    if groups is None:
        groups = [
            {"objectId": 0, "segments": [9], "label": "bed"},
            {"objectId": 3, "segments": [5]},
        ]
    (folder / f"{mesh.stem}.0.010000.segs.json").write_text(
        json.dumps({"segIndices": list(segments)})
    )
    (folder / "scene0001_00.aggregation.json").write_text(json.dumps({"segGroups": groups}))


def test_scannet_segments_are_joined_to_objects(tmp_path):
    make_scannet(tmp_path / "scene0001_00")
    cloud = read_cloud(tmp_path / "scene0001_00")
    assert cloud.labels.tolist() == [4, 4, 1, 1, 0]


def test_scannet_without_objects_is_all_background(tmp_path):
    make_scannet(tmp_path / "scene0001_00", groups=[])
    assert read_cloud(tmp_path / "scene0001_00").labels.tolist() == [0] * 5


@pytest.mark.parametrize("groups", [[{"segments": [1]}], [3], [{"objectId": "x", "segments": [1]}]])
def test_damaged_scannet_groups_are_refused_by_name(groups, tmp_path):
    make_scannet(tmp_path / "scene0001_00", groups=groups)
    with pytest.raises(AnnotatorError, match=r"aggregation\.json"):
        read_cloud(tmp_path / "scene0001_00")


def test_deeply_nested_json_is_refused(tmp_path):
    make_scannet(tmp_path / "scene0001_00")
    (tmp_path / "scene0001_00" / "scene0001_00.aggregation.json").write_text("[" * 200_000)
    with pytest.raises(AnnotatorError, match=r"aggregation\.json"):
        read_cloud(tmp_path / "scene0001_00")


def make_demo(folder, labels):
    folder.mkdir()
    (folder / "scan.ply").write_bytes(corpus.ply_text().replace(b"int label", b"int alpha"))
    head = f"ply\nformat ascii 1.0\nelement vertex {len(labels)}\nproperty int label\nend_header\n"
    (folder / "label.ply").write_text(head + "".join(f"{i}\n" for i in labels))


def test_a_demo_scene_takes_its_labels_from_the_file_beside_it(tmp_path):
    make_demo(tmp_path / "scene_a", [0, 1, 1, 2, 3])
    for path in (tmp_path / "scene_a", tmp_path / "scene_a" / "scan.ply"):
        cloud = read_cloud(path)
        assert cloud.labels.tolist() == [0, 1, 1, 2, 3]
        assert cloud.name == "scene_a"


def test_demo_labels_of_another_scan_are_refused(tmp_path):
    make_demo(tmp_path / "scene_a", [0, 1])
    with pytest.raises(AnnotatorError, match=r"label\.ply has 2 labels for the 5 points"):
        read_cloud(tmp_path / "scene_a")
