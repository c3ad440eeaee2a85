"""Scans on disk: one small uncompressed file each."""

from pathlib import Path

import numpy as np

from models.agile3d.synthetic.scan import Scan


def save_scan(path: Path, scan: Scan) -> None:
    """Write a scan, positions in whole millimetres.

    Raises:
        ValueError: If a coordinate is further than 32 m from the origin.
    """
    if np.abs(scan.xyz).max(initial=0) > 32:
        raise ValueError("a scan must lie within 32 m of its origin")
    with path.with_suffix(".part").open("wb") as file:
        np.savez(
            file,
            xyz=np.round(scan.xyz * 1000).astype(np.int16),
            rgb=scan.rgb,
            labels=scan.labels.astype(np.uint16),
        )
    path.with_suffix(".part").replace(path)


def load_scan(path: Path) -> Scan:
    """Read what `save_scan` wrote.

    Raises:
        OSError, KeyError, ValueError: If the file is not a scan.
    """
    with np.load(path, allow_pickle=False) as data:
        xyz = data["xyz"].astype(np.float32) / 1000
        return Scan(xyz, data["rgb"], data["labels"].astype(np.int32))
