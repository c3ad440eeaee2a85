"""Labelled scans as benchmark samples: which objects of which scan are annotated together."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.benchmark.simulator import relabel
from annotator.domain import AnnotatorError, PointCloud
from annotator.domain.cloud import Int32
from annotator.formats import CLOUD_READERS, read_cloud

MIN_POINTS = 50
"""Objects with fewer points are not drawn: they vanish at the voxel size of the networks."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Objects of one scan that are annotated together.

    Attributes:
        name: Unique within the run, `<scan>_obj_<M>_<number>`.
        cloud: The scan.
        truth: [N] int32; the chosen objects are 1..M, the rest 0.
        instances: Ids of the chosen objects in the scan's own labels.
    """

    name: str
    cloud: PointCloud
    truth: Int32
    instances: tuple[int, ...]


def find_scans(path: Path) -> list[Path]:
    """Return the scan files of a folder, sorted; a file stands for itself.

    Raises:
        AnnotatorError: If there is none.
    """
    suffixes = {suffix for reader in CLOUD_READERS for suffix in reader.suffixes}
    scans = (
        [path]
        if path.is_file()
        else sorted(p for p in path.glob("*") if p.is_file() and p.suffix.lower() in suffixes)
    )
    if not scans:
        raise AnnotatorError(f"No scan found in {path}.", "Name a scan or a folder of scans.")
    return scans


def load_scene(path: Path) -> PointCloud:
    """Read a scan that has labels.

    Raises:
        AnnotatorError: If it cannot be read or has no labels.
    """
    cloud = read_cloud(path)
    if cloud.labels is None:
        raise AnnotatorError(
            f"{path.name} has no labels.", "A benchmark needs scans with an object id per point."
        )
    return cloud


def instances_of(cloud: PointCloud, min_points: int = MIN_POINTS) -> list[int]:
    """Return the ids (> 0) of the objects with at least `min_points` points, ascending."""
    if cloud.labels is None:
        return []
    ids, counts = np.unique(cloud.labels, return_counts=True)
    return [int(i) for i, n in zip(ids, counts, strict=True) if i > 0 and n >= min_points]


def draw_samples(
    cloud: PointCloud, objects: int, draws: int, seed: int, min_points: int = MIN_POINTS
) -> Iterator[Sample]:
    """Draw `draws` random subsets of `objects` objects (fewer if the scan has fewer).

    The draws depend on the seed and the scan's name only, so two engines are compared
    on the same samples.
    """
    ids = instances_of(cloud, min_points)
    generator = random.Random(f"{seed}/{cloud.name}")
    for number in range(draws if ids else 0):
        chosen = tuple(sorted(generator.sample(ids, min(objects, len(ids)))))
        yield make_sample(cloud, chosen, f"{cloud.name}_obj_{len(chosen)}_{number}")


def single_samples(cloud: PointCloud, min_points: int = MIN_POINTS) -> Iterator[Sample]:
    """Yield every object of the scan as a sample of its own: the single-object protocol."""
    for instance in instances_of(cloud, min_points):
        yield make_sample(cloud, (instance,), f"{cloud.name}_obj_1_{instance}")


def listed_samples(path: Path, folder: Path) -> Iterator[Sample]:
    """Yield the samples of a `val_list.json` in the published layout.

    Its keys are `<scan>_obj_<M>`; a value's `obj` maps new ids to the scan's own.

    Raises:
        AnnotatorError: If the list is malformed or names a missing scan.
    """
    try:
        entries = json.loads(path.read_text())
        chosen = {key: [int(i) for i in value["obj"].values()] for key, value in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnnotatorError(
            f"{path.name} is not a list of samples ({error}).",
            'It must map "<scan>_obj_<M>" to {"obj": {"1": id, ...}}.',
        ) from error
    scans = {scan.stem: scan for scan in find_scans(folder)}
    for key, ids in chosen.items():
        scan = key.split("_obj_")[0]
        if scan not in scans:
            raise AnnotatorError(f"{path.name} names {scan}, which is not in {folder}.")
        yield make_sample(load_scene(scans[scan]), tuple(ids), key)


def make_sample(cloud: PointCloud, instances: tuple[int, ...], name: str) -> Sample:
    """Build the sample in which `instances` are the objects 1..M."""
    if cloud.labels is None:
        raise AnnotatorError(f"{cloud.name} has no labels.")
    return Sample(name, cloud, relabel(cloud.labels, instances), instances)
