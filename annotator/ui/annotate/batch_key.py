"""A key that, while held, gathers clicks into one run."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

KEY = Qt.Key.Key_Q
"""Free of tools and navigation, and reachable by the hand that does not hold the mouse."""


class BatchKey(QObject):
    """Calls `hold` when the key goes down over a watched widget and `release` when it is let go.

    Losing the keyboard counts as letting go, as the release is heard elsewhere then.
    """

    def __init__(
        self, hold: Callable[[], object], release: Callable[[], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._hold, self._release = hold, release
        self._down = False

    def watch(self, widget: QWidget) -> None:
        """Listen to the keys of a widget."""
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear the key; every other event passes."""
        if event.type() == QEvent.Type.FocusOut:
            self._let_go()
            return False
        if not isinstance(event, QKeyEvent) or event.key() != KEY or event.modifiers():
            return False
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self._down = True
            self._hold()
        elif event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat():
            self._let_go()
        return event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)

    def _let_go(self) -> None:
        if self._down:
            self._down = False
            self._release()
