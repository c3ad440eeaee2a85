"""The objects of a photo as a table of what each shall do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from annotator.domain import ObjectInfo, RegionPlan
from annotator.ui.annotate.chips import chip

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
_Flag = Qt.ItemFlag

OBJECT, NAME, WORDS, MOVES = range(4)
TITLES = ("#", "Region", "How it moves", "Moves")


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One object and its plan."""

    info: ObjectInfo
    plan: RegionPlan


class RegionsModel(QAbstractTableModel):
    """One row an object. Edits go to `change(object_id, fields)`, not into the model itself."""

    def __init__(
        self, change: Callable[[int, Mapping[str, object]], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._change = change
        self._rows: tuple[RegionRow, ...] = ()
        self._current = 0
        self.read_only = False

    def show(self, rows: Sequence[RegionRow], current: int) -> None:
        """Replace what the table shows; an editor that is open stays."""
        new = tuple(rows)
        same = [r.info.object_id for r in new] == [r.info.object_id for r in self._rows]
        if new == self._rows and current == self._current:
            return
        if not same:
            self.beginResetModel()
        self._rows, self._current = new, current
        if not same:
            self.endResetModel()
        elif new:
            self.dataChanged.emit(self.index(0, 0), self.index(len(new) - 1, MOVES))

    def row_at(self, row: int) -> RegionRow | None:
        """Return a row, or None."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, object_id: int) -> int:
        """Return the row of an object, or -1."""
        ids = [row.info.object_id for row in self._rows]
        return ids.index(object_id) if object_id in ids else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of objects."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of columns."""
        return len(TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> object:
        """Return a title."""
        horizontal = orientation == Qt.Orientation.Horizontal
        return TITLES[section] if horizontal and role == _Role.DisplayRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Words can be edited, and moving checked."""
        flags = _Flag.ItemIsEnabled | _Flag.ItemIsSelectable
        if self.read_only:
            return flags
        extra = {WORDS: _Flag.ItemIsEditable, MOVES: _Flag.ItemIsUserCheckable}
        return flags | extra.get(index.column(), _Flag.NoItemFlags)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> object:
        """Return what a cell shows."""
        row = self.row_at(index.row())
        if row is None:
            return None
        column, info, plan = index.column(), row.info, row.plan
        if role in (_Role.DisplayRole, _Role.EditRole):
            return {NAME: info.name, WORDS: plan.words}.get(column)
        if role == _Role.DecorationRole and column == OBJECT:
            return chip(info.object_id, info.colour)
        if role == _Role.CheckStateRole and column == MOVES:
            return Qt.CheckState.Checked if plan.moves else Qt.CheckState.Unchecked
        if role == _Role.FontRole and info.object_id == self._current:
            font = QFont()
            font.setBold(True)
            return font
        if role == _Role.AccessibleTextRole:
            return f"{info.name}: {TITLES[column]}"
        return None

    def setData(self, index: Index, value: object, role: int = _Role.EditRole) -> bool:
        """Hand an edit over."""
        row = self.row_at(index.row())
        if row is None:
            return False
        if role == _Role.EditRole and index.column() == WORDS:
            if str(value).strip() != row.plan.words:
                self._change(row.info.object_id, {"words": str(value).strip()})
            return True
        if role == _Role.CheckStateRole and index.column() == MOVES:
            self._change(row.info.object_id, {"moves": Qt.CheckState(value) != _UNCHECKED})
            return True
        return False


_UNCHECKED = Qt.CheckState.Unchecked
