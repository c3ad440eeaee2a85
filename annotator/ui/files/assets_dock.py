"""The list of a project's files: which there are, how far each is, and which is shown."""

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from annotator.project import AssetState
from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.basics.icons import icon

_BUTTONS = (
    ButtonSpec("add_assets", "add", "Add files to the project (Ctrl+Shift+A)"),
    ButtonSpec("previous_asset", "previous", "Previous file (Shift+PgUp)"),
    ButtonSpec("next_asset", "next", "Next file (Shift+PgDown)"),
)
_ICONS = {"cloud": "scan", "image": "photo"}
_ID = Qt.ItemDataRole.UserRole


class AssetsDock(QDockWidget):
    """The dock of the files of a project, of whatever kind they are.

    Signals:
        assetChosen: A person chose to see this asset.
        commandChosen: A person pressed a button; handler name of the action table.
        dismissed: A person closed the dock.
    """

    assetChosen = Signal(int)  # noqa: N815 - Qt spells signals so
    commandChosen = Signal(str)  # noqa: N815 - Qt spells signals so
    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Files", parent)
        self.setObjectName("assetsDock")
        self.list = QListWidget(self)
        self.list.setObjectName("assetsList")
        self.list.setAccessibleName("Files of the project")
        self.list.setIconSize(QSize(20, 20))
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        self._buttons = ButtonRow(_BUTTONS, self.commandChosen.emit, self)
        body = QWidget(self)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.list)
        layout.addWidget(self._buttons)
        self.setWidget(body)
        self.setMinimumWidth(180)

    def show_assets(self, assets: Iterable[AssetState], shown: int | None) -> None:
        """List the assets and mark the one shown; announces nothing."""
        rows = [(a.asset_id, _ICONS[a.kind] if a.path.exists() else "missing", *_texts(a))
                for a in assets]  # fmt: skip
        while self.list.count() > len(rows):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(rows):
            self.list.addItem(QListWidgetItem())
        for place, (asset_id, picture, text, tip) in enumerate(rows):
            item = self.list.item(place)
            item.setData(_ID, asset_id)
            item.setIcon(icon(picture))
            item.setText(text)
            item.setToolTip(tip)
            if asset_id == shown:
                self.list.setCurrentItem(item)

    def set_usable(self, *, writable: bool, several: bool) -> None:
        """Enable the buttons that do something now."""
        self._buttons.button("add_assets").setEnabled(writable)
        for command in ("previous_asset", "next_asset"):
            self._buttons.button(command).setEnabled(several)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember that it was a person who closed the dock."""
        self.dismissed.emit()
        super().closeEvent(event)

    def _choose(self, item: QListWidgetItem) -> None:
        self.assetChosen.emit(int(item.data(_ID)))


def _texts(asset: AssetState) -> tuple[str, str]:
    """Return what a row says, and its tooltip."""
    objects, clicks = len(asset.objects), len(asset.clicks)
    done = f"{_count(objects, 'object')}, {_count(clicks, 'click')}" if objects else "untouched"
    gone = "" if asset.path.exists() else "\nThe file is missing."
    return f"{asset.path.name}\n{done}", f"{asset.path}{gone}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
