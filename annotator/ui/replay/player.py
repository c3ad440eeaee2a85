"""Steps through a film by hand or by time."""

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.ui.replay.film import Film

LONGEST_PAUSE_S = 3.0
"""Longer pauses of a person are cut to this: nobody wants to watch somebody think."""

_SHORTEST_MS = 20


class ReplayPlayer(QObject):
    """Where a film is, and whether it runs.

    Signals:
        moved: The place in the film changed.
        runningChanged: It was started or stopped.
    """

    moved = Signal(int)
    runningChanged = Signal(bool)  # noqa: N815 - Qt spells signals so

    def __init__(self, film: Film, parent: QObject) -> None:
        super().__init__(parent)
        self.film = film
        self.place = len(film.scenes) - 1
        self.speed = 1.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._go_on)

    @property
    def running(self) -> bool:
        """Whether it plays by itself."""
        return self._timer.isActive()

    @property
    def at_end(self) -> bool:
        """Whether the last step is shown."""
        return self.place >= len(self.film.scenes) - 1

    def go(self, place: int) -> None:
        """Show a step; one before the first or after the last is the first or last."""
        place = min(max(place, 0), len(self.film.scenes) - 1)
        if place != self.place:
            self.place = place
            self.moved.emit(place)
        if self.running:
            self._wait()

    def step(self, by: int) -> None:
        """Stop, and show the next (+1) or previous (-1) step."""
        self.stop()
        self.go(self.place + by)

    def play(self) -> None:
        """Run on from here; from the beginning if this is the end."""
        if self.at_end:
            self.go(0)
        self._wait()
        self.runningChanged.emit(self.running)

    def stop(self) -> None:
        """Stay at the step shown."""
        if self.running:
            self._timer.stop()
            self.runningChanged.emit(False)

    def toggle(self) -> None:
        """Play, or stop."""
        if self.running:
            self.stop()
        else:
            self.play()

    def _wait(self) -> None:
        if not self.at_end:
            pause = min(self.film.scenes[self.place + 1].pause_s, LONGEST_PAUSE_S)
            self._timer.start(max(_SHORTEST_MS, round(pause * 1000 / self.speed)))

    def _go_on(self) -> None:
        self.go(self.place + 1)
        if self.at_end:
            self.runningChanged.emit(False)
        else:
            self._wait()
