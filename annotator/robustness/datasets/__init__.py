"""Where samples with ground truth come from: published layouts, scans, people, own projects."""

from annotator.robustness.datasets.base import Dataset, People, Sample, Source
from annotator.robustness.datasets.opening import LAYOUTS, open_dataset

__all__ = ["LAYOUTS", "Dataset", "People", "Sample", "Source", "open_dataset"]
