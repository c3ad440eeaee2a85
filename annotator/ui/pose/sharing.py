"""People to files and from files, in the window."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from annotator.domain import AnnotatorError
from annotator.domain.people import PosedImage
from annotator.formats.annotation_readers import is_of_photo
from annotator.formats.images import image_size
from annotator.formats.people import PEOPLE_WRITERS, read_people, write_people
from annotator.project import AssetState
from annotator.ui.pose.bench import PoseBench


def posed_images(bench: PoseBench, *, everything: bool) -> Iterator[PosedImage]:
    """Yield the people of the open photo, or of all photos of its project.

    Raises:
        AnnotatorError: If a photo is gone, whose size is needed.
    """
    for asset in bench.project.document.assets.values():
        mine = asset.asset_id == bench.asset_id
        if asset.kind == "image" and (mine or (everything and asset.people)):
            yield bench.project.posed_image(asset, *_size(bench, asset))


def _size(bench: PoseBench, asset: AssetState) -> tuple[int, int]:
    if asset.asset_id == bench.asset_id and bench.photo is not None:
        return bench.photo.working.width, bench.photo.working.height
    return image_size(asset.path)


class ExportPeopleDialog(QDialog):
    """Asks for format, photos and file, and writes.

    Attributes:
        format_box: The format.
        scope_box: This photo or all.
        path_line: File or folder to write.
    """

    def __init__(self, bench: PoseBench, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export People")
        self._bench = bench
        self.format_box, self.scope_box = QComboBox(self), QComboBox(self)
        for writer in PEOPLE_WRITERS:
            self.format_box.addItem(writer.title, writer)
        for title, everything in (("All photos of the project", True), ("This photo", False)):
            self.scope_box.addItem(title, everything)
        self.path_line = QLineEdit(self)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        self._lay_out()
        self.format_box.currentIndexChanged.connect(self._suggest)
        self._buttons.accepted.connect(self._write)
        self._buttons.rejected.connect(self.reject)
        self._suggest()

    def _lay_out(self) -> None:
        browse = QPushButton("Browse…", self)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.path_line)
        row.addWidget(browse)
        form = QFormLayout(self)
        form.addRow("Format", self.format_box)
        form.addRow("Photos", self.scope_box)
        form.addRow("File or folder", row)
        form.addRow(self._buttons)
        self.path_line.setMinimumWidth(380)
        self.path_line.setAccessibleName("File or folder to write")
        self.format_box.setAccessibleName("Format")
        self.scope_box.setAccessibleName("Photos")

    def _suggest(self) -> None:
        asset, writer = self._bench.asset, self.format_box.currentData()
        folder = asset.path.parent if asset else Path.home()
        name = f"people{writer.suffix}" if writer.suffix else f"people-{writer.format_id}"
        self.path_line.setText(str(folder / name))

    def _browse(self) -> None:
        writer, now = self.format_box.currentData(), self.path_line.text()
        if writer.suffix:
            chosen, _ = QFileDialog.getSaveFileName(self, "Export People", now)
        else:
            chosen = QFileDialog.getExistingDirectory(self, "Export People", now)
        if chosen:
            self.path_line.setText(chosen)

    def _write(self) -> None:
        bench, writer = self._bench, self.format_box.currentData()
        everything = bool(self.scope_box.currentData())
        try:
            images = list(posed_images(bench, everything=everything))
            files = write_people(Path(self.path_line.text()), images, writer.format_id)
        except AnnotatorError as error:
            bench.say(error.message, error.remedy, "error")
            return
        people = sum(len(image.people) for image in images)
        where = str(files[0]) if len(files) == 1 else f"{self.path_line.text()}: {len(files)} files"
        bench.say(f"Exported {people} people of {len(images)} photos.", where)
        self.accept()


def import_people(bench: PoseBench, parent: QWidget | None) -> QFileDialog:
    """Ask for a file of people, and bring those of the open photo in; return the dialog."""
    folder = str(bench.asset.path.parent) if bench.asset else ""
    names = "People (*.json *.csv *.txt)"
    dialog = QFileDialog(parent, "Import People", folder, names)
    dialog.fileSelected.connect(lambda path: take_people(bench, Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def take_people(bench: PoseBench, path: Path) -> int:
    """Add the people that a file has for the open photo, as one step; return how many."""
    asset = bench.asset
    if asset is None:
        return 0
    try:
        images = list(read_people(path, asset.path.parent))
    except AnnotatorError as error:
        bench.say(error.message, error.remedy, "error")
        return 0
    people = [p for i in images if is_of_photo(i, asset.path) for p in i.people if not p.crowd]
    if not people:
        bench.say(f"{path.name} has nobody for {asset.path.name}.", "Photos go by their names.")
        return 0
    ids = bench.attempt(bench.project.import_people, asset.asset_id, people) or ()
    if ids:
        bench.choose_object(ids[0])
    return len(ids)
