"""Clicks from a file, put on the points of the scan they were made for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from annotator.domain import AnnotatorError, Click, PointCloud
from annotator.formats.clicks_json import read_clicks


def read_placed_clicks(path: Path, cloud: PointCloud) -> list[Click]:
    """Read a file of clicks; every click gets its point of the scan.

    Raises:
        AnnotatorError: If the file is malformed or was made for another scan.
    """
    return place_clicks(read_clicks(path, origin=cloud.origin), cloud, path)


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
