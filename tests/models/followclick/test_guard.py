"""What may be poured and what not, on made-up looks and on real photos."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from models.followclick import MotionError, Request, animate
from models.followclick.guard import look_at, solid
from tests.models.followclick.test_animator import ellipse, texture

PHOTOS = Path(__file__).parents[4] / "shared" / "data" / "photos"
SIDE = 256
POURED = (
    ("stream", 0.40, 0.78, 0.06, 0.10), ("stream", 0.45, 0.92, 0.12, 0.05),
    ("stream", 0.47, 0.55, 0.06, 0.06), ("stream", 0.58, 0.41, 0.05, 0.025),
    ("stream", 0.50, 0.10, 0.12, 0.08), ("stream", 0.15, 0.40, 0.10, 0.08),
    ("mountains", 0.24, 0.24, 0.18, 0.14), ("mountains", 0.60, 0.12, 0.20, 0.08),
    ("mountains", 0.92, 0.30, 0.05, 0.07), ("mountains", 0.35, 0.20, 0.30, 0.18),
    ("dandelions", 0.50, 0.65, 0.10, 0.20), ("dandelions", 0.50, 0.10, 0.20, 0.07),
)  # fmt: skip
SOLID = (
    ("dogs", 0.41, 0.31, 0.10, 0.085), ("dogs", 0.56, 0.53, 0.09, 0.09),
    ("dogs", 0.43, 0.32, 0.05, 0.05), ("dogs", 0.20, 0.80, 0.12, 0.12),
    ("stream", 0.64, 0.66, 0.10, 0.14), ("stream", 0.12, 0.75, 0.09, 0.10),
    ("stream", 0.22, 0.60, 0.09, 0.06), ("stream", 0.72, 0.85, 0.12, 0.08),
    ("mountains", 0.60, 0.50, 0.12, 0.12), ("mountains", 0.85, 0.55, 0.12, 0.14),
    ("dandelions", 0.29, 0.32, 0.15, 0.25), ("fig", 0.58, 0.52, 0.12, 0.18),
    ("fig", 0.60, 0.50, 0.30, 0.35),
)  # fmt: skip
"""Photo and ellipse: centre and half axes in parts of the photo."""


def looked_at(photo, x, y, across, down):
    path = PHOTOS / f"{photo}.jpg"
    if not path.is_file():
        pytest.skip("the photos are not here")
    rgb = np.asarray(Pillow.open(path).convert("RGB"))
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    far = ((columns / width - x) / across) ** 2 + ((rows / height - y) / down) ** 2
    return rgb, far < 1


@pytest.mark.parametrize("direction", [0.0, 90.0])
@pytest.mark.parametrize("place", POURED, ids=str)
def test_water_clouds_sky_and_leaves_may_be_poured(place, direction):
    assert solid(*looked_at(*place), direction) == ""


@pytest.mark.parametrize("direction", [0.0, 90.0])
@pytest.mark.parametrize("place", SOLID, ids=str)
def test_faces_rocks_walls_and_fruit_are_not_poured(place, direction):
    rgb, mask = looked_at(*place)
    assert solid(rgb, mask, direction)
    with pytest.raises(MotionError, match="solid object"):
        animate(rgb, [Request(mask, "flows", direction=direction)], 8)


def test_warm_media_are_poured_when_the_words_say_so():
    brown = np.full((SIDE, SIDE, 3), (150, 100, 60), np.float32)
    grain = np.random.default_rng(0).standard_normal((SIDE, SIDE, 1)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 1.5)[..., None]
    photo = np.clip(brown + 120 * grain, 0, 255).astype(np.uint8)
    mask = ellipse(SIDE, SIDE)
    assert "fur" in solid(photo, mask, 0.0, "flows to the left")
    assert solid(photo, mask, 0.0, "the sand flows to the left") == ""


def test_few_sharp_shapes_on_smooth_ground_are_solid():
    photo = np.full((SIDE, SIDE, 3), 200, np.uint8)
    for n in range(5):
        cv2.circle(photo, (60 + 33 * n, 90 + 20 * (n % 3)), 14, (40, 40, 40), -1)
    assert solid(photo, ellipse(), 0.0)


def test_even_grain_and_smooth_ground_are_not():
    smooth = cv2.GaussianBlur(texture(), (0, 0), 12)
    for direction in (0.0, 45.0, 90.0):
        assert solid(texture(), ellipse(), direction) == ""
        assert solid(smooth, ellipse(), direction) == ""


def test_what_is_too_small_is_not_judged():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[5, 5] = True
    assert look_at(texture(), mask) is None
    assert solid(texture(), mask, 0.0) == ""
    assert solid(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool), 0.0) == ""
