"""Rows of text: separators, headers, orders of columns, and stopping."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.formats import read_cloud, text_rows
from tests.formats import corpus


def read(tmp_path, data, name="scan.xyz", **options):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_cloud(path, **options)


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", ", ", " ; ", "   ", "|"])
@pytest.mark.parametrize("header", ["", "x{0}y{0}z{0}r{0}g{0}b{0}label\n", "# made by hand\n"])
def test_any_separator_with_or_without_header(separator, header, tmp_path):
    data = corpus.text_rows(separator, header.format(separator))
    cloud = read(tmp_path, data, "scan.csv")
    np.testing.assert_array_equal(cloud.xyz, corpus.XYZ)
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_end(newline, tmp_path):
    data = corpus.text_rows().decode().replace("\n", newline)
    np.testing.assert_array_equal(read(tmp_path, data).xyz, corpus.XYZ)


def test_decimal_commas_beside_semicolons(tmp_path):
    cloud = read(tmp_path, "x;y;z\n1,5;2,25;-3\n4;5,125;6\n", "scan.csv")
    np.testing.assert_array_equal(cloud.xyz, [[1.5, 2.25, -3], [4, 5.125, 6]])


def test_a_header_decides_over_the_order(tmp_path):
    data = "//Label Intensity Z Y X\n3 0.5 30 20 10\n4 0.7 31 21 11\n"
    cloud = read(tmp_path, data, "scan.asc")
    np.testing.assert_array_equal(cloud.xyz, [[10, 20, 30], [11, 21, 31]])
    assert cloud.labels.tolist() == [3, 4]


def test_pts_counts_its_points_and_has_intensity_before_colour(tmp_path):
    data = "2\n1 2 3 -1800 10 20 30\n4 5 6 -1700 40 50 60\n"
    cloud = read(tmp_path, data, "scan.pts")
    assert cloud.rgb.tolist() == [[10, 20, 30], [40, 50, 60]]
    with pytest.raises(AnnotatorError, match="promises"):
        read(tmp_path, data.replace("2\n1", "3\n1", 1), "scan.pts")


def test_semantic3d_rows_have_intensity_before_colour(tmp_path):
    cloud = read(tmp_path, "1 2 3 -1382 10 20 30\n4 5 6 -1000 40 50 60\n", "scan.txt")
    assert cloud.rgb.tolist() == [[10, 20, 30], [40, 50, 60]]


def test_columns_of_words_are_stepped_over(tmp_path):
    cloud = read(tmp_path, "x,y,z,name,label\n1,2,3,chair,4\n5,6,7,table,8\n", "scan.csv")
    np.testing.assert_array_equal(cloud.xyz, [[1, 2, 3], [5, 6, 7]])
    assert cloud.labels.tolist() == [4, 8]


def test_three_columns_are_a_colourless_scan(tmp_path):
    cloud = read(tmp_path, "1 2 3\n4 5 6\n")
    assert cloud.rgb is None
    assert cloud.labels is None


def test_rows_of_different_lengths_are_refused_by_name(tmp_path):
    with pytest.raises(AnnotatorError, match=r"scan\.xyz"):
        read(tmp_path, "1 2 3\n4 5\n")


def test_missing_cells_are_refused_rather_than_shifted(tmp_path):
    with pytest.raises(AnnotatorError, match=r"scan\.csv"):
        read(tmp_path, "1,2,3,4,5,6\n1,,3,4,5,6\n", "scan.csv")


def test_rows_of_different_lengths_in_different_blocks_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, "BLOCK", 1)
    with pytest.raises(AnnotatorError, match="different lengths"):
        read(tmp_path, "1 2 3\n" * 5 + "1 2 3 4\n" * 5)


def test_blocks_join_without_losing_a_row(tmp_path, monkeypatch):
    rows = "".join(f"{i} {i + 1} {i + 2}\n" for i in range(1000))
    monkeypatch.setattr(text_rows, "BLOCK", 100)
    cloud = read(tmp_path, rows)
    np.testing.assert_array_equal(cloud.xyz[:, 0], np.arange(1000))


def test_progress_rises_to_one(tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, "BLOCK", 100)
    seen = []
    read(tmp_path, "1 2 3\n" * 500, progress=lambda fraction, message="": seen.append(fraction))
    assert seen == sorted(seen)
    assert len(seen) > 20
    assert seen[-1] == 1.0


def test_cancelling_stops_within_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, "BLOCK", 100)
    cancel = CancelToken()
    seen = []

    def stop_soon(fraction, message=""):
        seen.append(fraction)
        if len(seen) == 4:
            cancel.cancel()

    with pytest.raises(Cancelled):
        read(tmp_path, "1 2 3\n" * 5000, progress=stop_soon, cancel=cancel)
    assert len(seen) == 4
