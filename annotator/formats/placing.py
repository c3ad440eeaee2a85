"""Clicks from a file, put on the points of the scan or the photo they were made for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from annotator.domain import AnnotatorError, Click, PointCloud, Prompt
from annotator.formats.clicks_json import ClickFile, read_click_file, read_clicks


def read_placed_clicks(path: Path, cloud: PointCloud) -> list[Click]:
    """Read a file of clicks; every click gets its point of the scan.

    Raises:
        AnnotatorError: If the file is malformed or was made for another scan.
    """
    return place_clicks(read_clicks(path, origin=cloud.origin), cloud, path)


def read_photo_clicks(path: Path, width: int, height: int) -> ClickFile:
    """Read a file of clicks and boxes on a photo of `width` x `height` pixels.

    Raises:
        AnnotatorError: If the file is malformed or was made for another photo.
    """
    content = read_click_file(path)
    check_on_photo(content.clicks, width, height, path.name)
    return content


def check_on_photo(clicks: Sequence[Click], width: int, height: int, source: str) -> None:
    """Make sure that clicks lie on a photo.

    Raises:
        AnnotatorError: If one does not; names it.
    """
    for number, click in enumerate(clicks):
        if len(click.position) != 2:
            raise AnnotatorError(
                f"Click {number} of {source} has {len(click.position)} coordinates.",
                "Clicks on photos are [x, y] in pixels; these seem to be for a scan.",
            )
        x, y = click.position
        if not (0 <= x <= width and 0 <= y <= height):
            raise AnnotatorError(
                f"Click {number} of {source} at ({x:g}, {y:g}) lies outside of the photo "
                f"of {width} x {height} pixels.",
                "Was the file made for another photo?",
            )


def photo_prompt(content: ClickFile) -> Prompt:
    """Return the prompt that clicks and boxes of a file make: their objects, in order."""
    prompt = Prompt.from_clicks(content.clicks)
    boxed = {box.object_id for box in content.boxes}
    ids = tuple(sorted({*prompt.object_ids, *boxed}))
    return Prompt(clicks=prompt.clicks, object_ids=ids, boxes=content.boxes)


def place_clicks(clicks: Sequence[Click], cloud: PointCloud, source: Path) -> list[Click]:
    """Give every click without a point the nearest point of the scan.

    Raises:
        AnnotatorError: If a click names a point that the scan does not have.
    """
    nearest = _nearest(clicks, cloud)
    placed = []
    for number, click in enumerate(clicks):
        index = nearest.get(number, click.index)
        if index is None or not 0 <= index < len(cloud):
            raise AnnotatorError(
                f"Click {number} of {source.name} names point {index}, "
                f"but the scan has {len(cloud)} points.",
                "Was the file made for another scan?",
            )
        placed.append(replace(click, index=index))
    return placed


def _nearest(clicks: Sequence[Click], cloud: PointCloud) -> dict[int, int]:
    """Return the nearest point of each click that names none, by the click's place in the list."""
    homeless = [number for number, click in enumerate(clicks) if click.index is None]
    if not homeless or not len(cloud):
        return {}
    from scipy.spatial import cKDTree  # slow to import, and needed for hand-written files only

    places = np.array([clicks[number].position for number in homeless])
    _, rows = cKDTree(cloud.xyz).query(places)
    return dict(zip(homeless, (int(row) for row in rows), strict=True))
