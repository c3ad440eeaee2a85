"""What a file says about a scan beyond its points, so that exports match the file again."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, CancelToken, PointCloud, Progress, no_progress
from annotator.domain.cloud import Float64, Int32, Int64

DAMAGED = "The file is damaged or incomplete; copy or export it again."


@dataclass(frozen=True)
class Source:
    """How the points of a cloud stood in the file they came from.

    Sensors write NaN where they measured nothing; a `PointCloud` holds measured points
    only. Formats that are lists of one label per row of the scan need the other rows too.

    Attributes:
        count: Rows in the file, M >= N.
        rows: [N] int64, ascending: row of each point in the file; None if all were kept.
        shape: (width, height) of an organised scan; height 1 if unorganised.
        scale: [3] float64 coordinate resolution of a LAS file; None elsewhere.
        offset: [3] float64 coordinate offset of a LAS file; None elsewhere.
        las: The LAS or LAZ file itself, whose other attributes exports keep; None elsewhere.
    """

    count: int
    rows: Int64 | None = None
    shape: tuple[int, int] = (0, 1)
    scale: Float64 | None = None
    offset: Float64 | None = None
    las: Path | None = None


@dataclass(frozen=True)
class FileCloud(PointCloud):
    """A cloud that knows how it stood in its file.

    Attributes:
        source: Rows, shape and resolution of the file.
    """

    source: Source = field(default_factory=lambda: Source(0))


def all_rows(cloud: PointCloud, labels: Int32) -> Int32:
    """Return labels [N] as one label per row of the scan's file [M], 0 for unmeasured rows."""
    source = getattr(cloud, "source", None)
    if not isinstance(source, Source) or source.rows is None:
        return labels
    spread = np.zeros(source.count, np.int32)
    spread[source.rows] = labels
    return spread


@dataclass(frozen=True)
class Reading:
    """One file being read: its name for messages, its size for checks, its watchers."""

    path: Path
    size: int
    progress: Progress = no_progress
    cancel: CancelToken | None = None

    @classmethod
    def of(
        cls, path: Path, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> "Reading":
        """Start reading the file or folder `path`.

        Raises:
            AnnotatorError: If it does not exist or is not accessible.
        """
        try:
            return cls(path, path.stat().st_size, progress, cancel)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AnnotatorError(
                f"{path.name} cannot be opened: {reason}.", "Check the path and its permissions."
            ) from error

    def damaged(self, what: str, remedy: str = DAMAGED) -> AnnotatorError:
        """Return the error that says what is wrong with the file; `what` follows its name."""
        return AnnotatorError(f"{self.path.name} {what}.", remedy)

    def step(self, fraction: float) -> None:
        """Report progress and stop if asked to.

        Raises:
            Cancelled: If the cancel token was set.
        """
        if self.cancel is not None:
            self.cancel.check()
        self.progress(min(max(fraction, 0.0), 1.0), f"Reading {self.path.name}")

    def require(self, needed: int, available: int, what: str) -> None:
        """Check a size that a header claims before anything of that size is allocated.

        Raises:
            AnnotatorError: If the file is too short for its header.
        """
        if needed > available:
            raise self.damaged(
                f"is too short: its header promises {what} ({needed:,} bytes), "
                f"but only {available:,} bytes follow"
            )


Numbers = npt.NDArray[np.generic]
