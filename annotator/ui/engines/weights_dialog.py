"""Weights of all networks: what is there and what it occupies; download, import, remove."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMessageBox,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import AnnotatorError
from annotator.engine.registry import PluginRegistry
from annotator.engine.weights import (
    WeightsRecord,
    find_record,
    import_weights,
    list_weights,
    pull_weights,
)
from annotator.engine.weights_care import disk_use, in_words, remove_weights, title_of
from annotator.ui.basics.jobs import Job, JobRunner, ProgressStrip

COLUMNS = ("Network", "State", "Size", "Licence", "From")
WIDTHS = (330, 160, 80, 160)


class WeightsDialog(QDialog):
    """One row a set of weights; files of weights can be dropped anywhere on it.

    Signals:
        changed: Weights came or went.
    """

    changed = Signal()

    def __init__(self, registry: PluginRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("weightsDialog")
        self.setWindowTitle("Weights")
        self.setAcceptDrops(True)
        self.resize(920, 460)
        self.registry = registry
        self.jobs = JobRunner(self)
        self._running: dict[str, Job] = {}
        self._failed: dict[str, str] = {}
        self.table = self._make_table()
        self.note = QLabel(self)
        self.note.setObjectName("weightsNote")
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.buttons = self._make_buttons()
        self._lay_out()
        self.jobs.changed.connect(self._refresh_states)
        self.refresh()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(COLUMNS), self)
        table.setObjectName("weightsTable")
        table.setAccessibleName("Weights")
        table.setHorizontalHeaderLabels(list(COLUMNS))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        for column, width in enumerate(WIDTHS):
            table.setColumnWidth(column, width)
        table.itemSelectionChanged.connect(self._refresh_buttons)
        return table

    def _make_buttons(self) -> dict[str, QPushButton]:
        made = {}
        for name, text, action in (
            ("download", "Download…", self.download),
            ("stop", "Stop", self.stop),
            ("import", "Import File…", self.ask_import),
            ("remove", "Remove…", self.remove),
            ("close", "Close", self.close),
        ):
            button = QPushButton(text, self)
            button.setObjectName(f"weights_{name}")
            button.setAutoDefault(False)
            button.clicked.connect(action)
            made[name] = button
        return made

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(10)
        hint = QLabel("Drop a checkpoint here to import it; nothing in it is run.", self)
        column.addWidget(hint)
        column.addWidget(self.table, 1)
        column.addWidget(self.note)
        column.addWidget(ProgressStrip(self.jobs, self))
        row = QHBoxLayout()
        for name, button in self.buttons.items():
            if name == "close":
                row.addStretch(1)
            row.addWidget(button)
        column.addLayout(row)

    # What is shown --------------------------------------------------------------------------

    @property
    def records(self) -> list[WeightsRecord]:
        """All weights that plugins declare."""
        return list_weights(self.registry)

    @property
    def selected(self) -> WeightsRecord | None:
        """The chosen row's weights."""
        row = self.table.currentRow()
        records = self.records
        return records[row] if 0 <= row < len(records) else None

    def refresh(self) -> None:
        """List everything anew, keeping the selection."""
        row = max(self.table.currentRow(), 0)
        records = self.records
        self.table.setRowCount(len(records))
        for number, record in enumerate(records):
            for column, text in enumerate(self._cells(record)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(number, column, item)
        if records:
            self.table.selectRow(min(row, len(records) - 1))
        use = disk_use(self.registry)
        self.setWindowTitle(f"Weights – {_size(use.total) or '0 MiB'} in your data folder")
        self._refresh_buttons()

    def _refresh_states(self) -> None:
        for number, record in enumerate(self.records):
            item = self.table.item(number, 1)
            if item is not None:
                item.setText(self.state_of(record))
        self._refresh_buttons()

    def _cells(self, record: WeightsRecord) -> tuple[str, ...]:
        size = record.path.stat().st_size if record.path else record.spec.size
        source = record.spec.homepage or record.spec.url
        licence = record.spec.licence or "none stated"
        title = f"{title_of(record, self.registry)}  ({record.spec.name})"
        return title, self.state_of(record), _size(size), licence, source

    def state_of(self, record: WeightsRecord) -> str:
        """Say in a word or two how things stand with some weights."""
        job = self._running.get(record.spec.name)
        if job is not None:
            return f"downloading {job.fraction:.0%}"
        if record.path is not None:
            return "ready, built in" if record.state == "bundled" else "ready"
        if record.spec.name in self._failed:
            return f"failed: {self._failed[record.spec.name]}"
        return "missing" if record.spec.url else "missing, to be imported"

    def _refresh_buttons(self) -> None:
        record = self.selected
        running = record is not None and record.spec.name in self._running
        missing = record is not None and record.path is None
        self.buttons["download"].setEnabled(
            missing and not running and record is not None and bool(record.spec.url)
        )
        self.buttons["stop"].setEnabled(running)
        self.buttons["remove"].setEnabled(record is not None and record.state == "installed")

    # What a person does ---------------------------------------------------------------------

    def download(self) -> None:
        """Show the licence and, if the person agrees, download; an earlier part is used."""
        record = self.selected
        if record is None or not self._agreed(record):
            return
        name = record.spec.name
        self._failed.pop(name, None)
        self._running[name] = self.jobs.start(
            f"Downloading {name}",
            lambda progress, cancel: pull_weights(
                name, self.registry, progress=progress, cancel=cancel
            ),
            done=lambda found: self._came(name, found),
            failed=lambda error: self._not_come(name, error),
            cancelled=lambda: self._stopped(name),
        )
        self._refresh_states()

    def _agreed(self, record: WeightsRecord) -> bool:
        spec = record.spec
        text = f"{title_of(record, self.registry)}: {_size(spec.size)} from {spec.url}"
        licence = f"Licence: {spec.licence or 'none stated by its authors'}."
        box = QMessageBox(QMessageBox.Icon.Question, "Download weights?", text, parent=self)
        box.setObjectName("licenceDialog")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(f"{licence}\nThe file is checked against its sha256.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Yes | buttons.Cancel)
        box.button(buttons.Yes).setText("Agree and download")
        agreed = box.exec() == buttons.Yes
        box.deleteLater()
        return agreed

    def stop(self) -> None:
        """Stop the download of the chosen row; what came is kept for going on later."""
        record = self.selected
        job = self._running.get(record.spec.name) if record else None
        if job is not None:
            job.cancel()

    def ask_import(self) -> None:
        """Choose a file and import it."""
        file, _ = QFileDialog.getOpenFileName(
            self, "Import weights", "", "Checkpoints (*.pth *.pt *.ckpt *.safetensors);;All (*)"
        )
        if file:
            self.import_file(Path(file))

    def import_file(self, path: Path) -> None:
        """Find out what a file is and store it with the user's weights."""
        self.note.setText(f"Looking at {path.name}…")
        self.jobs.start(
            f"Importing {path.name}",
            lambda progress, cancel: import_weights(
                path, self.registry, progress=progress, cancel=cancel
            ),
            done=lambda found: self._came(found.spec.name, found, path.name),
            failed=lambda error: self._not_come("", error),
        )

    def remove(self) -> None:
        """Delete the chosen weights after asking."""
        record = self.selected
        if record is None:
            return
        name = record.spec.name
        question = f"Delete the file of {name}? It can be downloaded or imported again."
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self, "Remove weights?", question, buttons.Yes | buttons.Cancel, buttons.Cancel
        )
        if answer != buttons.Yes:
            return
        try:
            freed = remove_weights(name, self.registry)
            self.note.setText(f"{name} is removed; {_size(freed)} are free again.")
        except AnnotatorError as error:
            self.note.setText(str(error))
        self._tell()

    def _came(self, name: str, record: WeightsRecord, file: str = "") -> None:
        self._running.pop(name, None)
        words = in_words(find_record(self.registry, name), self.registry)
        self.note.setText(f"{file or record.spec.file}: {words}. It is ready.")
        self._tell()

    def _not_come(self, name: str, error: BaseException) -> None:
        self._running.pop(name, None)
        words = error.message if isinstance(error, AnnotatorError) else repr(error)
        if name:
            self._failed[name] = words
        self.note.setText(str(error) if isinstance(error, AnnotatorError) else words)
        self.refresh()

    def _stopped(self, name: str) -> None:
        self._running.pop(name, None)
        self.note.setText(f"{name}: stopped. Download goes on where it stopped.")
        self.refresh()

    def _tell(self) -> None:
        self.refresh()
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the dropped files, one after the other."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.import_file(Path(url.toLocalFile()))
        event.acceptProposedAction()

    def done(self, result: int) -> None:
        """Stop what runs before the dialog goes."""
        self.jobs.shut_down()
        super().done(result)


def _size(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB" if size else ""
