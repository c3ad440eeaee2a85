"""Real photos are read, and real masks survive every exact format."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pycocotools.coco import COCO

from annotator.domain import ObjectInfo
from annotator.formats import (
    AnnotatedImage,
    image_files,
    image_size,
    read_annotations,
    read_image,
    read_thumbnail,
    write_annotations,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data are absent")


def test_every_photo_is_read_like_its_thumbnail():
    photos = image_files(DATA / "photos") + image_files(DATA / "grabcut" / "images")[:5]
    assert photos
    for path in photos:
        rgb = read_image(path).rgb
        assert rgb.shape[1::-1] == image_size(path)
        small = read_thumbnail(path, 64).rgb
        same = np.array(
            Pillow.fromarray(rgb).resize(small.shape[1::-1], Pillow.Resampling.BILINEAR)
        )
        assert np.abs(small.astype(int) - same).mean() < 2


@pytest.mark.parametrize("format_id", ["coco", "coco-polygons", "labelme", "png"])
def test_real_masks_come_back_pixel_by_pixel(format_id, tmp_path):
    images = [
        AnnotatedImage(path.name, (np.array(Pillow.open(path)) == 255).astype(np.int32),
                       (ObjectInfo(1, "thing"),))
        for path in image_files(DATA / "grabcut" / "masks")[:12]
    ]  # fmt: skip

    files = write_annotations(tmp_path / "out", images, format_id)

    back = [found for file in files for found in read_annotations(file)]
    for image, found in zip(images, back, strict=True):
        np.testing.assert_array_equal(found.labels > 0, image.labels > 0)
    if format_id.startswith("coco"):
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(files[0]))
        for image, annotation in zip(images, coco.anns.values(), strict=True):
            np.testing.assert_array_equal(coco.annToMask(annotation), image.labels)
