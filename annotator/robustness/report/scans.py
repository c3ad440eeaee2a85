"""Scans in a report: the object seen from above, every candidate in the colour of its score."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from annotator.domain import PointCloud
from annotator.domain.camera import OrbitCamera
from annotator.domain.raster import PointBlocks, ZBuffer, typical_spacing
from annotator.domain.shading import Look, PointColours, Shader, eye_dome, unpack
from annotator.robustness.records import Field, Step
from annotator.robustness.report.pictures import RGB, Spot, cividis, marked

Places = npt.NDArray[np.float64]
SIZE = (560, 420)
_MARGIN = 0.25
"""Of the surroundings shown, in sizes of the object."""

_PALE = 0.35
_TOUCHING = 1.4
_SMALL = 3
_REACH = 2.0
"""A point takes the score of a candidate at most so many times their typical distance off."""


def draw_scan_heat(
    cloud: PointCloud,
    field: Field | None,
    low: float,
    high: float,
    steps: Mapping[str, Step] | None = None,
) -> RGB:
    """Draw a part of a scan.

    Args:
        cloud: The scan.
        field: Scores of candidates; None shows the scan in its own colours.
        low: Score of the darkest colour.
        high: Score of the brightest.
        steps: First rounds whose clicks are marked; those of the field if None.

    Returns:
        [H, W, 3].
    """
    centre = field.positions if field is not None else _positions(steps or {})
    shown = cloud.take(_around(cloud, centre))
    camera = OrbitCamera(SIZE)
    low_corner, high_corner = shown.bounds
    camera.set_bounds(low_corner.astype(np.float64), high_corner.astype(np.float64))
    camera.look("iso")
    if field is None:
        return marked(_rendered(shown, camera)[0], _spots(camera, field, steps))
    coloured, candidates = _coloured(shown, field, low, high)
    picture, _ = _rendered(coloured, camera, _SMALL)
    # what was scored lies on top, lest the surroundings hide it
    over, covered = _rendered(coloured.take(np.flatnonzero(candidates)), camera)
    picture[covered] = over[covered]
    return marked(picture, _spots(camera, field, steps))


def _positions(steps: Mapping[str, Step]) -> Places:
    return np.array([step.clicks[-1].position[:3] for step in steps.values()], np.float64)


def _around(cloud: PointCloud, positions: Places) -> npt.NDArray[np.int64]:
    low, high = positions.min(axis=0), positions.max(axis=0)
    margin = max(0.1, _MARGIN * float((high - low).max()))
    inside = ((cloud.xyz >= low - margin) & (cloud.xyz <= high + margin)).all(axis=1)
    return np.flatnonzero(inside)


def _coloured(
    cloud: PointCloud, field: Field, low: float, high: float
) -> tuple[PointCloud, npt.NDArray[np.bool_]]:
    """Return the cloud in the colours of its nearest candidates, and which points have one."""
    grey = np.full((len(cloud), 3), 150.0) if cloud.rgb is None else cloud.rgb.mean(1)[:, None]
    rgb = np.repeat(255 - (255 - np.broadcast_to(grey, (len(cloud), 3))[:, :1]) * _PALE, 3, axis=1)
    tree = cKDTree(field.positions)
    spacing = np.median(tree.query(field.positions, k=min(2, len(field.positions)))[0][..., -1])
    distance, nearest = tree.query(cloud.xyz, distance_upper_bound=_REACH * float(spacing) + 0.03)
    near = np.isfinite(distance)
    rgb[near] = cividis((field.quality[nearest[near]] - low) / max(high - low, 1e-9))
    return PointCloud(cloud.xyz, cloud.origin, rgb.astype(np.uint8), name=cloud.name), near


def _rendered(
    cloud: PointCloud, camera: OrbitCamera, point_size: int = 0
) -> tuple[RGB, npt.NDArray[np.bool_]]:
    """Draw a cloud; return the picture and where it covers the background.

    Args:
        cloud: With the colours to be shown.
        camera: From where.
        point_size: In pixels; 0 lets neighbours touch.
    """
    projection = camera.projection()
    blocks = PointBlocks(cloud)
    colours = PointColours(blocks)
    colours.set_labels(None)
    buffer = ZBuffer(*SIZE, point_size=point_size or _point_size(blocks, cloud, camera))
    for turn in range(blocks.count):
        colours.prepare(turn)
        buffer.add(blocks.block(turn), projection)
    frame = buffer.resolve()
    picture = np.empty(frame.ids.shape, np.uint32)
    Shader(colours, Look(background=(250, 250, 250))).paint(frame, eye_dome(frame.depth), picture)
    return np.ascontiguousarray(unpack(picture)), ~frame.empty


def _point_size(blocks: PointBlocks, cloud: PointCloud, camera: OrbitCamera) -> int:
    """Return how large points have to be, in pixels, for neighbours to touch."""
    low, high = cloud.bounds
    centre = (low + high).astype(np.float64) / 2
    u, v, _ = camera.projection().project(np.stack([centre, centre + camera.axes()[0]]))
    pixels_a_metre = float(np.hypot(u[1] - u[0], v[1] - v[0]))
    return int(np.clip(round(_TOUCHING * typical_spacing(blocks) * pixels_a_metre), 3, 16))


def _spots(
    camera: OrbitCamera, field: Field | None, steps: Mapping[str, Step] | None
) -> list[Spot]:
    places: list[tuple[str, Places]] = []
    if field is not None:
        places.append(("base", field.positions[field.baseline]))
        places.append(("max", field.positions[int(field.quality.argmax())]))
        places.append(("min", field.positions[int(field.quality.argmin())]))
    for name, step in (steps or {}).items():
        places.append((name, np.array(step.clicks[-1].position[:3])))
    if not places:
        return []
    u, v, _ = camera.projection().project(np.stack([place for _, place in places]))
    return [Spot(float(x), float(y), name) for (name, _), x, y in zip(places, u, v, strict=True)]
