"""A slider for a length that may be left to the engine: its left end says "as usual"."""

from collections.abc import Callable
from math import log

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

_STEPS = 100


class ValueSlider(QWidget):
    """A number on a logarithmic scale, or None at the left end.

    Signals:
        tried: (value or None,) while the handle is dragged.
        chosen: (value or None,) once it is let go, or moved by keys.
    """

    tried = Signal(object)
    chosen = Signal(object)

    def __init__(
        self, title: str, words: Callable[[float | None], str], parent: QWidget | None
    ) -> None:
        """Make it.

        Args:
            title: For those who cannot see it.
            words: Says a value.
            parent: Owner.
        """
        super().__init__(parent)
        self._words = words
        self._low, self._high = 0.1, 10.0
        self._value: float | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName(title)
        self.slider.setRange(0, _STEPS)
        self.slider.setPageStep(10)
        self.label = QLabel(self)
        self.label.setMinimumWidth(118)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.label)
        self.slider.valueChanged.connect(self._moved)
        self.slider.sliderReleased.connect(lambda: self.chosen.emit(self._value))
        self._say()

    @property
    def value(self) -> float | None:
        """The number; None for what is usual."""
        return self._value

    def set_range(self, low: float, high: float) -> None:
        """Set the numbers of the second position and of the right end."""
        self._low, self._high = low, high

    def show_value(self, value: float | None) -> None:
        """Show a number, which may lie beyond the ends; announces nothing."""
        if self.slider.isSliderDown():
            return
        self._value = value
        with QSignalBlocker(self.slider):
            self.slider.setValue(self._position(value))
        self._say()

    def _position(self, value: float | None) -> int:
        if value is None:
            return 0
        part = log(max(value, 1e-9) / self._low) / log(self._high / self._low)
        return min(max(round(1 + part * (_STEPS - 1)), 1), _STEPS)

    def _moved(self, position: int) -> None:
        part = (position - 1) / (_STEPS - 1)
        number = self._low * (self._high / self._low) ** part
        self._value = None if position == 0 else float(f"{number:.3g}")
        self._say()
        down = self.slider.isSliderDown()
        (self.tried if down else self.chosen).emit(self._value)

    def _say(self) -> None:
        text = self._words(self._value)
        self.label.setText(text)
        self.slider.setAccessibleDescription(text)
