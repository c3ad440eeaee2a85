"""The switch in the main toolbar that says, and chooses, what a photo is worked on for."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolBar, QToolButton


class TaskSwitch(QFrame):
    """A row of joined buttons of which one is pressed; gone where there is no choice.

    Attributes:
        buttons: One an action, in their order.
    """

    def __init__(self, actions: Sequence[QAction], bar: QToolBar) -> None:
        """Stand at the beginning of a toolbar, with a separator behind.

        Args:
            actions: Checkable, one a task.
            bar: The toolbar.
        """
        super().__init__(bar)
        self.setObjectName("taskSwitch")
        self.setAccessibleName("What the photo is worked on for")
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        self.buttons = [self._button(action) for action in actions]
        for button in self.buttons:
            row.addWidget(button)
        first = bar.actions()[0]
        self._places = (bar.insertWidget(first, self), bar.insertSeparator(first))

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def refresh(self) -> None:
        """Show the switch if its actions are shown."""
        shown = any(button.defaultAction().isVisible() for button in self.buttons)
        for place in self._places:
            place.setVisible(shown)
