"""The objects of the open asset as an editable Qt table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from annotator.domain import ObjectInfo
from annotator.ui.annotate.chips import chip
from annotator.ui.basics.icons import icon

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
_Flag = Qt.ItemFlag

SORT_ROLE = int(_Role.UserRole) + 1


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """What the table shows of one object."""

    info: ObjectInfo
    clicks: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    value: Callable[[ObjectRow], str | int]
    field: str = ""  # of ObjectInfo, if the person may change it
    checkable: bool = False
    icon: str = ""  # stands for the title where that would be wider than its cells


COLUMNS = (
    _Column("#", lambda row: row.info.object_id),
    _Column("Name", lambda row: row.info.name, "name"),
    _Column("Label", lambda row: row.info.label, "label"),
    _Column("Clicks", lambda row: row.clicks),
    _Column("Points", lambda row: row.points),
    _Column("Shown", lambda row: row.info.visible, "visible", True, "show"),
    _Column("Locked", lambda row: row.info.locked, "locked", True, "lock"),
)
OBJECT, NAME, LABEL, CLICKS, POINTS, SHOWN, LOCKED = range(len(COLUMNS))

Change = Callable[[int, Mapping[str, object]], object]


class ObjectsModel(QAbstractTableModel):
    """One row an object. Edits go to `change(object_id, fields)`, not into the model itself."""

    def __init__(self, change: Change, parent: QObject) -> None:
        super().__init__(parent)
        self._change = change
        self._rows: tuple[ObjectRow, ...] = ()
        self._current = 0
        self._points, self._clicks = COLUMNS[POINTS].title, COLUMNS[CLICKS].title
        self.read_only = False

    def name_points(self, title: str, clicks: str = COLUMNS[CLICKS].title) -> None:
        """Call what objects are made of something else, such as pixels, and clicks, too."""
        self._points, self._clicks = title, clicks
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, POINTS, POINTS)

    @property
    def current(self) -> int:
        """The current object's id."""
        return self._current

    def show(self, rows: Sequence[ObjectRow], current: int) -> None:
        """Replace what the table shows.

        Only cells that differ are announced: an editor that is open on another one
        keeps what was typed into it.
        """
        old, was_current = self._rows, self._current
        if [r.info.object_id for r in rows] != [r.info.object_id for r in old]:
            self.beginResetModel()
            self._rows, self._current = tuple(rows), current
            self.endResetModel()
            return
        self._rows, self._current = tuple(rows), current
        for place, (before, after) in enumerate(zip(old, rows, strict=True)):
            turned = current != was_current and after.info.object_id in (current, was_current)
            self._announce(place, before, after, everything=turned)

    def _announce(self, place: int, before: ObjectRow, after: ObjectRow, everything: bool) -> None:
        everything = everything or before.info.colour != after.info.colour
        for number, column in enumerate(COLUMNS):
            if everything or column.value(before) != column.value(after):
                index = self.index(place, number)
                self.dataChanged.emit(index, index)

    def row_at(self, row: int) -> ObjectRow | None:
        """Return the object of a row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, object_id: int) -> int:
        """Return the row of an object; -1 if it is not there."""
        ids = [row.info.object_id for row in self._rows]
        return ids.index(object_id) if object_id in ids else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of objects."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:  # noqa: ANN401 - Qt's signature
        """Return column titles or the icons that stand for them."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        title = {POINTS: self._points, CLICKS: self._clicks}.get(section, column.title)
        if role == _Role.DecorationRole and column.icon:
            return icon(column.icon)
        if role == _Role.DisplayRole:
            return "" if column.icon else title
        return title if role in (_Role.ToolTipRole, _Role.AccessibleTextRole) else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Say which cells can be edited or ticked."""
        flags = _Flag.ItemIsEnabled | _Flag.ItemIsSelectable
        column = COLUMNS[index.column()]
        if self.read_only or not column.field:
            return flags
        return flags | (_Flag.ItemIsUserCheckable if column.checkable else _Flag.ItemIsEditable)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:  # noqa: ANN401
        """Return texts, ticks, colour chips, sort keys and words for screen readers."""
        row = self.row_at(index.row())
        if row is None:
            return None
        column = COLUMNS[index.column()]
        value = column.value(row)
        if role == SORT_ROLE:
            return value
        if role == _Role.CheckStateRole and column.checkable:
            return Qt.CheckState.Checked if value else Qt.CheckState.Unchecked
        if role in (_Role.DisplayRole, _Role.EditRole) and not column.checkable:
            return self._text(index.column(), value, role)
        return self._dressing(row, index.column(), role)

    def _text(self, column: int, value: str | int, role: int) -> str:
        if column == OBJECT:
            return ""  # the chip carries the number
        return f"{value:,}" if isinstance(value, int) and role == _Role.DisplayRole else str(value)

    def _dressing(self, row: ObjectRow, column: int, role: int) -> Any:  # noqa: ANN401
        info = row.info
        if role == _Role.DecorationRole and column == OBJECT:
            return chip(info.object_id, info.colour)
        if role == _Role.FontRole and info.object_id == self._current:
            font = QFont()
            font.setBold(True)
            return font
        if role == _Role.TextAlignmentRole and column in (CLICKS, POINTS):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (_Role.AccessibleTextRole, _Role.ToolTipRole):
            return self._spoken(row, column)
        return None

    def _spoken(self, row: ObjectRow, column: int) -> str:
        info = row.info
        if column == SHOWN:
            return "shown" if info.visible else "hidden"
        if column == LOCKED:
            return "locked" if info.locked else "not locked"
        current = ", current" if info.object_id == self._current else ""
        return f"Object {info.object_id}{current}" if column == OBJECT else ""

    def setData(
        self,
        index: Index,
        value: Any,  # noqa: ANN401 - Qt's signature
        role: int = _Role.EditRole,
    ) -> bool:
        """Ask for a change of the object; the document answers by showing new rows."""
        row = self.row_at(index.row())
        column = COLUMNS[index.column()]
        if row is None or not column.field or self.read_only:
            return False
        new: object = str(value).strip()
        if column.checkable:
            new = Qt.CheckState(value) == Qt.CheckState.Checked
        if new != getattr(row.info, column.field):
            self._change(row.info.object_id, {column.field: new})
        return True
