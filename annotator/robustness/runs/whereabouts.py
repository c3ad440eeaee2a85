"""Where a run's dataset was: for the photos of a report, and no part of what the run is."""

import json
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.formats.atomic import atomic_write
from annotator.robustness.datasets import Dataset, open_dataset

NAME = "dataset.json"


@dataclass(frozen=True)
class Whereabouts:
    """Where a dataset is and how it was opened.

    Attributes:
        path: Of the dataset.
        layout: See `open_dataset`.
        kind: See `open_dataset`.
    """

    path: Path
    layout: str = "auto"
    kind: str = ""

    def write(self, folder: Path) -> None:
        """Note it in the folder of a run."""
        text = json.dumps({"path": str(self.path), "layout": self.layout, "kind": self.kind})
        with atomic_write(folder / NAME) as file:
            file.write(text.encode() + b"\n")

    @classmethod
    def read(cls, folder: Path) -> "Whereabouts | None":
        """Return what was noted in the folder of a run; None if nothing that can be read."""
        try:
            found = json.loads((folder / NAME).read_bytes())
            return cls(Path(found["path"]), str(found["layout"]), str(found["kind"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def open(self) -> Dataset | None:
        """Return the dataset, or None if it is not there any more."""
        try:
            return open_dataset(self.path, self.layout, self.kind)
        except AnnotatorError:
            return None
