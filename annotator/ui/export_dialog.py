"""Exporting labels of every point, or the clicks: choose a format, then write aside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import CancelToken, Click, ObjectInfo, Progress
from annotator.domain.cloud import Int32
from annotator.formats import CLOUD_WRITERS, write_clicks, write_cloud
from annotator.ui.loading import LoadedScan

CLICKS_FORMAT = "clicks"
"""Stands beside the cloud writers' ids for the JSON of clicks."""


@dataclass(frozen=True)
class ExportChoice:
    """What to write where."""

    path: Path
    format_id: str


@dataclass(frozen=True)
class ExportContent:
    """What is written, as it was when the person asked.

    Attributes:
        scan: The scan.
        labels: [W] int32 of the working points; None if nothing is annotated.
        clicks: All clicks.
        objects: All objects.
    """

    scan: LoadedScan
    labels: Int32 | None
    clicks: Sequence[Click]
    objects: Mapping[int, ObjectInfo]


def write(choice: ExportChoice, content: ExportContent) -> Callable[[Progress, CancelToken], Path]:
    """Return the work that writes the export and answers its path."""

    def work(progress: Progress, cancel: CancelToken) -> Path:
        cloud, objects = content.scan.cloud, tuple(content.objects.values())
        if choice.format_id == CLICKS_FORMAT:
            write_clicks(choice.path, list(content.clicks), objects=objects, cloud=cloud)
            return choice.path
        progress(0.1, "Spreading labels to all points")
        labels = content.labels
        if labels is None:
            labels = np.zeros(len(content.scan.working.cloud), np.int32)
        full = content.scan.working.push_back(labels)
        cancel.check()
        progress(0.4, f"Writing {choice.path.name}")
        write_cloud(choice.path, cloud, full, objects=objects, format_id=choice.format_id)
        return choice.path

    return work


class ExportDialog(QDialog):
    """Format and place. After `accept`, `choice` says what to do."""

    def __init__(self, content: ExportContent, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle("Export Labels")
        self.setMinimumWidth(560)
        self.format_box = QComboBox(self)
        self.format_box.setAccessibleName("Format")
        for writer in CLOUD_WRITERS:
            self.format_box.addItem(writer.title, writer.format_id)
        self.format_box.addItem("Clicks and objects (JSON)", CLICKS_FORMAT)
        self._suffixes = {w.format_id: w.suffixes[0] for w in CLOUD_WRITERS}
        self._suffixes[CLICKS_FORMAT] = ".json"
        self.path_field = QLineEdit(self)
        self.path_field.setAccessibleName("File")
        self._stem = folder / f"{content.scan.path.stem}-labels"
        self._note = QLabel(_describe(content), self)
        self._note.setWordWrap(True)
        self._warning = QLabel(self)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel, self)
        self._lay_out()
        self.format_box.currentIndexChanged.connect(lambda _: self._follow_format())
        self.path_field.textChanged.connect(lambda _: self._check())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._follow_format()

    def _lay_out(self) -> None:
        browse = QPushButton("Browse…", self)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.path_field, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.addRow("Format", self.format_box)
        form.addRow("File", row)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self._note)
        column.addWidget(self._warning)
        column.addWidget(self.buttons)

    @property
    def choice(self) -> ExportChoice:
        """What was chosen."""
        path = Path(self.path_field.text().strip()).expanduser().absolute()
        return ExportChoice(path, str(self.format_box.currentData()))

    def choose_format(self, format_id: str) -> None:
        """Select a format by its id."""
        self.format_box.setCurrentIndex(self.format_box.findData(format_id))

    def _follow_format(self) -> None:
        suffix = self._suffixes[str(self.format_box.currentData())]
        typed = self.path_field.text().strip()
        base = Path(typed) if typed else self._stem.with_name(self._stem.name + ".x")
        known = base.suffix.lower() in {*self._suffixes.values(), ".x"}
        path = base.with_suffix(suffix) if known else base.with_name(base.name + suffix)
        self.path_field.setText(str(path))
        self._check()

    def _check(self) -> None:
        path = self.choice.path
        problem = ""
        if not self.path_field.text().strip():
            problem = "Name a file."
        elif not path.parent.is_dir():
            problem = f"There is no folder {path.parent}."
        elif path.is_dir():
            problem = f"{path.name} is a folder."
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        ok.setEnabled(not problem)
        warning = f"{path.name} exists and will be replaced." if path.exists() else ""
        self._warning.setText(problem or warning)
        self._warning.setVisible(bool(problem or warning))

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export As", self.path_field.text(),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )  # fmt: skip
        if chosen:
            self.path_field.setText(chosen)


def _describe(content: ExportContent) -> str:
    scan, total = content.scan, len(content.scan.cloud)
    text = f"{total:,} points, {len(content.objects)} objects, {len(content.clicks)} clicks."
    if scan.spacing:
        text += f" Labels of {len(scan.working.cloud):,} working points are spread to all of them."
    if content.labels is None:
        text += " Nothing is segmented yet: all points are background."
    return text
