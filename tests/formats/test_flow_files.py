"""Flow fields in files: what is written is read back, anything else is refused in words."""

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, Clip
from annotator.domain.flow_colours import colours_of_flow, flow_wheel
from annotator.formats.flow import read_flo, read_flow_png, write_flo, write_flows

FIELD = np.random.default_rng(3).normal(0, 4, (5, 7, 2)).astype(np.float32)


def clip_of(flow):
    frames = np.zeros((len(flow) + 1, *flow.shape[1:3], 3), np.uint8)
    return Clip(frames, flow=np.asarray(flow, np.float32))


def test_a_flo_file_reads_back_bit_by_bit(tmp_path):
    (path,) = write_flows(tmp_path / "flow", clip_of(FIELD[None]))
    assert path.name == "flow-0000.flo"
    assert (read_flo(path) == FIELD).all()


def test_a_flo_file_is_laid_out_as_others_expect_it(tmp_path):
    path = tmp_path / "one.flo"
    with path.open("wb") as file:
        write_flo(file, np.array([[[1.5, -2.0], [0.0, 3.0]]], np.float32))
    assert path.read_bytes() == b"PIEH" + struct.pack("<ii4f", 2, 1, 1.5, -2.0, 0.0, 3.0)


def test_a_png_of_16_bits_reads_back_to_a_64th_pixel(tmp_path):
    path = write_flows(tmp_path, clip_of(FIELD[None]), "png")[0]
    assert np.abs(read_flow_png(path) - FIELD).max() <= 1 / 128
    with Pillow.open(path) as picture:
        assert picture.size == (7, 5)


def test_a_flow_too_long_for_png_is_refused_and_nothing_stays(tmp_path):
    far = np.full((1, 2, 2, 2), 600.0, np.float32)
    with pytest.raises(AnnotatorError, match="511"):
        write_flows(tmp_path, clip_of(far), "png")
    assert not list(tmp_path.iterdir())


def test_a_clip_without_flow_says_what_to_do(tmp_path):
    with pytest.raises(AnnotatorError, match="no flow") as caught:
        write_flows(tmp_path, Clip(np.zeros((2, 4, 4, 3), np.uint8)))
    assert "parameter" in caught.value.remedy


def test_pictures_of_a_clip_share_one_scale(tmp_path):
    flow = np.zeros((2, 3, 3, 2), np.float32)
    flow[0, ..., 0], flow[1, ..., 0] = 1.0, 4.0
    faint, full = (
        np.asarray(Pillow.open(path)) for path in write_flows(tmp_path, clip_of(flow), "colour")
    )
    assert np.ptp(full[0, 0].astype(int)) > 2 * np.ptp(faint[0, 0].astype(int)) > 0


def test_directions_have_the_published_colours_and_rest_is_white():
    flow = np.array([[[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]]], np.float32)
    right, down, left, up, rest = colours_of_flow(flow)[0].astype(int)
    assert tuple(right) == (255, 0, 0)
    assert tuple(rest) == (255, 255, 255)
    assert down[0] > 200
    assert down[2] < 50  # yellow
    assert left[2] > 200
    assert left[0] < 60  # blue or cyan
    assert up[2] > 200
    assert up[0] == round(4.5 / 13 * 255)  # between blue and magenta
    assert len(flow_wheel()) == 55


def test_unknown_flow_is_not_a_number(tmp_path):
    path = tmp_path / "holes.flo"
    with path.open("wb") as file:
        write_flo(file, np.array([[[1e10, 1e10], [1, 2]]], np.float32))
    assert np.isnan(read_flo(path)).all(-1).tolist() == [[True, False]]


@given(data=st.binary(max_size=80), cut=st.integers(0, 60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_other_files_are_refused_in_words(tmp_path, data, cut):
    path = tmp_path / "bad.flo"
    whole = b"PIEH" + struct.pack("<ii4f", 2, 1, 1.5, -2.0, 0.0, 3.0)
    for content in (data, whole[:cut], b"PIEH" + data):
        path.write_bytes(content)
        if content == whole:
            continue
        for read in (read_flo, read_flow_png):
            with pytest.raises(AnnotatorError, match=r"bad\.flo"):
                read(path)


def test_an_ordinary_picture_is_no_flow(tmp_path):
    Pillow.new("RGB", (4, 4)).save(tmp_path / "photo.png")
    with pytest.raises(AnnotatorError, match="no flow"):
        read_flow_png(tmp_path / "photo.png")
