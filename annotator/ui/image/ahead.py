"""Reads the photo that comes next while the present one is annotated."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from annotator.domain import AnnotatorError, Cancelled, CancelToken, no_progress
from annotator.formats import image_size
from annotator.ui.image.loading import LoadedPhoto, load_photo

LARGEST = 60_000_000
"""Photos of more pixels are not read ahead: two of them need too much memory."""


class ReadAhead(QObject):
    """Keeps one photo ready.

    Signals:
        ready: A `LoadedPhoto`.
    """

    ready = Signal(object)
    _read = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._token = CancelToken()
        self._wanted: Path | None = None
        self._photo: LoadedPhoto | None = None
        self._read.connect(self._keep, Qt.ConnectionType.QueuedConnection)

    def want(self, path: Path, spacing: float | None) -> None:
        """Read this photo; another one that is being read is given up.

        Args:
            path: The file.
            spacing: Reduction that the project decided on; None to decide now.
        """
        if path == self._wanted:
            return
        self.forget()
        self._wanted = path
        self._thread.submit(self._work, path, spacing, self._token)

    def _work(self, path: Path, spacing: float | None, token: CancelToken) -> None:
        try:
            width, height = image_size(path)
            if width * height <= LARGEST:
                self._read.emit(load_photo(path, spacing, no_progress, token))
        except (AnnotatorError, Cancelled, OSError, MemoryError):
            return  # whoever opens it will be told

    def _keep(self, photo: LoadedPhoto) -> None:
        if photo.path == self._wanted:
            self._photo = photo
            self.ready.emit(photo)

    def take(self, path: Path) -> LoadedPhoto | None:
        """Return a photo if it was read ahead and has not changed since."""
        photo = self._photo
        return photo if photo is not None and photo.path == path else None

    def forget(self) -> None:
        """Let go of what was read."""
        self._token.cancel()
        self._token = CancelToken()
        self._wanted = self._photo = None

    def close(self) -> None:
        """Stop reading."""
        self.forget()
        self._thread.shutdown(wait=True, cancel_futures=True)
