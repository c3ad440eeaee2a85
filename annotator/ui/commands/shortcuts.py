"""Which keys do what: the table's keys overlaid by the person's own, and where two collide."""

from collections.abc import Iterable, Mapping
from itertools import combinations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from annotator.ui.commands.actions import ACTIONS, ActionSpec, by_id, may_meet

Shortcuts = Mapping[str, tuple[str, ...]]

_SPECS = by_id()
_EDITING_KEYS = frozenset("ZYXCVA")
_MOVING_KEYS = frozenset({
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_Backspace, Qt.Key.Key_Delete,
})  # fmt: skip


def portable(keys: str) -> str:
    """Return a key sequence in Qt's portable spelling; empty if it is none."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText)


def effective(
    own: Shortcuts, actions: Iterable[ActionSpec] = ACTIONS
) -> dict[str, tuple[str, ...]]:
    """Return the keys in force by action id."""
    return {
        spec.action_id: tuple(filter(None, map(portable, own.get(spec.action_id, spec.shortcuts))))
        for spec in actions
    }


def conflicts(keys: Shortcuts) -> dict[str, tuple[str, ...]]:
    """Return the ids of the actions that share a key sequence, by that sequence."""
    users: dict[str, list[str]] = {}
    for action_id, sequences in keys.items():
        for sequence in dict.fromkeys(map(portable, sequences)):
            users.setdefault(sequence, []).append(action_id)
    return {sequence: tuple(ids) for sequence, ids in users.items() if sequence and _collide(ids)}


def _collide(action_ids: list[str]) -> bool:
    """Whether any two of the actions can be enabled at the same time."""
    specs = [_SPECS[action_id] for action_id in action_ids if action_id in _SPECS]
    unknown = len(action_ids) - len(specs)
    met = any(may_meet(a, b) for a, b in combinations(specs, 2))
    return met or (unknown > 0 and len(action_ids) > 1)


def changed_only(keys: Shortcuts, actions: Iterable[ActionSpec] = ACTIONS) -> Shortcuts:
    """Return the entries of `keys` that differ from the table: what the preferences keep."""
    standard = effective({}, actions)
    return {action_id: seq for action_id, seq in keys.items() if standard.get(action_id) != seq}


def is_text_field(widget: QWidget | None) -> bool:
    """Whether keys typed into the widget are text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    if isinstance(widget, QLineEdit | QPlainTextEdit | QTextEdit):
        return not widget.isReadOnly()
    return isinstance(widget, QAbstractSpinBox | QKeySequenceEdit)


def _belongs_to_text(event: QKeyEvent) -> bool:
    modifiers, key = event.modifiers(), event.key()
    harmless = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
    if not modifiers & ~harmless:
        return not Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35
    if modifiers & ~harmless == Qt.KeyboardModifier.ControlModifier:
        return key in _MOVING_KEYS or (0 < key < 128 and chr(key) in _EDITING_KEYS)
    return False


class TextFieldsWin(QObject):
    """Application-wide filter: while a text field has the focus, plain keys are text.

    Bare letters and digits are shortcuts here, and Return runs the network; nobody
    who types a name wants either.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim plain keys for a focused text field before shortcuts see them."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if is_text_field(QApplication.focusWidget()) and _belongs_to_text(event):
            event.accept()
            return True
        return False
