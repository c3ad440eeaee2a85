"""The pixels under a brush."""

import math

import cv2
import numpy as np
import numpy.typing as npt

Inside = npt.NDArray[np.bool_]

_EXACT_BELOW = 12.0  # pixels; OpenCV draws wider lines fast, and round enough


def capsule(
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
    size: tuple[int, int],
) -> tuple[Inside, int, int]:
    """Return the pixels that a round brush touches on its way from one place to another.

    Args:
        start: (x, y) pixels.
        end: (x, y) pixels.
        radius: Of the brush, in pixels; at least the pixel under its middle is touched.
        size: (width, height) of the picture.

    Returns:
        [h, w] bool and the column and row of its first pixel; empty outside the picture.
    """
    reach = max(radius, 0.5)
    x0 = max(math.floor(min(start[0], end[0]) - reach), 0)
    y0 = max(math.floor(min(start[1], end[1]) - reach), 0)
    x1 = min(math.ceil(max(start[0], end[0]) + reach), size[0])
    y1 = min(math.ceil(max(start[1], end[1]) + reach), size[1])
    if x1 <= x0 or y1 <= y0:
        return np.zeros((0, 0), np.bool_), x0, y0
    a = (start[0] - x0, start[1] - y0)
    b = (end[0] - x0, end[1] - y0)
    draw = _exact if radius < _EXACT_BELOW else _fast
    return draw(a, b, radius, x1 - x0, y1 - y0), x0, y0


def _exact(
    a: tuple[float, float], b: tuple[float, float], radius: float, width: int, height: int
) -> Inside:
    """Take the pixels whose centre is at most `radius` from the line."""
    columns, rows = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    length = along_x**2 + along_y**2
    share: npt.NDArray[np.float64] | float = 0.0
    if length > 0:
        dot = (columns - a[0]) * along_x + (rows - a[1]) * along_y
        share = np.clip(dot / length, 0.0, 1.0)
    away = (columns - a[0] - share * along_x) ** 2 + (rows - a[1] - share * along_y) ** 2
    inside = np.asarray(away <= radius**2, np.bool_)
    for x, y in (a, b):
        if 0 <= x < width and 0 <= y < height:
            inside[int(y), int(x)] = True
    return inside


def _fast(
    a: tuple[float, float], b: tuple[float, float], radius: float, width: int, height: int
) -> Inside:
    canvas = np.zeros((height, width), np.uint8)
    places = [(round(x - 0.5), round(y - 0.5)) for x, y in (a, b)]
    if places[0] != places[1]:
        cv2.line(canvas, places[0], places[1], 1, max(round(2 * radius), 1))
    for place in places:
        cv2.circle(canvas, place, round(radius), 1, -1)
    return canvas.view(np.bool_)
