"""PCD: three encodings, packed colours, unmeasured rows, and LZF itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.formats import lzf, read_cloud, write_cloud
from tests.formats import corpus


def read(tmp_path, data):
    path = tmp_path / "scan.pcd"
    path.write_bytes(data)
    return read_cloud(path)


def with_fields(names, sizes, kinds, rows, data="ascii", width=None):
    head = (
        f"VERSION .7\nFIELDS {names}\nSIZE {sizes}\nTYPE {kinds}\n"
        f"COUNT {' '.join('1' for _ in names.split())}\nWIDTH {width or len(rows)}\n"
        f"HEIGHT {len(rows) // (width or len(rows))}\nPOINTS {len(rows)}\nDATA {data}\n"
    )
    return head.encode() + ("\n".join(rows) + "\n").encode()


@pytest.mark.parametrize("name", ["ascii.pcd", "binary.pcd", "compressed.pcd"])
def test_every_encoding_gives_the_same_cloud(name, tmp_path):
    cloud = read(tmp_path, corpus.valid_files()[name])
    np.testing.assert_array_equal(cloud.xyz, corpus.XYZ)
    np.testing.assert_array_equal(cloud.rgb, corpus.RGB)
    np.testing.assert_array_equal(cloud.labels, corpus.LABELS)


def test_colours_packed_into_a_float_are_unpacked(tmp_path):
    packed = np.array([0x00FF8001], np.uint32).view(np.float32)[0]
    rows = [f"0 0 0 {packed:.9g}", f"1 1 1 {packed:.9g}"]
    cloud = read(tmp_path, with_fields("x y z rgb", "4 4 4 4", "F F F F", rows))
    assert cloud.rgb.tolist() == [[255, 128, 1]] * 2


def test_an_alpha_channel_is_ignored(tmp_path):
    rows = [f"0 0 0 {0xFF102030}"]
    cloud = read(tmp_path, with_fields("x y z rgba", "4 4 4 4", "F F F U", rows))
    assert cloud.rgb.tolist() == [[0x10, 0x20, 0x30]]


def test_intensity_alone_is_shown_as_grey(tmp_path):
    rows = ["0 0 0 0.0", "1 0 0 0.5", "2 0 0 1.0"]
    cloud = read(tmp_path, with_fields("x y z intensity", "4 4 4 4", "F F F F", rows))
    assert (cloud.rgb[:, 0] == cloud.rgb[:, 1]).all()
    assert cloud.rgb[0, 0] < cloud.rgb[1, 0] < cloud.rgb[2, 0]


def test_fields_of_several_numbers_and_padding_are_stepped_over(tmp_path):
    record = np.dtype([("n", "<f4", (33,)), ("p", "u1", (3,)), ("xyz", "<f8", (3,))])
    rows = np.zeros(5, record)
    rows["n"], rows["xyz"] = 7, corpus.XYZ
    head = (
        b"VERSION 0.7\nFIELDS histogram _ x y z\nSIZE 4 1 8 8 8\nTYPE F U F F F\n"
        b"COUNT 33 3 1 1 1\nWIDTH 5\nHEIGHT 1\nPOINTS 5\nDATA binary\n"
    )
    np.testing.assert_array_equal(read(tmp_path, head + rows.tobytes()).xyz, corpus.XYZ)


ORGANISED = ["0 0 0 1", "nan nan nan 0", "1 0 0 2", "inf 0 0 3", "nan 0 0 4", "2 1 1 5"]


def test_unmeasured_rows_are_left_out_and_remembered(tmp_path):
    data = with_fields("x y z label", "4 4 4 4", "F F F U", ORGANISED, width=3)
    cloud = read(tmp_path, data)
    assert cloud.labels.tolist() == [1, 2, 5]
    assert cloud.source.rows.tolist() == [0, 2, 5]
    assert cloud.source.count == 6
    assert cloud.source.shape == (3, 2)


@pytest.mark.parametrize("format_id", ["pcd", "pcd-compressed"])
def test_an_organised_scan_is_written_back_with_all_its_rows(format_id, tmp_path):
    data = with_fields("x y z label", "4 4 4 4", "F F F U", ORGANISED, width=3)
    cloud = read(tmp_path, data)
    path = tmp_path / "again.pcd"
    write_cloud(path, cloud, np.array([7, 8, 9], np.int32), format_id=format_id)
    again = read_cloud(path)
    assert again.source.shape == (3, 2)
    assert again.source.rows.tolist() == [0, 2, 5]
    assert again.labels.tolist() == [7, 8, 9]


@pytest.mark.parametrize("name", ["labels.npy", "labels.txt", "labels.label"])
def test_lists_of_labels_have_a_line_for_every_row_of_the_file(name, tmp_path):
    data = with_fields("x y z label", "4 4 4 4", "F F F U", ORGANISED, width=3)
    path = tmp_path / name
    write_cloud(path, read(tmp_path, data), np.array([7, 8, 9], np.int32))
    if name.endswith("npy"):
        labels = np.load(path)
    elif name.endswith("txt"):
        labels = np.loadtxt(path)
    else:
        labels = np.fromfile(path, "<u4") >> 16
    assert labels.tolist() == [7, 0, 8, 0, 0, 9]


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.binary(max_size=2000), st.lists(st.sampled_from([b"ab", b"abc", b"\0" * 40]),
                                                    max_size=300).map(b"".join)))  # fmt: skip
def test_lzf_returns_what_was_compressed(data):
    assert lzf.decompress(lzf.compress(data), len(data)) == data


def test_lzf_repeats_a_copy_that_runs_into_itself():
    # One literal "a", then 20 bytes from one byte back.
    assert lzf.decompress(b"\x00a\xe0\x0b\x00", 21) == b"a" * 21


def test_lzf_shrinks_what_repeats():
    assert len(lzf.compress(bytes(100_000))) < 2_000


@pytest.mark.parametrize("stream", [b"\x20\x05", b"\x05ab", b"\xe0", b"\x00a"])
def test_lzf_refuses_damaged_streams(stream):
    with pytest.raises(ValueError, match=r"stream|reference"):
        lzf.decompress(stream, 50)
