"""Whatever a photo's file holds, reading it ends in a photo or in an error in words."""

import io
import os
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from annotator.domain import AnnotatorError
from annotator.formats import IMAGE_READERS, image_size, read_image, read_thumbnail

RGB = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)
DEEP = RGB.astype(np.uint16) * 257
SUFFIXES = [reader.suffixes[0] for reader in IMAGE_READERS]
MAGICS = [magic for reader in IMAGE_READERS for magic in reader.magic] + [b"RIFF\x10\0\0\0WEBPVP8 "]

fuzz = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image = image if isinstance(image, Pillow.Image) else Pillow.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_opencv(suffix, pixels):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def valid_files():
    """Return a small valid photo of every format and kind, by name."""
    exif = Pillow.Exif()
    exif[274] = 6
    return {
        "plain.jpg": encoded(RGB, "JPEG", exif=exif),
        "progressive.jpg": encoded(RGB, "JPEG", progressive=True),
        "cmyk.jpg": encoded(Pillow.fromarray(RGB).convert("CMYK"), "JPEG"),
        "plain.png": encoded(RGB, "PNG", exif=exif),
        "palette.png": encoded(Pillow.fromarray(RGB).quantize(8), "PNG", transparency=3),
        "deep.png": by_opencv(".png", DEEP),
        "plain.tif": encoded(RGB, "TIFF", exif=exif),
        "packed.tif": encoded(RGB, "TIFF", compression="tiff_lzw"),
        "deep.tif": by_opencv(".tif", DEEP),
        "float.tif": by_opencv(".tif", DEEP.astype(np.float32)),
        "plain.webp": encoded(RGB, "WEBP"),
        "plain.bmp": encoded(RGB, "BMP"),
    }


VALID = valid_files()
NAMES = sorted(VALID)


def read_or_refuse(path):
    """Read a photo in all ways; return it, or None if it was refused with an error in words."""
    read = None
    for reader in (image_size, lambda p: read_thumbnail(p, 8), read_image):
        try:
            read = reader(path)
        except AnnotatorError as error:
            assert path.name in error.message  # noqa: PT017 - most changes are harmless
            assert error.remedy  # noqa: PT017
            read = None
    if read is not None:
        assert read.rgb.dtype == np.uint8
        assert read.rgb.size
    return read


@pytest.mark.parametrize("name", NAMES)
def test_every_small_photo_is_valid_to_begin_with(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(VALID[name])
    assert read_or_refuse(path) is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_cut_anywhere_is_read_or_refused(name, tmp_path):
    whole = VALID[name]
    path = tmp_path / name
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        read_or_refuse(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_without_its_last_third_is_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(VALID[name][: len(VALID[name]) * 2 // 3])
    with pytest.raises(AnnotatorError, match=name):
        read_image(path)


@pytest.mark.parametrize("name", NAMES)
def test_changed_bytes_are_read_or_refused(name, tmp_path):
    whole = VALID[name]
    # Headers matter most: half of the changes fall into the first bytes.
    places = st.one_of(st.integers(0, 64), st.integers(0, len(whole) - 1))

    @fuzz
    @given(st.lists(st.tuples(places, st.binary(max_size=4), st.integers(0, 4)), min_size=1,
                    max_size=5))  # fmt: skip
    def check(changes):
        data = bytearray(whole)
        for place, new, gone in changes:
            data[place : place + gone] = new
        path = tmp_path / name
        path.write_bytes(data)
        read_or_refuse(path)

    check()


@fuzz
@given(st.sampled_from(SUFFIXES), st.sampled_from([b"", *MAGICS]), st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(tmp_path, suffix, magic, data):
    path = tmp_path / f"random{suffix}"
    path.write_bytes(magic + data)
    read_or_refuse(path)


def patched(name, place, new):
    data = bytearray(VALID[name])
    data[place : place + len(new)] = new
    return bytes(data)


HUGE = {
    "wide.bmp": patched("plain.bmp", 18, (60_000).to_bytes(4, "little") * 2),
    "wide.png": patched("plain.png", 16, (60_000).to_bytes(4, "big") * 2),
    "wide.jpg": VALID["plain.jpg"].replace(b"\x08\x00\x18\x00\x14", b"\x08\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_header_is_refused_without_allocating(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(HUGE[name])
    tracemalloc.start()
    try:
        with pytest.raises(AnnotatorError, match=name):
            read_image(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_a_foreign_file_is_refused_with_the_known_formats(tmp_path):
    for name, data in {"page.png": b"%PDF-1.7", "code.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n"}.items():
        path = tmp_path / name
        path.write_bytes(data * 20)
        with pytest.raises(AnnotatorError, match="no photo in a known format") as caught:
            read_image(path)
        assert "WebP" in caught.value.remedy


def test_a_missing_empty_or_strange_file_is_refused(tmp_path):
    (tmp_path / "empty.png").touch()
    for path in (tmp_path / "nothing.png", tmp_path, tmp_path / "empty.png"):
        with pytest.raises(AnnotatorError, match=path.name):
            read_image(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(AnnotatorError, match=r"pipe\.png is no file"):
        read_image(tmp_path / "pipe.png")
