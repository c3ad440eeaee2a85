"""The table of clicks: what became of each, and any of them selected or removed."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDockWidget,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.annotate.chips import CHIP_SIZE
from annotator.ui.annotate.clicks_model import ClicksModel

_BUTTONS = (
    ButtonSpec("delete_click", "delete", "Remove the selected click (Delete)"),
    ButtonSpec("run_now", "run", "Run now (Enter)"),
)


_TABLE_HEIGHT = 120  # header and three clicks


class ClicksDock(QDockWidget):
    """The dock of the clicks table.

    Signals:
        clickChosen: A person selected this click.
        commandChosen: A person asked for this handler of the action table.
    """

    clickChosen = Signal(int)  # noqa: N815 - Qt spells signals so
    commandChosen = Signal(str)  # noqa: N815 - Qt spells signals so

    def __init__(self, model: ClicksModel, parent: QWidget | None) -> None:
        super().__init__("Clicks", parent)
        self.setObjectName("clicksDock")
        self._model = model
        self._showing = False
        self.table = self._make_table()
        self._buttons = ButtonRow(_BUTTONS, self.commandChosen.emit, self)
        body = QWidget(self)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.table)
        layout.addWidget(self._buttons)
        self.setWidget(body)

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("clicksTable")
        table.setAccessibleName("Clicks in order of time")
        table.setModel(self._model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setIconSize(CHIP_SIZE)
        table.setMinimumHeight(_TABLE_HEIGHT)
        table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        for column, width in enumerate((36, 110, 72, 72)):
            table.setColumnWidth(column, width)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setHighlightSections(False)
        table.selectionModel().currentRowChanged.connect(self._announce)
        self._model.modelReset.connect(table.scrollToBottom)  # the newest click is at the end
        return table

    def select(self, click_id: int | None) -> None:
        """Highlight a click's row, or none; announces nothing."""
        self._showing = True
        try:
            row = self._model.row_of(click_id)
            if row < 0:
                self.table.clearSelection()
                self.table.selectionModel().clearCurrentIndex()
            elif row != self.table.currentIndex().row():
                self.table.setCurrentIndex(self._model.index(row, 1))
        finally:
            self._showing = False

    def _announce(self, current: QModelIndex) -> None:
        click = self._model.click_at(current.row())
        if click is not None and not self._showing:
            self.clickChosen.emit(click.click_id)
