"""A small line over the photo in which the name of a joint is typed."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget


class JointNameBox(QLineEdit):
    """Takes a few letters of a joint's name; Enter chooses it, Escape closes."""

    def __init__(
        self, names: tuple[str, ...], choose: Callable[[str], object], over: QWidget
    ) -> None:
        super().__init__(over)
        self.setObjectName("jointNameBox")
        self.setAccessibleName("Name of a joint")
        self.setPlaceholderText("Name of a joint, such as “lw” for left wrist")
        completer = QCompleter(list(names), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setCompleter(completer)
        self._over, self._choose = over, choose
        self.returnPressed.connect(self._take)
        self.resize(min(360, max(over.width() - 40, 160)), 34)
        self.move((over.width() - self.width()) // 2, 24)
        self.show()
        self.setFocus()

    def _take(self) -> None:
        text = self.text()
        self._end()
        self._choose(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close at Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self._end()
            return
        super().keyPressEvent(event)

    def _end(self) -> None:
        self.hide()
        self._over.setFocus()
        self.deleteLater()
