"""The submenu of recent files."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from annotator.ui.basics.icons import icon


class RecentMenu(QObject):
    """Recent scans below Open; those that are gone are marked and forgotten when chosen."""

    recent_asked = Signal(object)
    forget_asked = Signal(object)
    clear_asked = Signal()
    sample_asked = Signal()

    def __init__(self, file_menu: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        self.menu = QMenu("Open Recent", file_menu)
        self.menu.setObjectName("menuRecent")
        self.menu.setToolTipsVisible(True)
        separator = next((a for a in file_menu.actions() if a.isSeparator()), None)
        if separator is not None:
            file_menu.insertMenu(separator, self.menu)
        else:
            file_menu.addMenu(self.menu)

    def set_recent(self, paths: Sequence[Path]) -> None:
        """List the files, newest first."""
        self.menu.clear()
        for path in paths:
            self._add(path)
        self.menu.addSeparator()
        self.menu.addAction("Sample Scan", self.sample_asked.emit)
        clear = self.menu.addAction("Clear This List", self.clear_asked.emit)
        clear.setEnabled(bool(paths))

    def _add(self, path: Path) -> None:
        if path.exists():
            action = self.menu.addAction(icon("scan"), path.name)
            action.triggered.connect(lambda: self.recent_asked.emit(path))
        else:
            action = self.menu.addAction(icon("missing"), f"{path.name}  (missing: forget)")
            action.triggered.connect(lambda: self.forget_asked.emit(path))
        action.setToolTip(str(path))
