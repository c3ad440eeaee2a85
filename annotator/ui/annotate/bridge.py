"""Carries engine events from the session's thread into the GUI thread."""

from PySide6.QtCore import QObject, Qt, Signal

from annotator.engine.session import EngineEvent, EngineSession


class EngineBridge(QObject):
    """Emits `arrived(EngineEvent)` in the GUI thread, in the order the session sent them.

    After `close` nothing arrives any more, not even what was already under way.
    """

    arrived = Signal(object)
    _crossing = Signal(object)

    def __init__(self, session: EngineSession, parent: QObject) -> None:
        super().__init__(parent)
        self._open = True
        self._crossing.connect(self._land, Qt.ConnectionType.QueuedConnection)
        self._disconnect = session.events.connect(self._crossing.emit)

    def _land(self, event: EngineEvent) -> None:
        if self._open:
            self.arrived.emit(event)

    def close(self) -> None:
        """Stop listening."""
        self._open = False
        self._disconnect()
