"""Figures by which scans are compared: `python -m models.agile3d.synthetic.statistics SCAN...`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from models.agile3d.quantise import quantize, roomy_size
from models.agile3d.synthetic.scan import Scan
from models.agile3d.synthetic.store import load_scan

VOXEL = 0.05


@dataclass(frozen=True)
class Statistics:
    """What a scan is like.

    Attributes:
        points: Number of points.
        extent: Longest side in metres.
        voxels: Number of voxels.
        points_per_voxel: Mean.
        spacing: Median distance to the nearest point, metres.
        spacings: The same distance: 10th and 90th percentile.
        objects: Number of labelled objects.
        object_voxels: Their voxels: 10th, 50th and 90th percentile.
        object_extent: Their longest sides in metres: the same percentiles.
        colour_spread: Standard deviation of the colours, 0..255.
        spread_in_objects: Median over the objects of the same.
        unlabelled: Share of points without a label.
    """

    points: int
    extent: float
    voxels: int
    points_per_voxel: float
    spacing: float
    spacings: tuple[float, ...]
    objects: int
    object_voxels: tuple[float, ...]
    object_extent: tuple[float, ...]
    colour_spread: float
    spread_in_objects: float
    unlabelled: float


def describe(scan: Scan, voxel: float = VOXEL) -> Statistics:
    """Measure a scan.

    Args:
        scan: At least two points.
        voxel: Edge of the voxels in metres; 0 takes the smallest, from 5 cm on, that holds
            2.5 points on average, as the program does out of doors.
    """
    voxel = voxel or roomy_size(scan.xyz, 2.5, VOXEL)
    _, rows, _ = quantize(scan.xyz, voxel)
    nearest = cKDTree(scan.xyz).query(scan.xyz[::20], k=2)[0][:, 1]
    ids = np.unique(scan.labels[scan.labels > 0])
    members = [np.flatnonzero(scan.labels == i) for i in ids]
    voxels = [int((scan.labels[rows] == i).sum()) for i in ids]
    extents = [float(np.ptp(scan.xyz[m], axis=0).max()) for m in members]
    spreads = [float(scan.rgb[m].std(axis=0).mean()) for m in members]
    return Statistics(
        points=len(scan.xyz),
        extent=round(float(np.ptp(scan.xyz, axis=0).max()), 1),
        voxels=len(rows),
        points_per_voxel=len(scan.xyz) / len(rows),
        spacing=float(np.median(nearest)),
        spacings=tuple(round(float(v), 4) for v in np.percentile(nearest, [10, 90])),
        objects=len(ids),
        object_voxels=_percentiles(voxels),
        object_extent=_percentiles(extents),
        colour_spread=float(scan.rgb.std(axis=0).mean()),
        spread_in_objects=float(np.median(spreads)) if spreads else 0.0,
        unlabelled=float((scan.labels == 0).mean()),
    )


def _percentiles(values: list[int] | list[float]) -> tuple[float, ...]:
    if not values:
        return (0.0, 0.0, 0.0)
    return tuple(round(float(v), 2) for v in np.percentile(values, [10, 50, 90]))


def main(arguments: list[str] | None = None) -> None:
    """Print the figures of some stored scans."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--voxel", type=float, default=VOXEL, help="metres; 0 chooses by density")
    options = parser.parse_args(arguments)
    for path in options.scans:
        print(path.name, describe(load_scan(path), options.voxel))  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
