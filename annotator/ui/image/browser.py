"""The photos of a folder as a strip of thumbnails."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QCloseEvent, QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDockWidget,
    QListView,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import AnnotatorError
from annotator.formats import read_thumbnail
from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.basics.icons import icon

Index = QModelIndex | QPersistentModelIndex

THUMBNAIL = QSize(132, 96)
"""Logical size of a thumbnail."""

DOCK_WIDTH = THUMBNAIL.width() + 58
"""Logical width at which the dock shows one column."""

_KEPT = 1500
_BUTTONS = (
    ButtonSpec("previous_asset", "previous", "Previous photo (Shift+PgUp)"),
    ButtonSpec("next_asset", "next", "Next photo (Shift+PgDown)"),
)


class Thumbnails(QObject):
    """Reads thumbnails aside, those asked for last first.

    Signals:
        arrived: The path of a photo whose thumbnail is there now.
    """

    arrived = Signal(object)
    _read = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="thumbnails")
        self._known: OrderedDict[Path, QIcon | None] = OrderedDict()
        self._wanted: list[Path] = []
        self._closed = False
        self._read.connect(self._keep, Qt.ConnectionType.QueuedConnection)

    def get(self, path: Path) -> QIcon | None:
        """Return a thumbnail if it is there; else it is read, and `arrived` follows."""
        if path not in self._known:
            self._known[path] = None
            self._wanted.append(path)
            self._thread.submit(self._work)
        return self._known[path]

    def _work(self) -> None:
        while self._wanted and not self._closed:
            path = self._wanted.pop()
            try:
                rgb = np.ascontiguousarray(read_thumbnail(path, 2 * THUMBNAIL.width()).rgb)
            except (AnnotatorError, MemoryError):
                self._read.emit(path, None)
                continue
            height, width = rgb.shape[:2]
            kind = QImage.Format.Format_RGB888
            self._read.emit(path, QImage(rgb.data, width, height, 3 * width, kind).copy())

    def _keep(self, path: Path, image: QImage | None) -> None:
        if self._closed:
            return
        self._known[path] = _untinted(_missing() if image is None else _framed(image))
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        self.arrived.emit(path)

    def close(self) -> None:
        """Stop reading."""
        self._closed = True
        self._wanted.clear()
        self._thread.shutdown(wait=True, cancel_futures=True)


def _framed(image: QImage) -> QPixmap:
    """Return a photo in the middle of a thumbnail."""
    ratio = 2
    size = THUMBNAIL * ratio
    picture = QPixmap(size)
    picture.fill(Qt.GlobalColor.transparent)
    kept, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    scaled = image.scaled(size, kept, smooth)
    painter = QPainter(picture)
    painter.drawImage(
        (size.width() - scaled.width()) // 2, (size.height() - scaled.height()) // 2, scaled
    )
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def _untinted(picture: QPixmap) -> QIcon:
    """Return an icon that a selected row does not tint."""
    result = QIcon(picture)
    result.addPixmap(picture, QIcon.Mode.Selected)
    return result


def _missing() -> QPixmap:
    picture = QPixmap(THUMBNAIL)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    icon("missing").paint(painter, picture.rect().adjusted(40, 28, -40, -28))
    painter.end()
    return picture


class PhotosModel(QAbstractListModel):
    """One row a photo."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.thumbnails = Thumbnails(self)
        self.thumbnails.arrived.connect(self._announce)
        self._photos: tuple[Path, ...] = ()
        self._notes: Mapping[Path, str] = {}
        self._blank = QPixmap(THUMBNAIL)
        self._blank.fill(QColor(128, 128, 128, 40))

    def show(self, photos: Sequence[Path], notes: Mapping[Path, str]) -> None:
        """List photos, with what was done on some of them."""
        if tuple(photos) != self._photos:
            self.beginResetModel()
            self._photos, self._notes = tuple(photos), dict(notes)
            self.endResetModel()
            return
        changed = [p for p in self._photos if self._notes.get(p) != notes.get(p)]
        self._notes = dict(notes)
        for path in changed:
            self._announce(path)

    def path_at(self, row: int) -> Path | None:
        """Return the photo of a row."""
        return self._photos[row] if 0 <= row < len(self._photos) else None

    def row_of(self, path: Path) -> int:
        """Return the row of a photo; -1 if it is not there."""
        return self._photos.index(path) if path in self._photos else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of photos."""
        return 0 if parent.isValid() else len(self._photos)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        """Return names, thumbnails and words for screen readers."""
        path = self.path_at(index.row())
        if path is None:
            return None
        note = self._notes.get(path, "")
        if role == Qt.ItemDataRole.DisplayRole:
            return f"✓ {path.name}" if note else path.name
        if role == Qt.ItemDataRole.DecorationRole:
            return self.thumbnails.get(path) or self._blank
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{path.name}: {note or 'untouched'}"
        return None

    def _announce(self, path: Path) -> None:
        row = self.row_of(path)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))


class PhotosDock(QDockWidget):
    """The dock of a folder's photos.

    Signals:
        photoChosen: A person chose to see this photo.
        commandChosen: A person pressed a button; handler name of the action table.
        dismissed: A person closed the dock.
    """

    photoChosen = Signal(object)  # noqa: N815 - Qt spells signals so
    commandChosen = Signal(str)  # noqa: N815
    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Photos", parent)
        self.setObjectName("photosDock")
        self.model = PhotosModel(self)
        self.list = QListView(self)
        self.list.setObjectName("photosList")
        self.list.setAccessibleName("Photos of the folder")
        self.list.setModel(self.model)
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setIconSize(THUMBNAIL)
        self.list.setGridSize(THUMBNAIL + QSize(18, 34))
        self.list.setUniformItemSizes(True)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        self._buttons = ButtonRow(_BUTTONS, self.commandChosen.emit, self)
        body = QWidget(self)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.list)
        layout.addWidget(self._buttons)
        self.setWidget(body)
        self.setMinimumWidth(DOCK_WIDTH)

    def show_photos(
        self, photos: Sequence[Path], notes: Mapping[Path, str], shown: Path | None
    ) -> None:
        """List photos and mark the one shown; announces nothing."""
        self.model.show(photos, notes)
        row = -1 if shown is None else self.model.row_of(shown)
        if row >= 0 and row != self.list.currentIndex().row():
            self.list.setCurrentIndex(self.model.index(row))
            self.list.scrollTo(self.model.index(row))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember that it was a person who closed the dock."""
        self.dismissed.emit()
        super().closeEvent(event)

    def _choose(self, index: QModelIndex) -> None:
        path = self.model.path_at(index.row())
        if path is not None:
            self.photoChosen.emit(path)
