"""The masks that an engine offers, as numbered buttons over the photo."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from annotator.domain import Candidate

_GAP = 12  # logical pixels from the upper edge of the view


class CandidateStrip(QFrame):
    """Shows which masks there are and which one is taken.

    Signals:
        chosen: Number of the candidate that a person took, from 0.
        dismissed: A person wants no choice.
    """

    chosen = Signal(int)
    dismissed = Signal()

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.setObjectName("candidateStrip")
        self.setAccessibleName("Masks to choose from")
        self.setAutoFillBackground(False)  # the corners are round
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 6, 8, 6)
        self._row.setSpacing(4)
        self._row.addWidget(QLabel("Which mask?", self))
        self.buttons: list[QToolButton] = []
        self._close = QToolButton(self)
        self._close.setText("✕")
        self._close.setAutoRaise(True)
        self._close.setToolTip("Keep this one (Escape)")
        self._close.setAccessibleName("Keep this mask")
        self._close.clicked.connect(self.dismissed)
        self._row.addWidget(self._close)
        view.installEventFilter(self)
        self.hide()

    def show_candidates(self, candidates: Sequence[Candidate], chosen: int | None) -> None:
        """Offer masks; none hides the strip."""
        self._make_buttons(len(candidates))
        taken = 0 if chosen is None else chosen
        for number, (button, candidate) in enumerate(zip(self.buttons, candidates, strict=True)):
            button.setText(f"{number + 1}   {candidate.score:.0%}")
            button.setChecked(number == taken)
            button.setToolTip(f"Take this mask (key {number + 1})")
            button.setAccessibleName(f"Mask {number + 1}, score {candidate.score:.0%}")
        self.setVisible(bool(candidates))
        self._place()

    def _make_buttons(self, count: int) -> None:
        while len(self.buttons) > count:
            self.buttons.pop().deleteLater()
        while len(self.buttons) < count:
            button = QToolButton(self)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            number = len(self.buttons)
            button.clicked.connect(lambda _=False, n=number: self.chosen.emit(n))
            self._row.insertWidget(1 + number, button)
            self.buttons.append(button)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the middle of the view."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is not None:
            self.move(max((parent.width() - self.width()) // 2, 0), _GAP)
        self.raise_()
