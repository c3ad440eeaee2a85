"""Exporting labels of every point or pixel, or the clicks: choose a format, then write aside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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
from annotator.ui.files.loading import LoadedScan

CLICKS_FORMAT = "clicks"
"""Stands beside the cloud writers' ids for the JSON of clicks."""


@dataclass(frozen=True)
class ExportChoice:
    """What to write where; `scope` is the number of one of `Exportable.scopes`."""

    path: Path
    format_id: str
    scope: int = 0


@dataclass(frozen=True)
class ExportFormat:
    """One format to choose.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffix: Of its file; "" if it is a folder.
        holds_many: Whether one file holds several assets.
    """

    format_id: str
    title: str
    suffix: str
    holds_many: bool = False


class Exportable(Protocol):
    """What is written, as it was when the person asked."""

    @property
    def path(self) -> Path:
        """The asset's file."""

    @property
    def formats(self) -> Sequence[ExportFormat]:
        """The formats there are, the usual one first."""

    @property
    def scopes(self) -> Sequence[str]:
        """What can be written, in words: this asset first."""

    @property
    def description(self) -> str:
        """What a person should know before writing."""

    def write(self, choice: ExportChoice, progress: Progress, cancel: CancelToken) -> Path:
        """Write it; return what was written.

        Raises:
            AnnotatorError: If that fails.
            Cancelled: If `cancel` was set.
        """


@dataclass(frozen=True)
class ExportContent:
    """What is written of a scan, as it was when the person asked.

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

    @property
    def path(self) -> Path:
        """The scan's file."""
        return self.scan.path

    @property
    def formats(self) -> Sequence[ExportFormat]:
        """The formats of scans, and clicks."""
        scans = [ExportFormat(w.format_id, w.title, w.suffixes[0]) for w in CLOUD_WRITERS]
        return [*scans, ExportFormat(CLICKS_FORMAT, "Clicks and objects (JSON)", ".json")]

    @property
    def scopes(self) -> Sequence[str]:
        """This scan only."""
        return ("This scan",)

    @property
    def description(self) -> str:
        """How many points get labels, and from where."""
        return _describe(self)

    def write(self, choice: ExportChoice, progress: Progress, cancel: CancelToken) -> Path:
        """Write labels of all points, or the clicks; raises as `Exportable.write` says."""
        cloud, objects = self.scan.cloud, tuple(self.objects.values())
        if choice.format_id == CLICKS_FORMAT:
            write_clicks(choice.path, list(self.clicks), objects=objects, cloud=cloud)
            return choice.path
        progress(0.1, "Spreading labels to all points")
        labels = self.labels
        if labels is None:
            labels = np.zeros(len(self.scan.working.cloud), np.int32)
        full = self.scan.working.push_back(labels)
        cancel.check()
        progress(0.4, f"Writing {choice.path.name}")
        write_cloud(choice.path, cloud, full, objects=objects, format_id=choice.format_id)
        return choice.path


def write(choice: ExportChoice, content: Exportable) -> Callable[[Progress, CancelToken], Path]:
    """Return the work that writes the export and answers its path."""
    return lambda progress, cancel: content.write(choice, progress, cancel)


class ExportDialog(QDialog):
    """Format and place. After `accept`, `choice` says what to do."""

    def __init__(
        self,
        content: Exportable,
        folder: Path,
        parent: QWidget | None = None,
        what: str = "labels",
    ) -> None:
        """Ask.

        Args:
            content: What is written.
            folder: Where files go unless a person says otherwise.
            parent: Owner.
            what: What is written, in a word.
        """
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle(f"Export {what.capitalize()}")
        self.setMinimumWidth(560)
        self.format_box = QComboBox(self)
        self.format_box.setAccessibleName("Format")
        self._formats = {each.format_id: each for each in content.formats}
        for each in content.formats:
            self.format_box.addItem(each.title, each.format_id)
        self.scope_box = QComboBox(self)
        self.scope_box.setAccessibleName("What to export")
        self.scope_box.addItems(list(content.scopes))
        self.path_field = QLineEdit(self)
        self.path_field.setAccessibleName("File")
        self._stem = folder / f"{content.path.stem}-{what}"
        self._note = QLabel(content.description, self)
        self._note.setWordWrap(True)
        self._warning = QLabel(self)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel, self)
        self._lay_out()
        self.format_box.currentIndexChanged.connect(lambda _: self._follow_format())
        self.scope_box.currentIndexChanged.connect(lambda _: self._follow_format())
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
        if self.scope_box.count() > 1:
            form.addRow("Of", self.scope_box)
        self.scope_box.setVisible(self.scope_box.count() > 1)
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
        scope = max(self.scope_box.currentIndex(), 0)
        return ExportChoice(path, str(self.format_box.currentData()), scope)

    def choose_format(self, format_id: str) -> None:
        """Select a format by its id."""
        self.format_box.setCurrentIndex(self.format_box.findData(format_id))

    @property
    def _suffix(self) -> str:
        """Suffix of the file to write; "" if it is a folder."""
        chosen = self._formats[str(self.format_box.currentData())]
        one = self.scope_box.currentIndex() <= 0 or chosen.holds_many
        return chosen.suffix if one else ""

    def _follow_format(self) -> None:
        suffix = self._suffix
        typed = self.path_field.text().strip()
        base = Path(typed) if typed else self._stem.with_name(self._stem.name + ".x")
        known = base.suffix.lower() in {*(f.suffix for f in self._formats.values()), ".x"}
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
        elif path.is_dir() and self._suffix:
            problem = f"{path.name} is a folder."
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        ok.setEnabled(not problem)
        warning = f"{path.name} exists and will be replaced." if path.is_file() else ""
        if path.is_dir():
            warning = f"{path.name} exists; files of the same names in it will be replaced."
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
