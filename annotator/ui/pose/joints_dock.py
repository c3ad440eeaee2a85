"""The joints of the current person: choose one, see which are placed, hidden or absent."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QDockWidget,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import Skeleton
from annotator.domain.people import Person
from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.basics.icons import icon
from annotator.ui.pose.figures import LEFT_COLOUR, MIDDLE_COLOUR, RIGHT_COLOUR

STATES = ("absent", "occluded", "visible")
_BUTTONS = (
    ButtonSpec("visible", "show", "Visible (V)"),
    ButtonSpec("occluded", "hide", "Occluded (O)"),
    ButtonSpec("absent", "background", "Absent (D)"),
    ButtonSpec("release_joint", "undo", "Let the joint follow again (R)"),
    ButtonSpec("swap_pair", "swap", "Swap with the other side (S)"),
)
_SIDES = {-1: ("left", LEFT_COLOUR), 0: ("middle", MIDDLE_COLOUR), 1: ("right", RIGHT_COLOUR)}
_NUMBER, _JOINT, _STATE, _PLACED = range(4)


@dataclass(frozen=True)
class JointRows:
    """What the table shows: a person with its skeleton, and the joint chosen."""

    person: Person | None
    skeleton: Skeleton | None
    joint: int | None


class JointsDock(QDockWidget):
    """The dock of the joints table.

    Signals:
        jointChosen: A person chose this joint.
        commandChosen: A person pressed a button; its name.
    """

    jointChosen = Signal(int)  # noqa: N815 - Qt spells signals so
    commandChosen = Signal(str)  # noqa: N815 - Qt spells signals so

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__("Joints", parent)
        self.setObjectName("jointsDock")
        self._rows: JointRows | None = None
        self._showing = False
        self.table = self._make_table()
        self._buttons = ButtonRow(_BUTTONS, self.commandChosen.emit, self)
        body = QWidget(self)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self.table)
        layout.addWidget(self._buttons)
        self.setWidget(body)

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 4, self)
        table.setObjectName("jointsTable")
        table.setAccessibleName("Joints")
        table.setHorizontalHeaderLabels(("#", "Joint", "State", "Placed"))
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(_JOINT, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        for column, width in ((_NUMBER, 46), (_STATE, 76), (_PLACED, 52)):
            table.setColumnWidth(column, width)
        table.setMinimumHeight(240)
        table.itemSelectionChanged.connect(self._announce)
        return table

    def show_rows(self, rows: JointRows) -> None:
        """Show the joints of a person; announces nothing."""
        if rows == self._rows:
            return
        self._rows = rows
        self._showing = True
        try:
            self._fill(rows)
            if rows.joint is None:
                self.table.clearSelection()
                self.table.setCurrentCell(-1, -1)
            else:
                self.table.selectRow(rows.joint)
        finally:
            self._showing = False

    def _fill(self, rows: JointRows) -> None:
        person, skeleton = rows.person, rows.skeleton
        count = 0 if person is None or skeleton is None else len(skeleton)
        self.table.setRowCount(count)
        if person is None or skeleton is None:
            return
        for joint in range(count):
            side, colour = _SIDES[skeleton.side_of(joint)]
            placed = person.fixed[joint]
            cells = (str(joint + 1), skeleton.joints[joint], STATES[person.visibility[joint]], "")
            for column, text in enumerate(cells):
                self._put(joint, column, text)
            self._cell(joint, _NUMBER).setIcon(_dot(colour))
            self._cell(joint, _NUMBER).setToolTip(side)
            lock = self._cell(joint, _PLACED)
            lock.setIcon(icon("lock") if placed else QIcon())
            lock.setToolTip("placed by hand" if placed else "follows")

    def _put(self, row: int, column: int, text: str) -> None:
        item = self.table.item(row, column)
        if item is None:
            self.table.setItem(row, column, QTableWidgetItem(text))
        elif item.text() != text:
            item.setText(text)

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.table.item(row, column)
        assert item is not None  # as _put has made sure
        return item

    def _announce(self) -> None:
        chosen: Sequence[QTableWidgetItem] = self.table.selectedItems()
        if chosen and not self._showing:
            self.jointChosen.emit(chosen[0].row())


def _dot(colour: tuple[int, int, int]) -> QIcon:
    picture = QPixmap(24, 24)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*colour))
    painter.drawEllipse(1, 1, 10, 10)
    painter.end()
    return QIcon(picture)
