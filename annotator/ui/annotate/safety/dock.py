"""The dock beside the map: what is asked, what stands out, and a button for the suggestion."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from annotator.robustness.live.reports import Report
from annotator.robustness.live.subjects import Mode
from annotator.robustness.live.words import EXPLANATIONS, TITLES, describe, percent
from annotator.ui.annotate.safety.pins import RISKIEST, SAFEST
from annotator.ui.annotate.safety.scale import legend, lowest, picture

_SENTENCES = ("own", "safest", "riskiest", "spread", "suggestion")
_SIGNS = {"safest": SAFEST, "riskiest": RISKIEST}
_MODES: tuple[Mode, ...] = ("next", "newest")


class Legend(QWidget):
    """A bar of colours with what its ends mean."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._low = 0.0
        self._bar = picture(legend(256))
        self.setAccessibleName("Legend")
        self.show_low(0.0)

    def show_low(self, low: float) -> None:
        """Set the agreement at the risky end."""
        self._low = low
        self.setAccessibleDescription(f"Bright is {percent(low)}, dark is 100 %.")
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the bar and a line of text."""
        return QSize(200, 14 + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Return the least room."""
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw bar and ends."""
        painter = QPainter(self)
        painter.drawImage(QRectF(0, 0, self.width(), 10), self._bar)
        below = QRectF(0, 12, self.width(), self.height() - 12)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{percent(self._low)} – risky")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, "safe – 100 %")


class SafetyDock(QDockWidget):
    """Says what the map shows.

    Signals:
        modeChosen: A person asks about the next or the newest click.
        stopAsked: A person wants no more places looked at, or more after all.
        takeAsked: A person wants the suggested click.
    """

    modeChosen = Signal(str)  # noqa: N815 - Qt spells signals so
    stopAsked = Signal()  # noqa: N815 - Qt spells signals so
    takeAsked = Signal()  # noqa: N815 - Qt spells signals so

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__("How Safe Is This Click?", parent)
        self.setObjectName("safetyDock")
        body = QWidget(self)
        self.mode = QComboBox(body)
        self.mode.setAccessibleName("Which click")
        for mode in _MODES:
            self.mode.addItem(TITLES[mode], mode)
        self.mode.activated.connect(lambda _: self.modeChosen.emit(self.mode.currentData()))
        self.state = QLabel(body)
        self.state.setWordWrap(True)
        self.bar = QProgressBar(body)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.legend = Legend(body)
        self.sentences = {name: self._label(name, body) for name in _SENTENCES}
        self.take = QPushButton("Click There", body)
        self.take.setToolTip("Place the suggested click; Undo takes it back (T)")
        self.take.clicked.connect(self.takeAsked)
        self.stop = QPushButton("Stop", body)
        self.stop.clicked.connect(self.stopAsked)
        self.explanation = QLabel(body)
        self.explanation.setWordWrap(True)
        self.explanation.setEnabled(False)  # quiet, but there
        self._lay_out(body)
        self.hide()

    @staticmethod
    def _label(name: str, parent: QWidget) -> QLabel:
        label = QLabel(parent)
        label.setObjectName(f"safety_{name}")
        label.setWordWrap(True)
        return label

    def _lay_out(self, body: QWidget) -> None:
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 6, 8, 8)
        for widget in (self.mode, self.state, self.bar, self.legend, *self.sentences.values()):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.addWidget(self.take)
        row.addWidget(self.stop)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.explanation)
        column.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        self.setWidget(scroll)

    def show_mode(self, mode: Mode) -> None:
        """Say what is asked."""
        self.mode.setCurrentIndex(_MODES.index(mode))
        self.explanation.setText(EXPLANATIONS[mode])

    def show_state(self, text: str, *, running: bool, report: Report | None) -> None:
        """Say what goes on; the bar shows how far the present look is."""
        self.state.setText(text)
        self.state.setVisible(bool(text))
        self.bar.setVisible(running)
        self.stop.setVisible(report is not None)
        unfinished = report is not None and not report.how_far.finished
        self.stop.setEnabled(running or unfinished)
        self.stop.setText("Stop" if running else "Go On")
        if report is None:
            self.bar.setRange(0, 0)
            return
        self.bar.setRange(0, max(report.how_far.looked + report.how_far.left, 1))
        self.bar.setValue(report.how_far.looked)

    def show_report(self, report: Report | None, unit: str, *, may_click: bool) -> None:
        """Say what stands out."""
        said = describe(report, unit) if report is not None else {}
        for name, label in self.sentences.items():
            label.setText(f"{_SIGNS.get(name, '')} {said[name]}".strip() if name in said else "")
            label.setVisible(name in said)
        known = report is not None and len(report.values) > 0
        self.legend.setVisible(known)
        if report is not None and known:
            self.legend.show_low(lowest(report))
        suggested = report is not None and report.suggestion is not None
        self.take.setVisible(report is not None and report.question.mode == "next")
        self.take.setEnabled(suggested and may_click)
