"""The clip box: two sliders an axis say which part of the scan is shown."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDockWidget,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec

Vector = npt.NDArray[np.float32]
Box = tuple[Vector, Vector]

_STEPS = 1000
_AXES = ("X", "Y", "Z")
_BUTTONS = (
    ButtonSpec("clip_to_object", "fit", "Clip to the current object (Shift+X)"),
    ButtonSpec("clip_all", "show", "Reset to the whole scan"),
    ButtonSpec("toggle_clip_box", "close", "Switch the clip box off (X)"),
)


class _Bound(QWidget):
    """One side of the box along one axis: a slider and a number of metres."""

    moved = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._low, self._high = 0.0, 1.0
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, _STEPS)
        self.slider.setAccessibleName(title)
        self.slider.setMinimumWidth(60)
        self.number = QDoubleSpinBox(self)
        self.number.setDecimals(2)
        self.number.setSuffix(" m")
        self.number.setAccessibleName(f"{title} in metres")
        self.slider.valueChanged.connect(self._from_slider)
        self.number.valueChanged.connect(self._from_number)

    def set_range(self, low: float, high: float) -> None:
        """Set the extent of the scan along the axis, in metres."""
        self._low, self._high = low, max(high, low + 1e-6)
        self.number.blockSignals(True)
        self.number.setRange(self._low, self._high)
        self.number.setSingleStep((self._high - self._low) / 100)
        self.number.blockSignals(False)

    @property
    def value(self) -> float:
        """Position in metres."""
        return self.number.value()

    def set_value(self, value: float) -> None:
        """Move the side without announcing it."""
        self._show(value)

    def _from_slider(self, step: int) -> None:
        self._show(self._low + (self._high - self._low) * step / _STEPS)
        self.moved.emit()

    def _from_number(self, value: float) -> None:
        self._show(value)
        self.moved.emit()

    def _show(self, value: float) -> None:
        for widget in (self.slider, self.number):
            widget.blockSignals(True)
        self.number.setValue(value)
        self.slider.setValue(round((value - self._low) / (self._high - self._low) * _STEPS))
        for widget in (self.slider, self.number):
            widget.blockSignals(False)


class ClipDock(QDockWidget):
    """The dock of the clip box.

    Signals:
        boxChanged: A person moved a side; read `box`.
        commandChosen: A person pressed a button; handler name.
    """

    boxChanged = Signal()  # noqa: N815 - Qt spells signals so
    commandChosen = Signal(str)  # noqa: N815 - Qt spells signals so

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__("Clip Box", parent)
        self.setObjectName("clipDock")
        body = QWidget(self)
        grid = QGridLayout()
        self._bounds = [self._add_axis(grid, row, body) for row in range(3)]
        grid.setColumnStretch(1, 1)
        self._buttons = ButtonRow(_BUTTONS, self.commandChosen.emit, body)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addLayout(grid)
        layout.addWidget(self._buttons)
        body.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(body)
        self._extent: Box = (np.zeros(3, np.float32), np.ones(3, np.float32))
        self.hide()

    def _add_axis(self, grid: QGridLayout, axis: int, body: QWidget) -> tuple[_Bound, _Bound]:
        low = _Bound(f"{_AXES[axis]} from", body)
        high = _Bound(f"{_AXES[axis]} to", body)
        for place, bound in enumerate((low, high)):
            row = axis * 2 + place
            grid.addWidget(QLabel(f"{_AXES[axis]} {('from', 'to')[place]}", body), row, 0)
            grid.addWidget(bound.slider, row, 1)
            grid.addWidget(bound.number, row, 2)
        low.moved.connect(lambda: self._moved(high, max(high.value, low.value)))
        high.moved.connect(lambda: self._moved(low, min(high.value, low.value)))
        return low, high

    def _moved(self, opposite: _Bound, value: float) -> None:
        opposite.set_value(value)  # the sides push each other, so the box is never inside out
        self.boxChanged.emit()

    def set_extent(self, low: Sequence[float] | Vector, high: Sequence[float] | Vector) -> None:
        """Set the extent [3], [3] of the scan in metres and open the box to all of it."""
        self._extent = (np.asarray(low, np.float32), np.asarray(high, np.float32))
        for axis, pair in enumerate(self._bounds):
            for bound in pair:
                bound.set_range(float(low[axis]), float(high[axis]))
        self.set_box(*self._extent)

    def reset(self) -> None:
        """Open the box to the whole scan."""
        self.set_box(*self._extent)

    def set_box(self, low: Vector, high: Vector) -> None:
        """Set the box [3], [3] in metres without announcing it."""
        for axis, (first, second) in enumerate(self._bounds):
            first.set_value(float(low[axis]))
            second.set_value(float(high[axis]))

    @property
    def box(self) -> Box:
        """Lower and upper corner [3] float32 in metres, widened by the numbers' rounding."""
        low = np.array([first.value for first, _ in self._bounds], np.float32) - 0.006
        high = np.array([second.value for _, second in self._bounds], np.float32) + 0.006
        return low.astype(np.float32), high.astype(np.float32)
