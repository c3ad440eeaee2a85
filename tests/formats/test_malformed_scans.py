"""Whatever a scan file holds, reading it ends in a cloud or in an error in words."""

import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.domain import AnnotatorError
from annotator.formats import CLOUD_READERS, read_cloud
from tests.formats import corpus

VALID = corpus.valid_files()
NAMES = sorted(VALID)
MAGICS = [b"", b"ply\n", b"ply\nformat ascii 1.0\n", b"# .PCD v0.7\n", b"LASF", b"PK\x03\x04",
          b"\x93NUMPY\x01\x00", b"1 2 3\n"]  # fmt: skip
SUFFIXES = sorted({s for reader in CLOUD_READERS for s in reader.suffixes})

# A LAZ file starts a process, so there are fewer of them.
FUZZ = {"small.laz": 12}
CUTS = {"small.laz": 12}

fuzz = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def read_or_refuse(path):
    """Read a file; return its cloud, or None if it was refused with an error in words."""
    try:
        cloud = read_cloud(path)
    except AnnotatorError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert path.name in refused.message
        assert refused.remedy
        return None
    assert np.isfinite(cloud.xyz).all()
    assert np.isfinite(cloud.absolute()).all()
    assert len(cloud)
    assert cloud.faces is None or (cloud.faces.min() >= 0 and cloud.faces.max() < len(cloud))
    assert cloud.labels is None or cloud.labels.min() >= 0
    return cloud


@pytest.mark.parametrize("name", NAMES)
def test_every_small_file_is_valid_to_begin_with(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(VALID[name])
    np.testing.assert_allclose(read_cloud(path).absolute(), corpus.XYZ, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_anywhere_is_read_or_refused(name, tmp_path):
    whole = VALID[name]
    path = tmp_path / name
    step = max(1, len(whole) // CUTS.get(name, 400))
    for length in range(0, len(whole), step):
        path.write_bytes(whole[:length])
        read_or_refuse(path)


@pytest.mark.parametrize("name", [n for n in NAMES if n.rpartition(".")[2] in ("ply", "pcd")])
def test_a_file_without_its_last_third_is_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(VALID[name][: -len(VALID[name]) // 3])
    with pytest.raises(AnnotatorError, match=name):
        read_cloud(path)


@pytest.mark.parametrize("name", ["small.las", "small.laz", "small.npy", "small.npz"])
def test_a_file_without_its_last_bytes_is_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(VALID[name][:-30])
    with pytest.raises(AnnotatorError, match=name):
        read_cloud(path)


@pytest.mark.parametrize("name", NAMES)
def test_changed_bytes_are_read_or_refused(name, tmp_path):
    whole = VALID[name]

    @settings(fuzz, max_examples=FUZZ.get(name, 150))
    @given(
        st.lists(
            st.tuples(st.integers(0, len(whole) - 1), st.binary(max_size=4), st.integers(0, 4)),
            min_size=1,
            max_size=6,
        )
    )
    def check(changes):
        data = bytearray(whole)
        for place, new, gone in changes:
            data[place : place + gone] = new
        path = tmp_path / name
        path.write_bytes(data)
        read_or_refuse(path)

    check()


NUMBERS = ["-1", "0", "1", "255", "65536", "4294967295", "99999999999999999999", "1e9", "nan", ""]


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n.rpartition(".")[2] in ("ply", "pcd", "pts")]
)
def test_changed_header_words_are_read_or_refused(name, tmp_path):
    whole = VALID[name]
    head, found, body = whole.partition(b"end_header" if b"end_header" in whole else b"DATA")
    words = head.decode("latin-1").split(" ")

    @fuzz
    @given(st.integers(0, len(words) - 1), st.sampled_from([*NUMBERS, *words]))
    def check(place, word):
        end = "\n" + words[place].partition("\n")[2] if "\n" in words[place] else ""
        changed = " ".join([*words[:place], word + end, *words[place + 1 :]])
        path = tmp_path / name
        path.write_bytes(changed.encode("latin-1") + found + body)
        read_or_refuse(path)

    check()


@fuzz
@given(st.sampled_from(SUFFIXES), st.sampled_from(MAGICS), st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(tmp_path, suffix, magic, data):
    path = tmp_path / f"random{suffix}"
    path.write_bytes(magic + data)
    read_or_refuse(path)


@fuzz
@given(st.text("0123456789.-+eEnaif ,;\t\n\r#/xyzrgb\"'", max_size=300))
def test_random_text_is_read_or_refused(tmp_path, text):
    path = tmp_path / "random.txt"
    path.write_text(text, newline="")
    read_or_refuse(path)


def huge_npy(descr="<f4", shape="(4000000000000, 3)"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def patched(data, offset, form, *values):
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, *values)
    return bytes(changed)


PCD_HUGE = (
    VALID["ascii.pcd"]
    .replace(b"POINTS 5", b"POINTS 4000000000000")
    .replace(b"WIDTH 5", b"WIDTH 4000000000000")
)
HUGE = {
    "vertices.ply": VALID["little.ply"].replace(b"vertex 5", b"vertex 4000000000000"),
    "faces.ply": VALID["little.ply"].replace(b"face 2", b"face 4000000000000"),
    "text.ply": VALID["ascii.ply"].replace(b"vertex 5", b"vertex 4000000000000"),
    "list.ply": VALID["little.ply"].replace(b"list uchar", b"list uint"),
    "text.pcd": PCD_HUGE,
    "binary.pcd": PCD_HUGE.replace(b"DATA ascii", b"DATA binary"),
    "packed.pcd": PCD_HUGE.replace(b"DATA ascii", b"DATA binary_compressed"),
    "bomb.pcd": b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 300000000\nHEIGHT 1\n"
    b"DATA binary_compressed\n" + struct.pack("<II", 8, 3_600_000_000)
    + b"\x00a\xe0\xff\x00\xe0\xff\x00",
    "count.pts": VALID["counted.pts"].replace(b"5\n", b"4000000000000\n", 1),
    "array.npy": huge_npy(),
    "items.npy": huge_npy("|V2000000000"),
    "empty_items.npy": huge_npy("|V0"),
    "header.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFFF) + b"{",
    "array.npz": corpus.zipped("xyz.npy", huge_npy()),
    "points.las": patched(VALID["small.las"], 247, "<Q", 1 << 40),
    "records.las": patched(VALID["small.las"], 100, "<I", 0xFFFFFFFF),
    "offset.las": patched(VALID["small.las"], 96, "<I", 0xFFFFFFFF),
    "points.laz": patched(VALID["small.laz"], 247, "<Q", 1 << 40),
    "extended.las": patched(VALID["small.las"], 235, "<QI", 0, 0xFFFFFFFF),
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in HUGE if n != "extended.las"])
def test_a_huge_header_is_refused_without_allocating(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(HUGE[name])
    tracemalloc.start()
    try:
        with pytest.raises(AnnotatorError, match=name):
            read_cloud(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_a_laz_file_that_crashes_the_decoder_is_refused(tmp_path):
    whole = VALID["small.laz"]
    (points_at,) = struct.unpack_from("<I", whole, 96)
    (table_at,) = struct.unpack_from("<q", whole, points_at)
    path = tmp_path / "chunks.laz"
    path.write_bytes(patched(whole, table_at + 4, "<I", 0xFFFFFFFF))
    with pytest.raises(AnnotatorError, match=r"chunks\.laz"):
        read_cloud(path)


def test_extended_records_are_never_read(tmp_path):
    path = tmp_path / "extended.las"
    path.write_bytes(HUGE["extended.las"])
    assert len(read_cloud(path)) == 5


def test_an_archive_that_unpacks_to_gigabytes_is_refused(tmp_path):
    zeros = huge_npy(shape="(100000000, 3)") + bytes(2_000_000)
    path = tmp_path / "bomb.npz"
    path.write_bytes(corpus.zipped("xyz.npy", zeros))
    with pytest.raises(AnnotatorError, match=r"bomb\.npz"):
        read_cloud(path)


class Harmful:
    ran = False

    def __reduce__(self):
        return (setattr, (Harmful, "ran", True))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickled_objects_are_refused_and_never_run(suffix, tmp_path):
    Harmful.ran = False
    array = np.array([Harmful(), Harmful()], dtype=object)
    path = tmp_path / f"pickled{suffix}"
    path.write_bytes(corpus.npy(array) if suffix == ".npy" else corpus.npz(xyz=array))
    with pytest.raises(AnnotatorError, match="Python objects"):
        read_cloud(path)
    assert not Harmful.ran
    pickle.loads(pickle.dumps(Harmful()))  # the trap does spring where pickles are loaded
    assert Harmful.ran


def test_an_array_header_of_deep_brackets_is_refused(tmp_path):
    text = ("(" * 9000).ljust(9500).encode()
    path = tmp_path / "deep.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
    with pytest.raises(AnnotatorError, match=r"deep\.npy"):
        read_cloud(path)


def test_a_missing_file_and_a_plain_folder_are_refused(tmp_path):
    for path in (tmp_path / "nothing.ply", tmp_path):
        with pytest.raises(AnnotatorError, match=path.name):
            read_cloud(path)


def test_an_unknown_binary_file_names_the_known_formats(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0\0\0\0")
    with pytest.raises(AnnotatorError) as caught:
        read_cloud(path)
    assert ".ply" in caught.value.remedy


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "endless.xyz"
    path.write_bytes(b"1 2 3\n" + b"1 " * (8 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(AnnotatorError, match=r"endless\.xyz"):
            read_cloud(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.ply")
    with pytest.raises(AnnotatorError, match=r"pipe\.ply is no file"):
        read_cloud(tmp_path / "pipe.ply")


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
def test_a_scan_of_no_points_says_so(data, tmp_path):
    path = tmp_path / "none.pcd"
    head = f"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 0\nHEIGHT 1\nDATA {data}\n"
    path.write_bytes(head.encode())
    with pytest.raises(AnnotatorError, match="holds no points"):
        read_cloud(path)
