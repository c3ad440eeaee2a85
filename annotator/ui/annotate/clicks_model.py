"""The clicks of the open asset as a Qt table."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from annotator.domain import BACKGROUND, Click, ObjectInfo
from annotator.ui.annotate.chips import chip
from annotator.ui.annotate.click_runs import ClickRuns, Phase

Index = QModelIndex | QPersistentModelIndex

COLUMNS = ("#", "Object", "State", "Time")
_ORDER, _OBJECT, _STATE, _TIME = range(len(COLUMNS))


class ClicksModel(QAbstractTableModel):
    """One row a click, in order of time."""

    def __init__(self, runs: ClickRuns, parent: QObject) -> None:
        super().__init__(parent)
        self._runs = runs
        self._clicks: tuple[Click, ...] = ()
        self._objects: Mapping[int, ObjectInfo] = {}

    def show(self, clicks: Sequence[Click], objects: Mapping[int, ObjectInfo]) -> None:
        """Replace what the table shows, keeping rows whose click stays."""
        before = [click.click_id for click in self._clicks]
        after = [click.click_id for click in clicks]
        if before == after:
            self._clicks, self._objects = tuple(clicks), objects
            self.refresh()
            return
        self.beginResetModel()
        self._clicks, self._objects = tuple(clicks), objects
        self.endResetModel()

    def refresh(self) -> None:
        """Show the states anew."""
        if self._clicks:
            last = self.index(len(self._clicks) - 1, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def click_at(self, row: int) -> Click | None:
        """Return the click of a row."""
        return self._clicks[row] if 0 <= row < len(self._clicks) else None

    def row_of(self, click_id: int | None) -> int:
        """Return the row of a click; -1 if it is not there."""
        return next((i for i, c in enumerate(self._clicks) if c.click_id == click_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of clicks."""
        return 0 if parent.isValid() else len(self._clicks)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 - Qt's signature
        """Return column titles."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        """Return texts, colour chips and words for screen readers."""
        click = self.click_at(index.row())
        if click is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(click, index.column())
        if role == Qt.ItemDataRole.DecorationRole and index.column() == _OBJECT:
            info = self._objects.get(click.object_id)
            return chip(click.object_id, info.colour if info else None)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(click, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (_ORDER, _TIME):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, click: Click, column: int) -> str:
        run = self._runs[click.click_id]
        if column == _ORDER:
            return str(click.order + 1)
        if column == _OBJECT:
            name = self._name(click.object_id)
            return name if click.positive else f"not {name}"
        if column == _STATE:
            return str(run.phase)
        timed = run.generation and run.phase in (Phase.RUNNING, Phase.DONE)
        return f"{run.milliseconds:.0f} ms" if timed else ""

    def _name(self, object_id: int) -> str:
        if object_id == BACKGROUND:
            return "Background"
        info = self._objects.get(object_id)
        return info.name if info and info.name else f"Object {object_id}"

    def _spoken(self, click: Click, column: int) -> str:
        if column == _ORDER:
            return f"Click {click.order + 1}"
        return self._text(click, column) or "no time"
