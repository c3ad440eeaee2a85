"""The command palette: any action by a few letters of its name."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.commands.action_manager import ActionManager

_Index = QModelIndex | QPersistentModelIndex
_ACTION = Qt.ItemDataRole.UserRole
_KEYS = Qt.ItemDataRole.UserRole + 1
_LIST_KEYS = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})


def match_score(pattern: str, text: str) -> int | None:
    """Rate how well letters match a text, in order but not necessarily adjacent.

    Returns:
        None if a letter is missing; else the larger the better: adjacent letters,
        letters that begin words and short texts count more.
    """
    wanted, inside = pattern.casefold().replace(" ", ""), text.casefold()
    score, at, last = 0, 0, -2
    for letter in wanted:
        at = inside.find(letter, at)
        if at < 0:
            return None
        starts_word = at == 0 or not inside[at - 1].isalnum()
        score += 1 + 4 * (at == last + 1) + 3 * starts_word
        last, at = at, at + 1
    return score * 10 - len(text)


class CommandPalette(QDialog):
    """A search field over a list of actions; Return does the chosen one after closing."""

    def __init__(self, manager: ActionManager, extra: Sequence[QAction], parent: QWidget) -> None:
        """Offer the manager's actions and `extra` ones, such as engines and recent files."""
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("commandPalette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("Command palette")
        self._entries = _entries(manager, extra)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Type a command…")
        self.field.setAccessibleName("Command")
        self.field.setClearButtonEnabled(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName("Matching commands")
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_KeysAtTheRight(self.list))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.field.textChanged.connect(self._search)
        self.field.returnPressed.connect(self._choose)
        self.list.itemActivated.connect(lambda _: self._choose())
        self.list.itemClicked.connect(lambda _: self._choose())
        self.field.installEventFilter(self)
        self._search("")
        self._place(parent)

    def _place(self, parent: QWidget) -> None:
        width = min(560, parent.width() - 40)
        self.resize(width, min(420, parent.height() - 80))
        corner = parent.rect().center()
        self.move(parent.mapToGlobal(corner) - self.rect().center())
        self.field.setFocus()

    def _search(self, pattern: str) -> None:
        self.list.clear()
        rated = [(match_score(pattern, text), text, action) for text, action in self._entries]
        hits = [(score, text, action) for score, text, action in rated if score is not None]
        if pattern:
            hits.sort(key=lambda hit: (not hit[2].isEnabled(), -hit[0], hit[1]))
        for _, text, action in hits:
            self._add(text, action)
        self.list.setCurrentRow(0)

    def _add(self, text: str, action: QAction) -> None:
        item = QListWidgetItem(action.icon(), text, self.list)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        item.setData(_ACTION, action)
        item.setData(_KEYS, keys)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{text} {keys}".strip())
        if not action.isEnabled():
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)

    def _choose(self) -> None:
        item = self.list.currentItem()
        action = item.data(_ACTION) if item else None
        if not isinstance(action, QAction) or not action.isEnabled():
            return
        self.close()
        action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys walk the list while the field keeps the focus."""
        if (
            watched is self.field
            and event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in _LIST_KEYS
        ):
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)


class _KeysAtTheRight(QStyledItemDelegate):
    """Draws an action's keys at the right end of its row."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        super().paint(painter, option, index)
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        area: QRect = option.rect
        selected = bool(state & QStyle.StateFlag.State_Selected)
        role = (
            QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.PlaceholderText
        )
        painter.setPen(palette.color(role))
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area.adjusted(0, 0, -10, 0), side, str(index.data(_KEYS) or ""))


def _entries(manager: ActionManager, extra: Sequence[QAction]) -> list[tuple[str, QAction]]:
    own = [
        (f"{spec.menu}: {action.text()}" if spec.menu else action.text(), action)
        for spec, action in ((manager.specs[key], manager.actions[key]) for key in manager.actions)
        if spec.action_id != "palette"
    ]
    return own + [(action.toolTip() or action.text(), action) for action in extra]
