"""Exports of LAS and LAZ keep whatever the scan's own file says about its points."""

import laspy
import numpy as np
import pytest
from laspy.vlrs.vlrlist import VLRList

from annotator.domain import AnnotatorError
from annotator.formats import read_cloud, write_cloud

POINTS = 700
CRS = b'PROJCS["ETRS89 / UTM zone 32N"]\x00'


def survey(path, version="1.4", point_format=7, extra=("height_above_ground",)):
    """Write a scan as a surveyor's scanner does, every attribute filled in."""
    rng = np.random.default_rng(3)
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales, header.offsets = [0.01, 0.01, 0.001], [431000, 5612000, 100]
    header.system_identifier, header.generating_software = "scanner", "survey"
    for name in extra:
        dtype = np.float32 if name == "height_above_ground" else np.int32
        header.add_extra_dim(laspy.ExtraBytesParams(name, dtype, "given"))
    las = laspy.LasData(header)
    las.xyz = rng.uniform([431000, 5612000, 100], [431050, 5612050, 120], (POINTS, 3))
    for dimension in header.point_format.dimensions:
        if dimension.name not in "XYZ":
            las[dimension.name] = rng.integers(0, 2, POINTS)
    for name in ("intensity", "gps_time", "point_source_id", "red", "green", "blue", *extra):
        if name in header.point_format.dimension_names:
            las[name] = rng.integers(0, 30_000, POINTS)
    las.header.vlrs.append(laspy.VLR("LASF_Projection", 2112, "WKT", CRS))
    if version == "1.4":
        las.evlrs = VLRList([laspy.VLR("survey", 77, "long", b"a record behind the points")])
    las.write(path)
    return path


def facts(path):
    with laspy.open(path) as las:
        records = [
            (v.user_id, v.record_id, v.description, v.record_data_bytes())
            for v in las.header.vlrs
            if v.user_id not in ("LASF_Spec", "laszip encoded")
        ]
        behind = [(v.user_id, v.record_id, v.record_data_bytes()) for v in las.evlrs or ()]
        head = las.header
        return (str(head.version), head.point_format.id, head.scales.tolist(),
                head.offsets.tolist(), head.system_identifier, records, behind)  # fmt: skip


@pytest.mark.parametrize(("version", "point_format"), [("1.2", 3), ("1.4", 6), ("1.4", 8)])
@pytest.mark.parametrize("given", [".las", ".laz"])
@pytest.mark.parametrize("wanted", [".las", ".laz"])
def test_everything_but_the_labels_stays(version, point_format, given, wanted, tmp_path):
    source = survey(tmp_path / f"in{given}", version, point_format)
    labels = np.arange(POINTS, dtype=np.int32) % 5
    write_cloud(tmp_path / f"out{wanted}", read_cloud(source), labels)
    before, after = laspy.read(source), laspy.read(tmp_path / f"out{wanted}")
    names = list(before.point_format.dimension_names)
    assert [*names, "label"] == list(after.point_format.dimension_names)
    for name in names:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    np.testing.assert_array_equal(after.label, labels)
    *_, records, behind = facts(source)
    assert any(b"UTM zone 32N" in data for *_, data in records)
    assert bool(behind) == (version == "1.4")
    assert facts(source) == facts(tmp_path / f"out{wanted}")
    np.testing.assert_array_equal(read_cloud(tmp_path / f"out{wanted}").labels, labels)


def test_labels_of_an_earlier_export_are_replaced(tmp_path):
    source = survey(tmp_path / "in.las", extra=("label",))
    labels = np.full(POINTS, 7, np.int32)
    write_cloud(tmp_path / "out.las", read_cloud(source), labels)
    after = laspy.read(tmp_path / "out.las")
    assert list(after.point_format.extra_dimension_names) == ["label"]
    assert (after.label == 7).all()


def test_a_dimension_of_that_name_but_another_type_is_kept(tmp_path):
    source = survey(tmp_path / "in.las", extra=())
    las = laspy.read(source)
    las.add_extra_dim(laspy.ExtraBytesParams("label", np.float64))
    las["label"] = np.linspace(0, 1, POINTS)
    las.write(source)
    write_cloud(tmp_path / "out.las", read_cloud(source), np.full(POINTS, 7, np.int32))
    after = laspy.read(tmp_path / "out.las")
    assert after["label"].dtype == np.float64
    assert (after["object_id"] == 7).all()


def test_a_file_that_changed_meanwhile_is_refused(tmp_path):
    source = survey(tmp_path / "in.las")
    cloud = read_cloud(source)
    las = laspy.read(source)
    las.points = las.points[:100]
    las.write(source)
    with pytest.raises(AnnotatorError, match="changed since it was opened"):
        write_cloud(tmp_path / "out.las", cloud, np.zeros(POINTS, np.int32))
    assert not (tmp_path / "out.las").exists()


def test_a_file_that_is_gone_still_lets_points_and_labels_be_written(tmp_path):
    source = survey(tmp_path / "in.las")
    cloud = read_cloud(source)
    source.unlink()
    write_cloud(tmp_path / "out.las", cloud, np.full(POINTS, 2, np.int32))
    after = laspy.read(tmp_path / "out.las")
    assert (after.label == 2).all()
    np.testing.assert_allclose(after.xyz, cloud.absolute(), atol=0.01)


def test_a_scan_can_be_exported_over_itself(tmp_path):
    source = survey(tmp_path / "in.laz")
    intensity = laspy.read(source).intensity
    write_cloud(source, read_cloud(source), np.full(POINTS, 4, np.int32))
    after = laspy.read(source)
    assert (after.label == 4).all()
    np.testing.assert_array_equal(after.intensity, intensity)
