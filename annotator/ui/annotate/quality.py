"""How many points each object has, and how well it fits the ground truth, change by change."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotator.domain import BACKGROUND, Click
from annotator.domain.cloud import Int32, Int64

_TABLE = 4
"""How many times as many rows as points a table of ids may have."""


class GroundTruth:
    """Ground truth labels of a working set, prepared for many quick comparisons.

    Attributes:
        segments: [W] int32 number of the segment of each point.
        sizes: Points of each segment.
    """

    def __init__(self, labels: Int32) -> None:
        """Number the segments of `labels` [W] compactly; 0 is "no ground truth"."""
        values, self.segments = _numbered(labels)
        self.sizes: Int64 = np.bincount(self.segments, minlength=len(values))
        self._nothing = int(np.searchsorted(values, 0)) if 0 in values else -1

    def segment_of(self, rows: Sequence[int]) -> int | None:
        """Return the segment under most of the given rows, or None where there is none."""
        known = [row for row in rows if 0 <= row < len(self.segments)]
        under = self.segments[np.asarray(known, np.int64)]
        under = under[under != self._nothing]
        return int(np.bincount(under).argmax()) if len(under) else None


def _numbered(labels: Int32) -> tuple[Int32, Int32]:
    """Return the distinct labels, ascending, and for each of `labels` [W] its place in them."""
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if high - low > _TABLE * max(len(labels), 1):
        values, compact = np.unique(labels, return_inverse=True)
        return values, compact.astype(np.int32).ravel()
    # A table of the few ids there usually are is ten times as fast as sorting all points.
    there = np.zeros(high - low + 1, bool)
    there[labels - low] = True
    places = np.cumsum(there, dtype=np.int32) - 1
    return (np.flatnonzero(there) + low).astype(np.int32), places[labels - low]


class Tally:
    """Counts of the labels now shown; a change costs what it changes, not all points.

    Attributes:
        points: Points of each object, [largest id + 1].
    """

    def __init__(self, truth: GroundTruth | None) -> None:
        self.truth = truth
        self.points: Int64 = np.zeros(1, np.int64)
        self._labels: Int32 | None = None
        self._common: dict[tuple[int, int], int] = {}  # points of (object, segment)

    def show(self, labels: Int32 | None) -> None:
        """Count labels [W], which the caller no longer changes; None counts nothing."""
        old, self._labels = self._labels, labels
        if labels is None or old is None or len(old) != len(labels):
            self.points = np.zeros(1, np.int64) if labels is None else np.bincount(labels)
            self._common.clear()
            return
        changed = np.flatnonzero(labels != old)
        if len(changed):
            self._count(changed, old[changed], labels[changed])

    def stroke(self, labels: Int32, changed: Int64, before: Int32) -> None:
        """Count labels [W] that differ from those counted last in the rows `changed` only.

        Args:
            labels: The labels now; may be the array counted last.
            changed: [K] rows.
            before: [K] what the rows had then.
        """
        first = self._labels is None
        self._labels = labels
        if first:
            self.points = np.array([len(labels)], np.int64)
        self._count(changed, before, labels[changed])

    def _count(self, changed: Int64, before: Int32, after: Int32) -> None:
        if not len(changed):
            return
        size = max(len(self.points), int(after.max()) + 1)
        self.points = np.pad(self.points, (0, size - len(self.points)))
        self.points += np.bincount(after, minlength=size) - np.bincount(before, minlength=size)
        self._recount(changed, before, after)

    def _recount(self, changed: Int64, before: Int32, after: Int32) -> None:
        if self.truth is None:
            return
        segments = self.truth.segments[changed]
        for object_id, segment in self._common:
            inside = segments == segment
            gained = np.count_nonzero(inside & (after == object_id))
            lost = np.count_nonzero(inside & (before == object_id))
            self._common[object_id, segment] += int(gained - lost)

    def iou_by_object(self, clicks: Sequence[Click]) -> Mapping[int, float]:
        """Return the IoU of every clicked object with the segment under most of its clicks.

        Args:
            clicks: Clicks of the asset; those on the background do not matter.
        """
        if self.truth is None or self._labels is None:
            return {}
        found: dict[int, float] = {}
        for object_id in sorted({c.object_id for c in clicks} - {BACKGROUND}):
            rows = [c.index for c in clicks if c.object_id == object_id and c.index is not None]
            segment = self.truth.segment_of(rows)
            if segment is not None:
                found[object_id] = self._iou(self._labels, object_id, segment)
        return found

    def _iou(self, labels: Int32, object_id: int, segment: int) -> float:
        assert self.truth is not None
        if (object_id, segment) not in self._common:
            inside = (labels == object_id) & (self.truth.segments == segment)
            self._common[object_id, segment] = int(np.count_nonzero(inside))
        common = self._common[object_id, segment]
        mine = int(self.points[object_id]) if object_id < len(self.points) else 0
        union = mine + int(self.truth.sizes[segment]) - common
        return common / union if union else 0.0
