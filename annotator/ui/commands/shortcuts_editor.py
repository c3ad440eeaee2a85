"""Change any action's keys; collisions are shown while typing and nothing is stored by accident."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.basics.theme import is_dark, level_colour
from annotator.ui.commands.actions import ACTIONS
from annotator.ui.commands.shortcuts import Shortcuts, changed_only, conflicts, effective, portable

_ID = Qt.ItemDataRole.UserRole


class ShortcutsEditor(QDialog):
    """All actions and their keys; after `accept`, `result_shortcuts` holds the choice."""

    def __init__(self, own: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsEditor")
        self.setWindowTitle("Keyboard Shortcuts")
        self.resize(680, 560)
        self._keys = effective(own)
        self._titles = {spec.action_id: spec.title.rstrip("…") for spec in ACTIONS}
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search by command or key")
        self.search.setAccessibleName("Search shortcuts")
        self.search.setClearButtonEnabled(True)
        self.table = self._make_table()
        self.edit = QKeySequenceEdit(self)
        self.edit.setMaximumSequenceLength(1)
        self.edit.setAccessibleName("New keys for the selected command")
        self.add_button = QPushButton("Add Key", self)
        self.clear_button = QPushButton("Remove Keys", self)
        self.standard_button = QPushButton("Standard Keys", self)
        self.conflict_label = QLabel(self)
        self.conflict_label.setWordWrap(True)
        self.conflict_label.setAccessibleName("Conflicts")
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults,
            self,
        )
        self._lay_out()
        self._connect()
        self._fill()

    def _make_table(self) -> QTreeWidget:
        table = QTreeWidget(self)
        table.setHeaderLabels(["Command", "Keys", "Note"])
        table.setRootIsDecorated(False)
        table.setAlternatingRowColors(True)
        table.setAccessibleName("Commands and their keys")
        table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(1, 190)
        table.setColumnWidth(2, 180)
        return table

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.edit, 1)
        for button in (self.add_button, self.clear_button, self.standard_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(10)
        column.addWidget(self.search)
        column.addWidget(self.table, 1)
        column.addLayout(row)
        column.addWidget(self.conflict_label)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._filter)
        self.edit.keySequenceChanged.connect(lambda _: self._warn())
        self.add_button.clicked.connect(self._add)
        self.clear_button.clicked.connect(lambda: self._set(()))
        self.standard_button.clicked.connect(self._use_standard)
        self.table.currentItemChanged.connect(lambda *_: self._warn())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        restore = self.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        restore.clicked.connect(self._restore_all)

    def _fill(self) -> None:
        for spec in ACTIONS:
            title = self._titles[spec.action_id]
            item = QTreeWidgetItem([f"{spec.menu}: {title}" if spec.menu else title])
            item.setData(0, _ID, spec.action_id)
            item.setToolTip(0, spec.tip)
            self.table.addTopLevelItem(item)
        self._refresh()
        self.select(ACTIONS[0].action_id)

    @property
    def result_shortcuts(self) -> Shortcuts:
        """The person's own keys by action id, only where they differ from the table."""
        return changed_only(self._keys)

    @property
    def current_action(self) -> str:
        """Id of the selected action."""
        item = self.table.currentItem()
        return str(item.data(0, _ID)) if item else ""

    def select(self, action_id: str) -> None:
        """Select an action's row."""
        for row in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(row)
            if item is not None and item.data(0, _ID) == action_id:
                self.table.setCurrentItem(item)

    def _typed(self) -> str:
        return portable(self.edit.keySequence().toString())

    def _add(self) -> None:
        typed = self._typed()
        if typed and self.current_action:
            kept = [key for key in self._keys[self.current_action] if key != typed]
            self._set((*kept, typed))
            self.edit.clear()

    def _set(self, keys: tuple[str, ...]) -> None:
        if self.current_action:
            self._keys[self.current_action] = keys
            self._refresh()

    def _use_standard(self) -> None:
        self._set(effective({})[self.current_action])

    def _restore_all(self) -> None:
        self._keys = effective({})
        self._refresh()

    def _refresh(self) -> None:
        shared = conflicts(self._keys)
        colour = level_colour("error", is_dark(self.palette()))
        for row in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(row)
            if item is not None:
                self._refresh_row(item, shared, colour)
        self._warn()

    def _refresh_row(
        self, item: QTreeWidgetItem, shared: dict[str, tuple[str, ...]], colour: QColor
    ) -> None:
        action_id = str(item.data(0, _ID))
        keys = self._keys[action_id]
        item.setText(1, ",  ".join(QKeySequence(key).toString() for key in keys))
        others = [
            self._titles[other]
            for key in keys
            for other in shared.get(key, ())
            if other != action_id
        ]
        item.setText(2, f"also: {', '.join(others)}" if others else "")
        item.setForeground(2, colour)

    def _warn(self) -> None:
        typed, shared = self._typed(), conflicts(self._keys)
        users = [
            self._titles[action_id]
            for action_id, keys in self._keys.items()
            if typed in keys and action_id != self.current_action
        ]
        lines = [f"{typed} already does: {', '.join(users)}."] if typed and users else []
        lines += [
            f"{key} does nothing while shared by: {', '.join(self._titles[i] for i in ids)}."
            for key, ids in shared.items()
        ]
        self.conflict_label.setText("\n".join(lines))
        colour = level_colour("error", is_dark(self.palette()))
        self.conflict_label.setStyleSheet(f"color: {colour.name()}")
        self.conflict_label.setVisible(bool(lines))

    def _filter(self, text: str) -> None:
        wanted = text.casefold()
        for row in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(row)
            if item is not None:
                shown = f"{item.text(0)} {item.text(1)}".casefold()
                item.setHidden(wanted not in shown)
