"""How well the objects fit the ground truth that came with the scan."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotator.domain import BACKGROUND, Click
from annotator.domain.cloud import Int32, Int64


class GroundTruth:
    """Ground truth labels of a working set, prepared for many quick comparisons."""

    def __init__(self, labels: Int32) -> None:
        """Number the segments of `labels` [W] compactly; 0 is "no ground truth"."""
        values, compact = np.unique(labels, return_inverse=True)
        self._segment: Int64 = compact.astype(np.int64).ravel()
        self._nothing = int(np.searchsorted(values, 0)) if 0 in values else -1
        self._sizes: Int64 = np.bincount(self._segment, minlength=len(values))

    def segment_of(self, indices: Sequence[int]) -> int | None:
        """Return the segment under most of the given rows, or None where there is none."""
        rows = [i for i in indices if 0 <= i < len(self._segment)]
        under = self._segment[np.asarray(rows, np.int64)]
        under = under[under != self._nothing]
        return int(np.bincount(under).argmax()) if len(under) else None

    def iou_by_object(self, labels: Int32, clicks: Sequence[Click]) -> Mapping[int, float]:
        """Return the IoU of every clicked object with the segment under most of its clicks.

        Args:
            labels: [W] object ids now shown.
            clicks: Clicks of the asset; those on the background do not matter.
        """
        found: dict[int, float] = {}
        for object_id in sorted({c.object_id for c in clicks} - {BACKGROUND}):
            rows = [c.index for c in clicks if c.object_id == object_id and c.index is not None]
            segment = self.segment_of(rows)
            if segment is not None:
                found[object_id] = self._iou(labels == object_id, segment)
        return found

    def _iou(self, inside: np.ndarray[tuple[int], np.dtype[np.bool_]], segment: int) -> float:
        common = int(np.count_nonzero(self._segment[inside] == segment))
        union = int(np.count_nonzero(inside)) + int(self._sizes[segment]) - common
        return common / union if union else 0.0
