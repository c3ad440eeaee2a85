"""The list of objects: edit, order, filter, hide, lock, merge and delete them."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDockWidget,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.annotate import objects_model as columns
from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.annotate.chips import CHIP_SIZE
from annotator.ui.annotate.objects_model import SORT_ROLE, ObjectRow, ObjectsModel

Index = QModelIndex | QPersistentModelIndex

_BUTTONS = (
    ButtonSpec("new_object", "add", "New object (N)"),
    ButtonSpec("colour_object", "colour", "Colour of the object (double click its chip)"),
    ButtonSpec("merge_object", "merge", "Merge the object into another (M)"),
    ButtonSpec("isolate_object", "isolate", "Show this object only; again shows all (I)"),
    ButtonSpec("show_all", "show", "Show all objects (Shift+H)"),
    ButtonSpec("delete_object", "delete", "Delete the object with its clicks (Shift+Delete)"),
)

_WIDTHS = {
    columns.OBJECT: 42, columns.LABEL: 72, columns.CLICKS: 46, columns.POINTS: 78,
    columns.SHOWN: 28, columns.LOCKED: 28,
}  # fmt: skip


_TABLE_WIDTH = 376  # every column fits, with some room for names


class LabelDelegate(QStyledItemDelegate):
    """Edits a label in a box that offers the label set and takes any other word."""

    def __init__(self, labels: Callable[[], Sequence[str]], parent: QWidget) -> None:
        super().__init__(parent)
        self._labels = labels

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """Return the box."""
        box = QComboBox(parent)
        box.setEditable(True)
        box.addItem("")
        box.addItems(list(self._labels()))
        box.setAccessibleName("Label of the object")
        return box

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Start with the present label."""
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data(Qt.ItemDataRole.EditRole) or ""))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Hand the label over."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText(), Qt.ItemDataRole.EditRole)


class _TextFilter(QSortFilterProxyModel):
    """Keeps objects whose number, name or label contains the text."""

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        model = self.sourceModel()
        needle = self.filterRegularExpression().pattern().casefold()
        if not isinstance(model, ObjectsModel) or not needle:
            return True
        row = model.row_at(source_row)
        if row is None:
            return False
        info = row.info
        return any(needle in t.casefold() for t in (str(info.object_id), info.name, info.label))


class ObjectsDock(QDockWidget):
    """The dock of the objects table.

    Signals:
        objectChosen: A person chose this object as the current one.
        commandChosen: A person pressed a button; handler name of the action table.
    """

    objectChosen = Signal(int)  # noqa: N815 - Qt spells signals so
    commandChosen = Signal(str)  # noqa: N815 - Qt spells signals so

    def __init__(
        self,
        model: ObjectsModel,
        labels: Callable[[], Sequence[str]],
        parent: QWidget | None,
        title: str = "Objects",
        buttons: Sequence[ButtonSpec] = _BUTTONS,
    ) -> None:
        """Show the objects of a model.

        Args:
            model: The objects.
            labels: Returns the classes to offer.
            parent: The window.
            title: What the objects are called.
            buttons: What to offer under the table.
        """
        super().__init__(title, parent)
        self.setObjectName(f"{title.lower()}Dock")
        self._model = model
        self._showing = False
        self._proxy = _TextFilter(self)
        self._proxy.setSourceModel(model)
        self._proxy.setSortRole(SORT_ROLE)
        self._filter = self._make_filter()
        self.table = self._make_table(labels)
        self._buttons = ButtonRow(buttons, self.commandChosen.emit, self)
        self._lay_out()

    def _make_filter(self) -> QLineEdit:
        line = QLineEdit(self)
        line.setPlaceholderText("Filter by number, name or label")
        line.setAccessibleName("Filter objects")
        line.setClearButtonEnabled(True)
        line.textChanged.connect(self._filter_rows)
        return line

    def _make_table(self, labels: Callable[[], Sequence[str]]) -> QTableView:
        table = QTableView(self)
        table.setObjectName("objectsTable")
        table.setAccessibleName("Objects")
        table.setModel(self._proxy)
        table.setSortingEnabled(True)
        table.sortByColumn(columns.OBJECT, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setIconSize(CHIP_SIZE)
        table.setMinimumWidth(_TABLE_WIDTH)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.setItemDelegateForColumn(columns.LABEL, LabelDelegate(labels, table))
        header = table.horizontalHeader()
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, width)
        header.setMinimumSectionSize(28)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(columns.NAME, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        table.selectionModel().currentRowChanged.connect(self._announce)
        table.doubleClicked.connect(self._ask_colour)
        return table

    def _lay_out(self) -> None:
        body = QWidget(self)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        for widget in (self._filter, self.table, self._buttons):
            layout.addWidget(widget)
        self.setWidget(body)

    def button(self, command: str) -> QToolButton:
        """Return the button of a command."""
        return self._buttons.button(command)

    def _filter_rows(self, text: str) -> None:
        """Show matching objects only; that chooses none, also where the current one goes."""
        self._showing = True
        try:
            self._proxy.setFilterFixedString(text)
            self._select(self._model.current)
        finally:
            self._showing = False

    def show_rows(self, rows: Sequence[ObjectRow], current: int) -> None:
        """Show objects and mark the current one; announces nothing."""
        self._showing = True
        try:
            self._model.show(rows, current)
            self._select(current)
        finally:
            self._showing = False

    def _select(self, object_id: int) -> None:
        row = self._model.row_of(object_id)
        selection = self.table.selectionModel()
        if row < 0:
            selection.clear()
            return
        index = self._proxy.mapFromSource(self._model.index(row, columns.NAME))
        if index.isValid() and index.row() != self.table.currentIndex().row():
            self.table.setCurrentIndex(index)

    def edit_name(self, object_id: int) -> None:
        """Open the editor on the name of an object."""
        row = self._model.row_of(object_id)
        index = self._proxy.mapFromSource(self._model.index(row, columns.NAME))
        if index.isValid():
            self.show()
            self.table.setFocus()
            self.table.edit(index)

    def _ask_colour(self, index: QModelIndex) -> None:
        if index.column() == columns.OBJECT:
            self.commandChosen.emit("colour_object")

    def _announce(self, current: QModelIndex) -> None:
        row = self._model.row_at(self._proxy.mapToSource(current).row())
        if row is not None and not self._showing:
            self.objectChosen.emit(row.info.object_id)
