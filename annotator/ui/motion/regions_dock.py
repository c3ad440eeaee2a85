"""The regions and what each shall do: words, strength, direction, lock, soft edge."""

from math import atan2, degrees

from PySide6.QtCore import QModelIndex, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QCompleter,
    QDockWidget,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import RegionPlan
from annotator.ui.annotate.chips import CHIP_SIZE
from annotator.ui.basics.theme import is_dark, level_colour
from annotator.ui.motion import regions_model as columns
from annotator.ui.motion.regions_model import RegionsModel
from annotator.ui.motion.value_slider import ValueSlider

EXAMPLES = (
    "water flows", "water flows slowly to the left", "waterfall", "smoke rises", "fire burns",
    "clouds drift to the right", "fog moves slowly", "snow falls", "sways gently in the wind",
    "grass sways", "flag flutters", "nods", "turns", "breathes", "bounces", "bobs", "drifts",
    "lake ripples", "glows", "flickers", "stars twinkle",
)  # fmt: skip
"""Prompts that the embedded animator understands; other engines take any words."""

_LOCKS = ((False, "Free: it may leave its mask"), (True, "Confined: outside never changes"))
_STRENGTHS, _EDGES = (0.03, 6.0), (1.0, 64.0)  # pixels at 512 pixels
_COMPASS = "→↗↑↖←↙↓↘"


class RegionsDock(QDockWidget):
    """The dock of regions.

    Signals:
        objectChosen: A person chose this object as the current one.
        tried: Fields of the current plan, while something is dragged.
        chosen: Fields of the current plan, to be kept.
        edgeShown: Whether the soft edge is being set.
    """

    objectChosen = Signal(int)  # noqa: N815 - Qt spells signals so
    tried = Signal(dict)
    chosen = Signal(dict)
    edgeShown = Signal(bool)  # noqa: N815

    def __init__(self, model: RegionsModel, parent: QWidget | None) -> None:
        super().__init__("Regions", parent)
        self.setObjectName("regionsDock")
        self._model = model
        self._showing = False
        self._told: tuple[int, str] | None = None
        self.table = self._make_table()
        self.words = self._make_words()
        self.strength = ValueSlider("Strength", _strength_words, self)
        self.direction = QLabel(self)
        self.clear_arrow = QToolButton(self)
        self.lock = self._make_lock()
        self.edge = ValueSlider("Soft edge", _edge_words, self)
        self.note = QLabel(self)
        self._form = QWidget(self)
        self._lay_out()
        self._connect()

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("regionsTable")
        table.setAccessibleName("Regions")
        table.setModel(self._model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setIconSize(CHIP_SIZE)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setMinimumSectionSize(28)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        for column, width in ((columns.OBJECT, 42), (columns.NAME, 88), (columns.MOVES, 52)):
            table.setColumnWidth(column, width)
        header.setSectionResizeMode(columns.WORDS, QHeaderView.ResizeMode.Stretch)
        table.selectionModel().currentRowChanged.connect(self._announce)
        return table

    def _make_words(self) -> QLineEdit:
        line = QLineEdit(self)
        line.setObjectName("regionWords")
        line.setAccessibleName("How the region moves")
        line.setPlaceholderText("How does it move? e.g. water flows to the left")
        completer = QCompleter(list(EXAMPLES), line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        line.setCompleter(completer)
        return line

    def _make_lock(self) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName("Whether the region may leave its mask")
        for value, title in _LOCKS:
            box.addItem(title, value)
        return box

    def _lay_out(self) -> None:
        self.clear_arrow.setText("Clear")
        self.clear_arrow.setAccessibleName("Clear the arrow")
        arrow = QHBoxLayout()
        arrow.addWidget(self.direction, 1)
        arrow.addWidget(self.clear_arrow)
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        form.addRow("Words", self.words)
        form.addRow("Strength", self.strength)
        form.addRow("Direction", arrow)
        form.addRow("Lock", self.lock)
        form.addRow("Soft edge", self.edge)
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What the engine says")
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.table, 3)
        column.addWidget(self._form)
        column.addWidget(self.note)
        column.addStretch(1)
        self.setWidget(body)

    def _connect(self) -> None:
        self.words.editingFinished.connect(lambda: self._choose(words=self.words.text().strip()))
        self.words.completer().activated.connect(lambda text: self._choose(words=str(text)))
        self.strength.tried.connect(lambda value: self.tried.emit({"strength": value}))
        self.strength.chosen.connect(lambda value: self._choose(strength=value))
        self.clear_arrow.clicked.connect(lambda: self._choose(arrow=None))
        self.lock.activated.connect(lambda _: self._choose(confined=self.lock.currentData()))
        self.edge.tried.connect(lambda value: self.tried.emit({"softness": value}))
        self.edge.chosen.connect(lambda value: self._choose(softness=value))
        self.edge.slider.sliderPressed.connect(lambda: self.edgeShown.emit(True))
        self.edge.slider.sliderReleased.connect(lambda: self.edgeShown.emit(False))

    def _choose(self, **fields: object) -> None:
        if not self._showing and self._form.isEnabled():
            self.chosen.emit(fields)

    def _announce(self, current: QModelIndex) -> None:
        row = self._model.row_at(current.row())
        if row is not None and not self._showing:
            self.objectChosen.emit(row.info.object_id)

    # What it shows --------------------------------------------------------------------------

    def set_scale(self, scale: float) -> None:
        """Fit the sliders to a photo of a size in units of 512 pixels."""
        self.strength.set_range(*(scale * end for end in _STRENGTHS))
        self.edge.set_range(*(scale * end for end in _EDGES))

    def show_plan(self, plan: RegionPlan, enabled: bool) -> None:
        """Show what the current object shall do; announces nothing."""
        self._showing = True
        try:
            self._form.setEnabled(enabled)
            if (
                not self.words.hasFocus()
                or self.words.text().strip() == plan.words
                or not self.words.isModified()
            ):
                self.words.setText(plan.words)
            self.strength.show_value(plan.strength)
            self.edge.show_value(plan.softness)
            self.direction.setText(_direction_words(plan))
            self.clear_arrow.setEnabled(plan.arrow is not None)
            with QSignalBlocker(self.lock):
                self.lock.setCurrentIndex(int(plan.confined))
            self._select(plan.object_id)
        finally:
            self._showing = False

    def _select(self, object_id: int) -> None:
        row = self._model.row_of(object_id)
        if row < 0:
            self.table.selectionModel().clear()
        elif row != self.table.currentIndex().row():
            self.table.setCurrentIndex(self._model.index(row, columns.WORDS))

    def show_note(self, text: str, level: str) -> None:
        """Show what the engine says of the newest clip."""
        self.note.setText(text)
        self.note.setVisible(bool(text))
        colour = level_colour(level, is_dark(self.palette())).name() if level != "info" else ""
        self.note.setStyleSheet(f"color: {colour};" if colour else "")


def _strength_words(value: float | None) -> str:
    return "as the words say" if value is None else f"{value:.3g} px a frame"


def _edge_words(value: float | None) -> str:
    return "as usual" if value is None else f"{value:.3g} px"


def _direction_words(plan: RegionPlan) -> str:
    direction = plan.direction
    if direction is None:
        return "as the words say; drag an arrow (D)"
    angle = degrees(atan2(-direction[1], direction[0])) % 360
    return f"{_COMPASS[round(angle / 45) % 8]}  {angle:.0f}°"
