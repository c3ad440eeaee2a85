"""Reading a scan aside and choosing the working set on which a large one is annotated."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.domain import AnnotatorError, CancelToken, PointCloud, Progress, WorkingSet, thin
from annotator.formats import read_cloud
from annotator.project.events import AssetKind

TARGET_POINTS = 1_000_000
"""Points that an automatic working set has about: what the software view draws at once."""

_TRIES = 4
_NEAR_ENOUGH = 1.3


@dataclass(frozen=True)
class LoadedScan:
    """A scan as read.

    Attributes:
        path: Its file or folder.
        cloud: All its points.
        working: The points that are shown and annotated.
        spacing: Voxel edge in metres that made the working set; 0 = all points.
    """

    path: Path
    cloud: PointCloud
    working: WorkingSet
    spacing: float

    @property
    def kind(self) -> AssetKind:
        """What it is."""
        return "cloud"

    @property
    def content_hash(self) -> str:
        """sha256 of its points."""
        return self.cloud.content_hash

    @property
    def count(self) -> int:
        """All its points."""
        return len(self.cloud)

    @property
    def working_count(self) -> int:
        """Points that are annotated."""
        return len(self.working.cloud)


def choose_spacing(cloud: PointCloud, target: int = TARGET_POINTS) -> float:
    """Return a voxel edge in metres that leaves about `target` points, rounded to 1 mm or finer.

    Scans are surfaces, so that the number of voxels goes with the inverse square of
    their edge; a sample corrects the first guess.
    """
    low, high = cloud.bounds
    x, y, z = (float(v) for v in np.maximum(high - low, 1e-6))
    spacing = max(((2 * (x * y + y * z + z * x)) / target) ** 0.5, 1e-6)
    for _ in range(_TRIES):
        count = _occupied(cloud, spacing)
        if target / _NEAR_ENOUGH <= count <= target * _NEAR_ENOUGH:
            break
        spacing *= (count / target) ** 0.5
    step = 0.001 if spacing > 0.01 else spacing / 10
    return float(round(spacing / step) * step)


def _occupied(cloud: PointCloud, spacing: float) -> int:
    """Return how many voxels have a point."""
    xyz, (low, _) = cloud.xyz, cloud.bounds
    cells = np.floor((xyz - low) / np.float32(spacing)).astype(np.int64)
    extent = cells.max(axis=0) + 1
    # Much faster than np.unique, which hashes or sorts stably.
    keys = np.sort((cells[:, 0] * extent[1] + cells[:, 1]) * extent[2] + cells[:, 2])
    return 1 + int(np.count_nonzero(keys[1:] != keys[:-1]))


def load_scan(
    path: Path,
    spacing: float | None,
    thin_above: int,
    preferred_spacing: float,
    progress: Progress,
    cancel: CancelToken,
) -> LoadedScan:
    """Read a scan, thin it if it is large, and work out its content hash.

    Args:
        path: File or folder.
        spacing: Voxel edge an earlier project decided on (0 = all points); None to decide now.
        thin_above: Number of points up to which all are used.
        preferred_spacing: Voxel edge for larger scans; 0 chooses one.
        progress: Receives the state.
        cancel: Stops the work.

    Raises:
        AnnotatorError: If the scan cannot be read or has no points.
        Cancelled: If `cancel` was set.
    """
    cloud = read_cloud(path, progress=lambda f, m="": progress(0.7 * f, m), cancel=cancel)
    if not len(cloud):
        raise AnnotatorError(f"{path.name} contains no points.", "Check how it was exported.")
    cancel.check()
    if spacing is None:
        progress(0.75, "Choosing a working set")
        spacing = 0.0 if len(cloud) <= thin_above else preferred_spacing or choose_spacing(cloud)
    cancel.check()
    progress(0.85, "Thinning" if spacing else "Preparing")
    working = thin(cloud, spacing)
    cancel.check()
    progress(0.95, "Fingerprinting")
    for part in (cloud, working.cloud):
        # Worked out here, aside; the cloud keeps them.
        _ = part.content_hash, part.bounds
    progress(1.0)
    return LoadedScan(path, cloud, working, spacing)
