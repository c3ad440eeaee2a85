"""A row of small icon buttons under a table, made from a declaration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from annotator.ui.basics import icons


@dataclass(frozen=True, slots=True)
class ButtonSpec:
    """One button: the handler it names, its icon and what it says."""

    command: str
    icon: str
    title: str


class ButtonRow(QWidget):
    """Calls `choose(command)` when a button is pressed."""

    def __init__(
        self, specs: Sequence[ButtonSpec], choose: Callable[[str], object], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._specs = tuple(specs)
        self._choose = choose
        self._buttons = {spec.command: self._make(spec) for spec in specs}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in self._buttons.values():
            layout.addWidget(button)
        layout.addStretch(1)
        self._tint()

    def _make(self, spec: ButtonSpec) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(f"button_{spec.command}")
        button.setToolTip(spec.title)
        button.setAccessibleName(spec.title)
        button.setAutoRaise(True)
        button.clicked.connect(lambda: self._choose(spec.command))
        return button

    def button(self, command: str) -> QToolButton:
        """Return the button of a command."""
        return self._buttons[command]

    def show_icon(self, command: str, icon: str) -> None:
        """Give a button another icon, such as pause for play."""
        self._specs = tuple(
            replace(spec, icon=icon) if spec.command == command else spec for spec in self._specs
        )
        self._tint()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        for spec in self._specs:
            button = self._buttons[spec.command]
            if spec.icon in icons.names():
                button.setIcon(icons.icon(spec.icon))
            else:
                button.setText(spec.title.split(maxsplit=1)[0])
