"""The controls of a replay: play, step, slide, speed."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.replay.player import ReplayPlayer

_BUTTONS = (
    ButtonSpec("first", "first", "First step"),
    ButtonSpec("back", "previous", "Step back"),
    ButtonSpec("play", "run", "Play or pause"),
    ButtonSpec("on", "next", "Step on"),
    ButtonSpec("last", "last", "Last step"),
)
SPEEDS = (0.5, 1.0, 2.0, 5.0, 20.0)


class ReplayDock(QDockWidget):
    """Drives a player, and says where it is.

    Signals:
        endAsked: A person wants to annotate again.
    """

    endAsked = Signal()  # noqa: N815 - Qt spells signals so

    def __init__(self, player: ReplayPlayer, parent: QWidget | None) -> None:
        super().__init__("Replay", parent)
        self.setObjectName("replayDock")
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)
        self._player = player
        self.buttons = ButtonRow(_BUTTONS, self._command, self)
        self.slider = self._make_slider()
        self.label = QLabel(self)
        self.label.setAccessibleName("Step of the replay")
        self.label.setMinimumWidth(300)
        self.speed = self._make_speeds()
        self.follow = QCheckBox("Follow the camera", self)
        self.follow.setChecked(True)
        self.end = QPushButton("End Replay", self)
        self.end.clicked.connect(self.endAsked)
        self._lay_out()
        player.moved.connect(self._show)
        player.runningChanged.connect(self._show_running)
        self._show(player.place)
        self._show_running(False)

    def _make_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setAccessibleName("Place in the replay")
        slider.setRange(0, len(self._player.film.scenes) - 1)
        slider.setPageStep(10)
        slider.valueChanged.connect(self._player.go)
        return slider

    def _make_speeds(self) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName("Speed of the replay")
        for speed in SPEEDS:
            box.addItem(f"{speed:g} ×", speed)
        box.setCurrentIndex(SPEEDS.index(self._player.speed))
        box.currentIndexChanged.connect(self._set_speed)
        return box

    def _lay_out(self) -> None:
        body = QWidget(self)
        row = QHBoxLayout()
        row.addWidget(self.buttons)
        row.addWidget(self.label)
        row.addStretch(1)
        for widget in (self.speed, self.follow, self.end):
            row.addWidget(widget)
        column = QVBoxLayout(body)
        column.setContentsMargins(10, 2, 10, 8)
        column.setSpacing(4)
        column.addWidget(self.slider)
        column.addLayout(row)
        body.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(body)

    def _command(self, name: str) -> None:
        whole = len(self._player.film.scenes)
        if name == "play":
            self._player.toggle()
        else:
            self._player.step({"first": -whole, "back": -1, "on": +1, "last": whole}[name])

    def _set_speed(self, index: int) -> None:
        self._player.speed = float(self.speed.itemData(index))

    def _show(self, place: int) -> None:
        scenes = self._player.film.scenes
        scene = scenes[place]
        minutes, seconds = divmod(scene.elapsed_s, 60)
        later = " (undone later)" if scene.undone else ""
        self.label.setText(
            f"{place + 1} of {len(scenes)}   {minutes:.0f}:{seconds:04.1f}   {scene.text}{later}"
        )
        self.slider.blockSignals(True)
        self.slider.setValue(place)
        self.slider.blockSignals(False)

    def _show_running(self, running: bool) -> None:
        self.buttons.show_icon("play", "pause" if running else "run")
