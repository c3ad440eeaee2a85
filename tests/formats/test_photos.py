"""Photos of every kind are read as a person sees them."""

import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.formats import (
    IMAGE_READERS,
    image_files,
    image_size,
    is_image_path,
    read_image,
    read_thumbnail,
)
from annotator.formats.images import BACKDROP

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
SUFFIXES = [reader.suffixes[0] for reader in IMAGE_READERS]


def corners(width=48, height=32):
    """A picture whose four quarters are red, green / blue, white."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2] = RED
    rgb[: height // 2, width // 2 :] = GREEN
    rgb[height // 2 :, : width // 2] = BLUE
    rgb[height // 2 :, width // 2 :] = WHITE
    return rgb


def saved(path, image, **options):
    (image if isinstance(image, Pillow.Image) else Pillow.fromarray(image)).save(path, **options)
    return path


def assert_upright(rgb, tolerance=12):
    assert rgb.dtype == np.uint8
    height, width = rgb.shape[:2]
    quarters = [(1, 1, RED), (1, 3, GREEN), (3, 1, BLUE), (3, 3, WHITE)]
    for row, column, colour in quarters:
        pixel = rgb[row * height // 4, column * width // 4].astype(int)
        assert np.abs(pixel - colour).max() <= tolerance, (row, column, pixel)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_shows_its_colours(suffix, tmp_path):
    path = saved(tmp_path / f"four{suffix}", corners(), quality=95)

    image = read_image(path)

    assert image.rgb.shape == (32, 48, 3)
    assert image.name == "four"
    assert_upright(image.rgb)
    assert image_size(path) == (48, 32)


BACKWARDS = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1], 5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
@pytest.mark.parametrize("orientation", BACKWARDS)
def test_every_orientation_is_upright(suffix, orientation, tmp_path):
    exif = Pillow.Exif()
    exif[274] = orientation
    stored = np.ascontiguousarray(BACKWARDS[orientation](corners()))
    path = saved(tmp_path / f"turned{suffix}", stored, exif=exif, quality=95)

    assert_upright(read_image(path).rgb, 40)
    assert image_size(path) == (48, 32)
    small = read_thumbnail(path, 24).rgb
    assert small.shape == (16, 24, 3)
    assert_upright(small, 40)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "RGBA", "LA"])
def test_every_colour_mode_becomes_rgb(mode, tmp_path):
    suffix = ".jpg" if mode in ("CMYK", "YCbCr") else ".png"
    path = saved(tmp_path / f"mode{suffix}", Pillow.fromarray(corners()).convert(mode))

    rgb = read_image(path).rgb

    if mode in ("1", "L", "LA"):
        assert (rgb[..., 0] == rgb[..., 1]).all()
        assert rgb[24, 36, 0] == 255
    else:
        assert_upright(rgb, 20)


def test_transparent_pixels_lie_over_the_backdrop(tmp_path):
    rgba = np.dstack([corners(), np.full((32, 48), 255, np.uint8)])
    rgba[:16, :24, 3] = 0
    rgba[:16, 24:, 3] = 128
    path = saved(tmp_path / "clear.png", rgba)

    rgb = read_image(path).rgb

    assert tuple(rgb[2, 2]) == BACKDROP
    np.testing.assert_allclose(rgb[2, 30], (64, 191, 64), atol=2)
    assert tuple(rgb[30, 2]) == BLUE
    assert tuple(read_thumbnail(path, 24).rgb[1, 1]) == BACKDROP


def test_a_transparent_palette_colour_shows_the_backdrop(tmp_path):
    image = Pillow.fromarray(corners()).convert("P", palette=Pillow.Palette.ADAPTIVE, colors=4)
    path = saved(tmp_path / "clear.png", image, transparency=image.getpixel((2, 2)))

    assert tuple(read_image(path).rgb[2, 2]) == BACKDROP


def ramp(top, width=256):
    return np.tile(np.linspace(0, top, width), (8, 1))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_over_the_full_range_are_divided(suffix, tmp_path):
    path = saved(tmp_path / f"deep{suffix}", ramp(65535).astype(np.uint16))

    rgb = read_image(path).rgb

    np.testing.assert_allclose(rgb[0, :, 0], np.arange(256), atol=1)
    assert read_thumbnail(path, 64).rgb.shape == (2, 64, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_twelve_bits_in_sixteen_are_stretched(suffix, channels, tmp_path):
    grey = ramp(4095).astype(np.uint16)
    pixels = grey if channels == 1 else np.dstack([grey] * 3)
    if channels == 4:
        pixels = np.dstack([pixels, np.full_like(grey, 65535)])
    path = tmp_path / f"twelve{suffix}"
    assert cv2.imwrite(str(path), pixels)

    rgb = read_image(path).rgb

    assert rgb[0, 0, 0] <= 2
    assert rgb[0, -1, 0] >= 253
    assert (np.diff(rgb[0, :, 1].astype(int)) >= 0).all()
    assert image_size(path) == (256, 8)


def test_sixteen_bit_colours_keep_their_hues_and_transparency(tmp_path):
    rgba = np.zeros((8, 8, 4), np.uint16)
    rgba[..., 0], rgba[..., 3] = 65535, 65535
    rgba[:4, :, 3] = 0
    path = tmp_path / "red.png"
    assert cv2.imwrite(str(path), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))

    rgb = read_image(path).rgb

    assert tuple(rgb[7, 0]) == RED
    assert tuple(rgb[0, 0]) == BACKDROP
    assert tuple(read_thumbnail(path, 4).rgb[3, 0]) == RED


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-300.0, 1200.0), (5e-6, 9e-6)])
def test_floats_are_shown_over_their_range(channels, low, high, tmp_path):
    grey = (ramp(1.0) * (high - low) + low).astype(np.float32)
    grey[0, 0] = np.nan
    path = tmp_path / "float.tif"
    assert cv2.imwrite(str(path), grey if channels == 1 else np.dstack([grey] * 3))

    rgb = read_image(path).rgb

    np.testing.assert_allclose(rgb[1, :, 0], np.arange(256), atol=2)
    assert rgb[0, 0, 0] == 0


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_photo_of_one_value_is_shown(value, tmp_path):
    path = saved(tmp_path / "even.png", np.full((4, 4), value, np.uint16))

    assert len(np.unique(read_image(path).rgb)) == 1


def tiff(pixels, **more):
    """A plain TIFF file of 16-bit colours with further tags, by the specification."""
    height, width, channels = pixels.shape
    tags = {256: width, 257: height, 259: 1, 262: 2, 273: 0, 277: channels, 278: height,
            279: pixels.nbytes, **{int(tag[1:]): value for tag, value in more.items()}}  # fmt: skip
    bits_at = 8 + 2 + 12 * (len(tags) + 1) + 4
    tags[273] = bits_at + 2 * channels
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()]
    entries.append(struct.pack("<HHII", 258, 3, channels, bits_at))
    entries.sort(key=lambda entry: entry[:2][::-1])
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    bits = struct.pack(f"<{channels}H", *[16] * channels)
    return head + b"".join(entries) + bytes(4) + bits + pixels.astype("<u2").tobytes()


def png_with_exif(pixels, orientation):
    """A PNG of 16-bit colours whose orientation stands in an eXIf chunk."""
    exif = Pillow.Exif()
    exif[274] = orientation
    body = b"eXIf" + exif.tobytes()[6:]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    whole = cv2.imencode(".png", pixels[:, :, ::-1])[1].tobytes()
    return whole[:33] + chunk + whole[33:]


@pytest.mark.parametrize("orientation", BACKWARDS)
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_16_bit_colours_of_every_orientation_are_upright(suffix, orientation, tmp_path):
    stored = np.ascontiguousarray(BACKWARDS[orientation](corners().astype(np.uint16) * 257))
    path = tmp_path / f"turned{suffix}"
    whole = (
        png_with_exif(stored, orientation) if suffix == ".png" else tiff(stored, t274=orientation)
    )
    path.write_bytes(whole)

    assert_upright(read_image(path).rgb)
    assert image_size(path) == (48, 32)
    assert_upright(read_thumbnail(path, 24).rgb)


def test_a_16_bit_tiff_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "huge.tif"
    path.write_bytes(tiff(corners().astype(np.uint16), t256=20_000, t257=20_000))

    with pytest.raises(AnnotatorError, match=r"huge\.tif would take 2\.4 GB"):
        read_image(path)


def test_thumbnails_keep_the_shape_and_never_grow(tmp_path):
    path = saved(tmp_path / "long.jpg", corners(1600, 400), quality=90)

    assert read_thumbnail(path, 160).rgb.shape == (40, 160, 3)
    assert read_thumbnail(path, 5000).rgb.shape == (400, 1600, 3)


def test_the_beginning_of_a_file_decides_over_its_suffix(tmp_path):
    saved(tmp_path / "really.png", corners())
    wrong = (tmp_path / "really.png").rename(tmp_path / "named.jpg")
    bare = tmp_path / "photo"
    bare.write_bytes(wrong.read_bytes())

    assert_upright(read_image(wrong).rgb)
    assert is_image_path(bare)
    assert is_image_path(tmp_path / "missing.WEBP")
    (tmp_path / "scan.bin").write_bytes(b"RIFFxxxxWAVE")
    assert not is_image_path(tmp_path / "scan.bin")
    assert not is_image_path(tmp_path)


def test_photos_of_a_folder_are_in_counting_order(tmp_path):
    for name in ("b10.jpg", "b9.png", "a.TIF", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    assert [p.name for p in image_files(tmp_path)] == ["a.TIF", "b9.png", "b10.jpg"]


def test_reading_reports_and_stops(tmp_path):
    path = saved(tmp_path / "four.png", corners())
    seen = []
    read_image(path, progress=lambda fraction, message="": seen.append(fraction))
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert seen == sorted(seen)

    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        read_image(path, cancel=cancel)


def test_importing_the_readers_loads_no_opencv():
    code = "import sys, annotator.formats; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_photo_that_claims_too_many_pixels_is_refused(tmp_path):
    buffer = io.BytesIO()
    Pillow.new("1", (1, 1)).save(buffer, "BMP")
    data = bytearray(buffer.getvalue())
    data[18:26] = (30_000).to_bytes(4, "little") * 2
    path = tmp_path / "bomb.bmp"
    path.write_bytes(data)

    for read in (read_image, image_size, lambda p: read_thumbnail(p, 64)):
        with pytest.raises(AnnotatorError, match=r"bomb\.bmp claims .* megapixels"):
            read(path)
