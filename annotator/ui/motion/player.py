"""Plays the frames of a clip, over and over."""

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

_SHORTEST_MS = 10


class ReelPlayer(QObject):
    """Which frame is shown, and whether it goes on by itself.

    Frames are chosen by the clock, so that a slow screen leaves some out instead of slowing
    the motion.

    Attributes:
        frame: Number of the frame shown.

    Signals:
        moved: Another frame is shown.
        runningChanged: It was started or stopped.
    """

    moved = Signal(int)
    runningChanged = Signal(bool)  # noqa: N815 - Qt spells signals so

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.frame = 0
        self._count, self._rate = 0, 24.0
        self._started_at = 0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._follow_clock)

    @property
    def count(self) -> int:
        """How many frames there are; 0 for no clip."""
        return self._count

    @property
    def running(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    def load(self, count: int, frames_per_second: float) -> None:
        """Take another clip; it goes on where the one before was."""
        self._count, self._rate = count, max(frames_per_second, 0.1)
        if self.running:
            self._restart()
        if self.frame >= count:
            self.go(0)
        else:
            self.moved.emit(self.frame)

    def forget(self) -> None:
        """Have no clip any more."""
        self.stop()
        self._count = self.frame = 0

    def go(self, frame: int) -> None:
        """Show a frame; before the first comes the last."""
        if not self._count:
            return
        self.frame = frame % self._count
        if self.running:
            self._restart()
        self.moved.emit(self.frame)

    def step(self, by: int) -> None:
        """Stop, and show the frame after (+1) or before (-1)."""
        self.stop()
        self.go(self.frame + by)

    def play(self) -> None:
        """Go on from the frame shown."""
        if self._count > 1 and not self.running:
            self._restart()
            self._timer.start(max(round(1000 / self._rate), _SHORTEST_MS))
            self.runningChanged.emit(True)

    def stop(self) -> None:
        """Stay at the frame shown."""
        if self.running:
            self._timer.stop()
            self.runningChanged.emit(False)

    def toggle(self) -> None:
        """Play, or stop."""
        if self.running:
            self.stop()
        else:
            self.play()

    def _restart(self) -> None:
        self._started_at = self.frame
        self._clock.restart()

    def _follow_clock(self) -> None:
        passed = int(self._clock.elapsed() * self._rate / 1000)
        frame = (self._started_at + passed) % self._count
        if frame != self.frame:
            self.frame = frame
            self.moved.emit(frame)
