"""What the window shows before a scan is open: where to drop one, and the recent ones."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.basics.icons import icon, pixmap

_PATH = Qt.ItemDataRole.UserRole
_ACCEPTED = (
    "Photos: JPEG · PNG · TIFF · WebP · BMP, or a folder of them\n"
    "Scans: PLY · PCD · LAS/LAZ · XYZ/PTS/TXT · NPY/NPZ · KITTI · S3DIS and ScanNet folders"
)


class _DropArea(QFrame):
    """The dashed frame; brighter while a file hovers over the window."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("dropArea")
        self.eager = False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = QPalette.ColorRole.Highlight if self.eager else QPalette.ColorRole.Mid
        colour = self.palette().color(role)
        painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine))
        fill = QColor(self.palette().color(QPalette.ColorRole.Highlight))
        fill.setAlpha(28 if self.eager else 0)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 16, 16)
        painter.end()


class StartPage(QWidget):
    """The empty state."""

    open_asked = Signal()
    folder_asked = Signal()
    sample_asked = Signal()
    recent_asked = Signal(object)
    forget_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("startPage")
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self._area = _DropArea(self)
        self._picture = QLabel(self._area)
        self.open_button = QPushButton("Open File…", self._area)
        self.folder_button = QPushButton("Open Folder…", self._area)
        self.sample_button = QPushButton("Try the Sample", self._area)
        self.recent_list = QListWidget(self)
        self.recent_list.setObjectName("recentList")
        self.recent_list.setAccessibleName("Recent files, folders and projects")
        self._recent_title = QLabel("Recent", self)
        self._lay_out_area()
        self._lay_out()
        self.open_button.clicked.connect(self.open_asked)
        self.folder_button.clicked.connect(self.folder_asked)
        self.sample_button.clicked.connect(self.sample_asked)
        self.recent_list.itemActivated.connect(self._ask_for)
        self.recent_list.itemClicked.connect(self._ask_for)
        self.retint()

    def _lay_out_area(self) -> None:
        centre = Qt.AlignmentFlag.AlignHCenter
        column = QVBoxLayout(self._area)
        column.setContentsMargins(32, 36, 32, 36)
        column.setSpacing(8)
        column.addWidget(self._picture, 0, centre)
        column.addWidget(
            _text("Drop a photo or a scan here", self._area, 1.9, bold=True), 0, centre
        )
        column.addWidget(_text("Then click objects: each click says “this belongs to "
                               "object n”.", self._area), 0, centre)  # fmt: skip
        column.addSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch()
        for button in (self.open_button, self.folder_button, self.sample_button):
            button.setMinimumHeight(34)
            button.setMinimumWidth(130)
            row.addWidget(button)
        row.addStretch()
        column.addLayout(row)
        column.addSpacing(10)
        column.addWidget(_text(_ACCEPTED, self._area, 0.92, faint=True), 0, centre)

    def _lay_out(self) -> None:
        font = self._recent_title.font()
        font.setBold(True)
        self._recent_title.setFont(font)
        self.recent_list.setIconSize(QSize(20, 20))
        inner = QVBoxLayout()
        inner.setSpacing(10)
        inner.addStretch(2)
        inner.addWidget(self._area)
        inner.addSpacing(14)
        inner.addWidget(self._recent_title)
        inner.addWidget(self.recent_list, 3)
        inner.addStretch(1)
        holder = QWidget(self)
        holder.setMaximumWidth(760)
        holder.setLayout(inner)
        inner.setContentsMargins(24, 0, 24, 24)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(holder, 12)
        outer.addStretch(1)

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Show the recent files; those that are gone are marked as missing."""
        self.recent_list.clear()
        for path in paths:
            self._add_recent(path)
        shown = bool(paths)
        self.recent_list.setVisible(shown)
        self._recent_title.setVisible(shown)

    def _add_recent(self, path: Path) -> None:
        missing = not path.exists()
        note = "missing – click to remove from this list" if missing else str(path.parent)
        item = QListWidgetItem(f"{path.name}   –   {note}", self.recent_list)
        item.setIcon(icon("missing" if missing else "scan"))
        item.setData(_PATH, (path, missing))
        item.setToolTip(str(path))
        if missing:
            faint = self.palette().color(QPalette.ColorRole.PlaceholderText)
            item.setForeground(faint)

    def _ask_for(self, item: QListWidgetItem) -> None:
        path, missing = item.data(_PATH)
        (self.forget_asked if missing else self.recent_asked).emit(path)

    def set_eager(self, eager: bool) -> None:
        """Highlight the drop area while a file hovers over the window."""
        self._area.eager = eager
        self._area.update()

    def retint(self) -> None:
        """Draw pictures in the palette's colours."""
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        self._picture.setPixmap(pixmap("scan", colour, 72, self.devicePixelRatioF()))


def _text(
    words: str, parent: QWidget, scale: float = 1.0, *, bold: bool = False, faint: bool = False
) -> QLabel:
    label = QLabel(words, parent)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    font = QFont(label.font())
    font.setPointSizeF(font.pointSizeF() * scale)
    font.setBold(bold)
    label.setFont(font)
    if faint:
        label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
