"""Pictures of scans without a screen, drawn by the same rasteriser as the software view."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from annotator.domain import Click, PointCloud, object_colour
from annotator.domain.camera import OrbitCamera
from annotator.domain.cloud import Int32, UInt8
from annotator.domain.raster import PointBlocks, ZBuffer, robust_bounds
from annotator.domain.shading import Look, PointColours, Shader, eye_dome, unpack

SIZE = (1280, 800)
BACKGROUND = (250, 250, 250)
MARKER_RADIUS = 7


def draw_scan(
    cloud: PointCloud,
    labels: Int32 | None = None,
    clicks: Sequence[Click] = (),
    *,
    side: str = "iso",
    size: tuple[int, int] = SIZE,
) -> UInt8:
    """Draw a scan from a named side.

    Args:
        cloud: The scan.
        labels: [N] object ids laid over its colours.
        clicks: Drawn as discs in the colours of their objects.
        side: A key of `annotator.domain.camera.VIEW_DIRECTIONS`.
        size: Width and height in pixels.

    Returns:
        [H, W, 3] uint8.
    """
    camera = OrbitCamera(size)
    camera.set_bounds(*robust_bounds(cloud))
    camera.look(side)
    projection = camera.projection()
    blocks = PointBlocks(cloud)
    colours = PointColours(blocks)
    colours.set_labels(labels)
    buffer = ZBuffer(*size, point_size=3)
    for turn in range(blocks.count):
        colours.prepare(turn)
        buffer.add(blocks.block(turn), projection)
    frame = buffer.resolve()
    picture = np.empty(frame.ids.shape, np.uint32)
    look = Look(label_opacity=0.75, background=BACKGROUND)
    Shader(colours, look).paint(frame, eye_dome(frame.depth), picture)
    image = np.ascontiguousarray(unpack(picture))
    _draw_clicks(image, camera, clicks)
    return image


def _draw_clicks(image: UInt8, camera: OrbitCamera, clicks: Sequence[Click]) -> None:
    if not clicks:
        return
    places = np.array([click.position for click in clicks])
    u, v, _ = camera.projection().project(places)
    rows = np.arange(image.shape[0])[:, None]
    columns = np.arange(image.shape[1])[None]
    for click, x, y in zip(clicks, u, v, strict=True):
        distance = np.hypot(columns - x, rows - y)
        image[distance <= MARKER_RADIUS + 2] = (255, 255, 255)
        image[distance <= MARKER_RADIUS] = object_colour(click.object_id)


def tiled(images: Sequence[UInt8], columns: int = 2) -> UInt8:
    """Lay [H, W, 3] pictures of one size out row by row; missing ones stay background."""
    height, width, _ = images[0].shape
    rows = -(-len(images) // columns)
    sheet = np.full((rows * height, columns * width, 3), BACKGROUND, np.uint8)
    for number, image in enumerate(images):
        y, x = number // columns * height, number % columns * width
        sheet[y : y + height, x : x + width] = image
    return sheet


def write_png(path: Path, image: UInt8) -> None:
    """Write an [H, W, 3] uint8 picture."""
    from PIL import Image

    Image.fromarray(image).save(path, optimize=True)
