"""Records where the camera came to rest, so that a session can be replayed."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from annotator.ui.view import AnnotationView

REST_MS = 1000
"""How long the camera must stand still: a drag makes one record, not hundreds."""


class CameraLog(QObject):
    """Calls `record(camera_json)` once after each camera movement."""

    def __init__(
        self, view: AnnotationView, record: Callable[[str], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._record = record
        self._last = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self.flush)
        view.cameraChanged.connect(self._on_move)

    def _on_move(self) -> None:
        self._timer.start()

    def flush(self) -> None:
        """Record now if the camera moved since the last record."""
        self._timer.stop()
        camera = self._view.camera.to_json()
        if camera != self._last:
            self._last = camera
            self._record(camera)

    def rest(self) -> None:
        """Take the present camera as recorded, after opening an asset."""
        self._timer.stop()
        self._last = self._view.camera.to_json()

    def close(self) -> None:
        """Record a last time if a movement is still pending, and let go of the view."""
        if self._timer.isActive():
            self.flush()
        self._view.cameraChanged.disconnect(self._on_move)
