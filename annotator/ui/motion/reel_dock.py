"""The controls of the clip: play, scrub, what is shown, two settings, full quality."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.annotate.button_row import ButtonRow, ButtonSpec
from annotator.ui.motion.moving import Moving
from annotator.ui.motion.screen import Screen

_BUTTONS = (
    ButtonSpec("previous_frame", "previous", "Frame before (Alt+,)"),
    ButtonSpec("play_clip", "run", "Play or pause (Ctrl+Space)"),
    ButtonSpec("next_frame", "next", "Frame after (Alt+.)"),
)
_SIDES = (("a", "Show A"), ("b", "Show B"), ("split", "A | B"))
_SWITCHES = (
    ("flow", "Flow", "Show where what is seen moves (Shift+F)"),
    ("onion", "Onion skin", "Let frames before and after shine through (Shift+O)"),
    ("masks", "Masks", "Show masks over the clip"),
    ("edge", "Soft edge", "Show how far the region counts as itself"),
)


class ReelDock(QDockWidget):
    """Drives a screen.

    Signals:
        commandChosen: A person pressed a button; handler name of the action table.
    """

    commandChosen = Signal(str)  # noqa: N815 - Qt spells signals so

    def __init__(self, moving: Moving, screen: Screen, parent: QWidget | None) -> None:
        super().__init__("Clip", parent)
        self.setObjectName("reelDock")
        self._moving, self._screen = moving, screen
        self.buttons = ButtonRow(_BUTTONS, self.commandChosen.emit, self)
        self.slider = self._slider("Frame of the clip", screen.player.go)
        self.slider.sliderPressed.connect(screen.pause)
        self.place = QLabel(self)
        self.place.setAccessibleName("Frame")
        self.place.setMinimumWidth(150)
        self.switches = {name: self._switch(name, *words) for name, *words in _SWITCHES}
        self.sides = self._make_sides()
        self.split = self._slider("Where the view is split", self._set_split)
        self.keep = self._button("Keep as B", "keep_b", "Keep these settings to compare with")
        self.use = self._button("Use B", "use_b", "Take the kept settings; these become B")
        self.render_button = self._button("Render", "render_clip", "Make the clip at full quality")
        self.export_button = self._button(
            "Export Clip…", "export_clip", "Write the clip at full quality"
        )
        self.bar = QProgressBar(self)
        self.bar.setAccessibleName("Progress of the rendering")
        self.bar.setMaximumSize(140, 18)
        self.bar.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        screen.player.moved.connect(lambda _: self._show_place())
        screen.player.runningChanged.connect(self._show_running)
        screen.changed.connect(self.refresh)
        moving.changed.connect(self.refresh)
        self.refresh()

    def _slider(self, title: str, moved: Callable[[int], object]) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setAccessibleName(title)
        slider.setRange(0, 100)
        slider.setValue(50)
        slider.valueChanged.connect(moved)
        return slider

    def _switch(self, name: str, title: str, tip: str) -> QCheckBox:
        box = QCheckBox(title, self)
        box.setToolTip(tip)
        box.toggled.connect(lambda on: self._screen.set(**{name: on}))
        return box

    def _make_sides(self) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName("Which settings are shown")
        for side, title in _SIDES:
            box.addItem(title, side)
        box.activated.connect(lambda _: self._screen.set(side=box.currentData()))
        return box

    def _button(self, title: str, command: str, tip: str) -> QPushButton:
        button = QPushButton(title, self)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self.commandChosen.emit(command))
        return button

    def _set_split(self, percent: int) -> None:
        self._screen.set(split=percent / 100)

    def _lay_out(self) -> None:
        body = QWidget(self)
        above, below = QHBoxLayout(), QHBoxLayout()
        above.addWidget(self.buttons)
        above.addWidget(self.slider, 1)
        above.addWidget(self.place)
        for box in self.switches.values():
            below.addWidget(box)
        below.addSpacing(12)
        for choice in (self.sides, self.split, self.keep, self.use):
            below.addWidget(choice)
        below.addStretch(1)
        for widget in (self.bar, self.render_button, self.export_button):
            below.addWidget(widget)
        self.split.setMaximumWidth(110)
        column = QVBoxLayout(body)
        column.setContentsMargins(10, 2, 10, 8)
        column.setSpacing(4)
        column.addLayout(above)
        column.addLayout(below)
        self.buttons.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        body.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(body)

    # What it shows --------------------------------------------------------------------------

    def refresh(self) -> None:
        """Follow clip, options and rendering."""
        reel, screen, moving = self._screen.reel, self._screen, self._moving
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(len(reel) - 1, 0) if reel else 0)
        for name, box in self.switches.items():
            with QSignalBlocker(box):
                box.setChecked(bool(getattr(screen, name)))
        for clip_widget in (self.slider, self.buttons, self.keep):
            clip_widget.setEnabled(reel is not None)
        for kept_widget in (self.sides, self.use):
            kept_widget.setEnabled(moving.kept is not None)
        self.sides.setCurrentIndex([side for side, _ in _SIDES].index(screen.side))
        self.split.setVisible(screen.side == "split")
        self._show_rendering()
        self._show_place()

    def _show_rendering(self) -> None:
        render = self._moving.render
        self.bar.setVisible(render.rendering)
        self.bar.setValue(round(100 * render.fraction))
        self.render_button.setText("Stop" if render.rendering else "Render")
        done = render.clip is not None
        self.render_button.setEnabled(render.rendering or (self._moving.moves and not done))
        self.export_button.setEnabled(self._moving.moves and not render.rendering)

    def _show_place(self) -> None:
        player, reel = self._screen.player, self._screen.reel
        with QSignalBlocker(self.slider):
            self.slider.setValue(player.frame)
        if reel is None:
            busy = self._moving.preview.busy and self._moving.moves
            self.place.setText("Preparing a preview…" if busy else "No clip yet")
            return
        more = " · full quality" if self._moving.render.clip is not None else ""
        if self._moving.preview.busy:
            more = " · updating…"
        self.place.setText(f"{player.frame + 1} of {player.count}{more}")

    def _show_running(self, running: bool) -> None:
        self.buttons.show_icon("play_clip", "pause" if running else "run")
