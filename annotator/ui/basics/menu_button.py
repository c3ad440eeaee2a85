"""A toolbar button that shows which of several checkable actions is chosen, and lists them."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

_WIDEST = 160  # logical pixels of text: a wider button would fall off the toolbar


class MenuButton(QToolButton):
    """The chosen one of several actions, such as "Colour by: Height", over a menu of all."""

    def __init__(
        self, caption: str, choices: Callable[[], Sequence[QAction]], parent: QWidget
    ) -> None:
        """Show the checked one of the actions that `choices` returns, after `caption`."""
        super().__init__(parent)
        self._caption, self._choices = caption, choices
        self.setObjectName(f"chooser{caption.title().replace(' ', '')}")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(self)
        menu.aboutToShow.connect(self._list)
        self.setMenu(menu)
        self.refresh()

    def _list(self) -> None:
        self.menu().clear()
        self.menu().addActions(list(self._choices()))

    def refresh(self) -> None:
        """Show what is chosen now."""
        checked = next((action for action in self._choices() if action.isChecked()), None)
        text = checked.text().partition("\t")[0] if checked else "–"
        name = text.removeprefix(self._caption).strip()
        # What is in brackets stays in the menu: toolbars of small windows have no room for it.
        short = f"{self._caption}: {name.partition(' (')[0].strip()}"
        elide = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(short, elide, _WIDEST))
        self.setToolTip(f"{self._caption}: {name}")
        self.setAccessibleName(self.toolTip())
        self.setEnabled(any(action.isEnabled() for action in self._choices()))
