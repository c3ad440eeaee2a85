"""Labelled scans: every object of every scan is a sample of its own."""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from annotator.benchmark.scenes import find_scans, instances_of, load_scene
from annotator.domain import PointCloud
from annotator.robustness.datasets.base import (
    Dataset,
    Sample,
    Source,
    fingerprint_of_files,
    make_dataset,
)


def scans_dataset(path: Path) -> Dataset:
    """Return a labelled scan, or a folder of them.

    Raises:
        AnnotatorError: If there is none, or one has no labels.
    """
    scans = find_scans(path)
    sources = [
        Source(f"{scan.stem}-{instance}", scan.stem, partial(_load, scan, instance))
        for scan in scans
        for instance in instances_of(_scene(scan))
    ]
    root = path if path.is_dir() else path.parent
    title = f"labelled scans in {path.name}"
    return make_dataset(title, "scene", sources, fingerprint_of_files(scans, root))


def _load(scan: Path, instance: int) -> Sample:
    cloud = _scene(scan)
    assert cloud.labels is not None  # as load_scene made sure
    return Sample(f"{scan.stem}-{instance}", cloud, (cloud.labels == instance).astype(np.int8))


@lru_cache(maxsize=2)
def _scene(scan: Path) -> PointCloud:
    """Read a scan once for all its objects, which follow each other."""
    return load_scene(scan)
