"""The editor of skeletons: choose one for new people, make one, bring one from a file."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import AnnotatorError, Skeleton
from annotator.formats.skeletons import read_skeletons, write_skeletons
from annotator.ui.pose.bench import PoseBench
from annotator.ui.pose.draft import SkeletonDraft
from annotator.ui.pose.template_canvas import TemplateCanvas

_NAME, _OTHER = 0, 1


class SkeletonDialog(QDialog):
    """Shows the skeletons of the project, one of them as a draft that can be changed.

    Attributes:
        list: The skeletons.
        name: Name of the draft.
        canvas: Picture of the draft.
        table: Joints of the draft and their counterparts.
    """

    def __init__(self, bench: PoseBench, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Skeletons")
        self._bench = bench
        self._filling = False
        self.list, self.name = QListWidget(self), QLineEdit(self)
        self.canvas, self.table = TemplateCanvas(self), self._make_table()
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._lay_out()
        self.list.currentRowChanged.connect(self._open_row)
        self.name.textEdited.connect(self._rename_draft)
        self.canvas.edited.connect(self._fill)
        self.canvas.chosen.connect(self._choose)
        self._list()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 2, self)
        table.setHorizontalHeaderLabels(("Joint", "Other side"))
        table.setAccessibleName("Joints of the skeleton")
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.itemChanged.connect(self._take_cell)
        table.itemSelectionChanged.connect(self._choose_row)
        return table

    def _lay_out(self) -> None:
        self.list.setAccessibleName("Skeletons")
        self.name.setAccessibleName("Name of the skeleton")
        self.list.setMaximumWidth(180)
        buttons = QHBoxLayout()
        for title, do in (
            ("Add Joint", self.add_joint), ("Remove Joint", self.remove_joint),
            ("Import…", self._ask_import), ("Export…", self._ask_export),
            ("Save as New", self.save), ("Use for New People", self.use), ("Close", self.accept),
        ):  # fmt: skip
            button = QPushButton(title, self)
            button.setAutoDefault(False)
            button.clicked.connect(lambda *_, do=do: do())
            buttons.addWidget(button)
        right = QVBoxLayout()
        right.addWidget(self.name)
        right.addWidget(self.table)
        grid = QGridLayout(self)
        grid.addWidget(self.list, 0, 0)
        grid.addWidget(self.canvas, 0, 1)
        grid.addLayout(right, 0, 2)
        grid.addWidget(self._words, 1, 0, 1, 3)
        grid.addLayout(buttons, 2, 0, 1, 3)
        grid.setColumnStretch(1, 1)
        self.resize(900, 520)

    # What there is ------------------------------------------------------------------------------

    @property
    def draft(self) -> SkeletonDraft:
        """What is being edited."""
        return self.canvas.draft

    def _skeletons(self) -> list[Skeleton]:
        known = dict(self._bench.project.document.skeletons)
        engine = self._bench.engine_skeleton
        if engine is not None:
            known.setdefault(engine.name, engine)
        return list(known.values())

    def _list(self, chosen: str = "") -> None:
        skeletons = self._skeletons()
        self.list.clear()
        self.list.addItems([f"{s.name} ({len(s)})" for s in skeletons])
        names = [s.name for s in skeletons]
        wanted = chosen or self._bench.skeleton.name
        self.list.setCurrentRow(names.index(wanted) if wanted in names else 0)

    def _open_row(self, row: int) -> None:
        skeletons = self._skeletons()
        if 0 <= row < len(skeletons):
            self.canvas.show_draft(SkeletonDraft.of(skeletons[row]))
            self.name.setText(self.draft.name)
            self._fill()

    # Editing ------------------------------------------------------------------------------------

    def add_joint(self) -> None:
        """Add a joint in the middle."""
        self.canvas.joint = self.draft.add((0.5, 0.5))
        self._fill()

    def remove_joint(self) -> None:
        """Take the chosen joint away."""
        if self.canvas.joint >= 0:
            self.draft.remove(self.canvas.joint)
            self.canvas.joint = -1
            self._fill()

    def _rename_draft(self, text: str) -> None:
        self.draft.name = text

    def _choose(self, joint: int) -> None:
        self._filling = True
        if joint >= 0:
            self.table.selectRow(joint)
        else:
            self.table.clearSelection()
        self._filling = False

    def _choose_row(self) -> None:
        rows = {item.row() for item in self.table.selectedItems()}
        if rows and not self._filling:
            self.canvas.show_draft(self.draft, rows.pop())

    def _take_cell(self, item: QTableWidgetItem) -> None:
        if self._filling:
            return
        if item.column() == _NAME:
            self.draft.rename(item.row(), item.text())
        else:
            self.draft.pair(item.row(), item.text().strip())
        self._fill()

    def _fill(self) -> None:
        """Show the draft everywhere, and what is wrong with it."""
        self._filling = True
        draft = self.draft
        self.table.setRowCount(len(draft.joints))
        for row, (name, other) in enumerate(zip(draft.joints, draft.others, strict=True)):
            self.table.setItem(row, _NAME, QTableWidgetItem(name))
            self.table.setItem(row, _OTHER, QTableWidgetItem("" if other == name else other))
        if self.canvas.joint >= 0:
            self.table.selectRow(self.canvas.joint)
        self._filling = False
        self.canvas.update()
        self._words.setText(self._problem() or f"{len(draft.joints)} joints")

    def _problem(self) -> str:
        try:
            self.draft.skeleton()
        except ValueError as error:
            return str(error)
        return ""

    # Keeping ------------------------------------------------------------------------------------

    def save(self) -> str | None:
        """Add the draft to the project's skeletons; return the name that it got."""
        try:
            skeleton = self.draft.skeleton()
        except ValueError as error:
            self._words.setText(str(error))
            return None
        bench = self._bench
        name = bench.attempt(bench.project.add_skeleton, skeleton)
        if name is not None:
            self._list(name)
        return name

    def use(self) -> None:
        """Take the skeleton for new people, saved first if it was changed."""
        name = self.save()
        if name is not None:
            self._bench.choose_skeleton(self._bench.project.document.skeletons[name])
            self._bench.say(f"New people have the skeleton {name}.")
            self.accept()

    def _ask_import(self) -> None:
        dialog = QFileDialog(self, "Import Skeletons", "", "Skeletons and COCO (*.json)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.take_file(Path(path)))
        dialog.open()

    def take_file(self, path: Path) -> None:
        """Add the skeletons of a file to the project."""
        try:
            skeletons = read_skeletons(path)
        except AnnotatorError as error:
            self._words.setText(f"{error.message} {error.remedy}")
            return
        bench = self._bench
        names = [bench.attempt(bench.project.add_skeleton, skeleton) for skeleton in skeletons]
        self._list(names[-1] or "")

    def _ask_export(self) -> None:
        dialog = QFileDialog(self, "Export Skeleton", f"{self.draft.name}.json", "JSON (*.json)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.write_file(Path(path)))
        dialog.open()

    def write_file(self, path: Path) -> None:
        """Write the draft as a template."""
        try:
            write_skeletons(path, [self.draft.skeleton()])
        except (AnnotatorError, ValueError) as error:
            self._words.setText(str(error))
