"""Pictures of a report: what each click would give, over the photo or the scan."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage

RGB = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]

LONG_SIDE = 560
"""Of pictures in the report, in pixels."""

_STOPS = (
    (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115),
    (138, 134, 120), (165, 156, 116), (195, 179, 105), (225, 204, 85), (254, 232, 56),
)  # fmt: skip
"""Cividis at tenths: even in lightness, and the same to colour-blind eyes.

Nunez, Anderton, Renslow, PLOS ONE 13(7), 2018."""

MIN_COLOUR, BASE_COLOUR, MAX_COLOUR = (213, 94, 0), (255, 255, 255), (0, 158, 240)
_PALE = 0.45
_RING = 7


@dataclass(frozen=True)
class Spot:
    """A click to be marked.

    Attributes:
        x: Pixels from the left.
        y: Pixels from the top.
        mode: "min", "base" or "max".
    """

    x: float
    y: float
    mode: str


def cividis(values: Float) -> RGB:
    """Return colours [..., 3] of values in [0, 1]."""
    stops = np.array(_STOPS, np.float64)
    places = np.clip(np.nan_to_num(values), 0, 1) * (len(stops) - 1)
    knots = np.arange(len(stops))
    channels = [np.interp(places, knots, stops[:, c]) for c in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def legend_stops() -> list[str]:
    """Return the colour scale as CSS colours, from 0 to 1."""
    return [f"rgb({r},{g},{b})" for r, g, b in _STOPS]


def spread(
    shape: tuple[int, int],
    places: npt.NDArray[np.int64],
    values: Float,
    stride: int,
    within: Inside | None = None,
) -> Float:
    """Lay values at scattered points out over the pixels that they stand for: the nearest ones.

    Args:
        shape: (height, width).
        places: [M, 2] (row, column) of the points.
        values: [M] what the clicks there give.
        stride: Edge in pixels of the cells of which one point each was scored.
        within: [height, width] where there is anything to show; None for everywhere.

    Returns:
        [height, width], NaN where no point is near.
    """
    rows, columns = places.T
    sparse = np.full(shape, np.nan)
    sparse[rows, columns] = values
    distance, nearest = ndimage.distance_transform_edt(np.isnan(sparse), return_indices=True)
    field: Float = sparse[tuple(nearest)]
    field[distance > (stride if stride > 1 else 0)] = np.nan
    if within is not None:
        field[~within] = np.nan
    return field


def heat(rgb: RGB, field: Float, spots: Sequence[Spot], low: float, high: float) -> RGB:
    """Draw a field over a photo.

    Args:
        rgb: [H, W, 3].
        field: [H, W] values; NaN shows the photo, paler and without colour.
        spots: Clicks to mark.
        low: Value of the darkest colour.
        high: Value of the brightest.

    Returns:
        A picture with a long side of `LONG_SIDE` pixels.
    """
    known = np.isfinite(field)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    backdrop = np.repeat(255 - (255 - grey[..., None]) * _PALE, 3, axis=2)
    colours = cividis((field - low) / max(high - low, 1e-9)).astype(np.float64)
    shaded = colours * (0.72 + 0.28 * grey[..., None] / 255)
    picture = np.where(known[..., None], shaded, backdrop).astype(np.uint8)
    small, scale = fitted(picture)
    return marked(small, spots, scale)


def outlines(rgb: RGB, masks: Sequence[tuple[Inside, tuple[int, int, int]]]) -> RGB:
    """Draw the outlines of masks over a photo, each with a white rim."""
    small, _ = fitted(rgb)
    for inside, colour in masks:
        size = (small.shape[1], small.shape[0])
        shape = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        found, _ = cv2.findContours(shape, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(small, found, -1, (255, 255, 255), 4, cv2.LINE_AA)
        cv2.drawContours(small, found, -1, colour, 2, cv2.LINE_AA)
    return small


def fitted(rgb: RGB, side: int = LONG_SIDE) -> tuple[RGB, float]:
    """Return a copy with a long side of `side` pixels, and by how much it is scaled.

    Small photos become larger, so that marks and outlines do not cover them.
    """
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=kernel), np.uint8), scale


def marked(picture: RGB, spots: Sequence[Spot], scale: float = 1.0) -> RGB:
    """Mark clicks, told apart by shape: a triangle down for MIN, up for MAX, a ring for BASE."""
    drawn = np.ascontiguousarray(picture)
    for spot in spots:
        centre = (round(spot.x * scale), round(spot.y * scale))
        if spot.mode == "base":
            cv2.circle(drawn, centre, _RING, (20, 20, 20), 5, cv2.LINE_AA)
            cv2.circle(drawn, centre, _RING, BASE_COLOUR, 2, cv2.LINE_AA)
            continue
        corners = _triangle(centre, up=spot.mode == "max")
        colour = MAX_COLOUR if spot.mode == "max" else MIN_COLOUR
        cv2.fillPoly(drawn, [corners], colour, cv2.LINE_AA)
        cv2.polylines(drawn, [corners], True, (255, 255, 255), 2, cv2.LINE_AA)
    return drawn


def _triangle(centre: tuple[int, int], *, up: bool) -> npt.NDArray[np.int32]:
    sign = -1 if up else 1
    corners = [(0, sign * 10), (9, -sign * 7), (-9, -sign * 7)]
    return np.array([(centre[0] + x, centre[1] + y) for x, y in corners], np.int32)


def data_uri(picture: RGB, quality: int = 86) -> str:
    """Return a picture as a JPEG that stands in the page itself."""
    buffer = io.BytesIO()
    Pillow.fromarray(picture).save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
