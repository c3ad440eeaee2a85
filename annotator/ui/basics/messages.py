"""Messages in the window instead of boxes over it: headline, expandable details, buttons."""

import traceback
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.domain import AnnotatorError
from annotator.ui.basics.icons import icon, pixmap
from annotator.ui.basics.theme import is_dark, level_colour

Button = tuple[str, Callable[[], object]]

_MOST_BANNERS = 3
_FADE_MS = {"info": 8_000, "success": 8_000}
_SPOKEN = {"info": "Note", "success": "Done", "warning": "Warning", "error": "Error"}


class Banner(QFrame):
    """One message."""

    closed = Signal()

    def __init__(
        self, headline: str, detail: str, level: str, buttons: Sequence[Button], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.headline, self.detail, self.level = headline, detail, level
        self.setAccessibleName(f"{_SPOKEN.get(level, 'Note')}: {headline}")
        self.setAccessibleDescription(detail)
        self._picture = QLabel(self)
        self._details = self._make_details()
        self._close = QToolButton(self)
        self._lay_out(buttons)
        self.retint()

    def _make_details(self) -> QPlainTextEdit:
        details = QPlainTextEdit(self.detail, self)
        details.setReadOnly(True)
        details.setMaximumHeight(160)
        details.setAccessibleName("Details of the message")
        details.hide()
        return details

    def _lay_out(self, buttons: Sequence[Button]) -> None:
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self._make_texts(), 1)
        if self._is_long():
            row.addWidget(self._make_toggle())
        for text, action in buttons:
            row.addWidget(self._make_button(text, action))
        self._close.setAutoRaise(True)
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(self.closed)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.addLayout(row)
        column.addWidget(self._details)

    def _make_texts(self) -> QVBoxLayout:
        texts = QVBoxLayout()
        texts.setSpacing(2)
        headline = _wrapped(self.headline, self)
        font = headline.font()
        font.setBold(True)
        headline.setFont(font)
        texts.addWidget(headline)
        if self.detail and not self._is_long():
            texts.addWidget(_wrapped(self.detail, self))
        return texts

    def _is_long(self) -> bool:
        return len(self.detail) > 240 or self.detail.count("\n") > 1

    def _make_toggle(self) -> QPushButton:
        toggle = QPushButton("Details", self)
        toggle.setCheckable(True)
        toggle.toggled.connect(self._details.setVisible)
        return toggle

    def _make_button(self, text: str, action: Callable[[], object]) -> QPushButton:
        def press() -> None:
            self.closed.emit()
            action()

        button = QPushButton(text, self)
        button.clicked.connect(press)
        return button

    def retint(self) -> None:
        """Draw icon and border in the level's colour for the present palette."""
        dark = is_dark(self.palette())
        colour = level_colour(self.level, dark)
        name = self.level if self.level in _SPOKEN else "info"
        self._picture.setPixmap(pixmap(name, colour, 20, self.devicePixelRatioF()))
        self._close.setIcon(icon("close"))
        tint = QColor(colour)
        tint.setAlpha(44 if dark else 26)
        self.setStyleSheet(
            f"#banner {{ background: rgba({tint.red()},{tint.green()},{tint.blue()},"
            f"{tint.alpha()}); border: none; border-left: 4px solid {colour.name()}; }}"
        )


class MessageBar(QWidget):
    """The newest few messages above the view; nothing waits for them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.setAccessibleName("Messages")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self._banners: list[Banner] = []

    @property
    def banners(self) -> tuple[Banner, ...]:
        """The messages shown, oldest first."""
        return tuple(self._banners)

    def show_message(
        self, headline: str, detail: str = "", level: str = "info", buttons: Sequence[Button] = ()
    ) -> Banner:
        """Show a message; one with the same headline is replaced, the oldest makes room.

        Args:
            headline: One sentence.
            detail: More; long ones are folded behind a button.
            level: "info" and "success" vanish by themselves, "warning" and "error" stay.
            buttons: (text, function) pairs; pressing one also closes the message.
        """
        for old in [banner for banner in self._banners if banner.headline == headline]:
            self._remove(old)
        while len(self._banners) >= _MOST_BANNERS:
            self._remove(self._banners[0])
        banner = Banner(headline, detail, level, buttons, self)
        banner.closed.connect(lambda: self._remove(banner))
        self._banners.append(banner)
        self._layout.addWidget(banner)
        if level in _FADE_MS and not buttons:
            timer = QTimer(banner)
            timer.setSingleShot(True)
            timer.timeout.connect(banner.closed)
            timer.start(_FADE_MS[level])
        return banner

    def show_error(
        self, error: BaseException, doing: str = "", buttons: Sequence[Button] = ()
    ) -> Banner:
        """Say in words what went wrong; an unexpected exception adds its traceback as details."""
        if isinstance(error, AnnotatorError):
            return self.show_message(error.message, error.remedy, "error", buttons)
        headline = f"{doing or 'Something'} failed: {error or type(error).__name__}"
        detail = "".join(traceback.format_exception(error))
        return self.show_message(headline, detail, "error", buttons)

    def clear(self) -> None:
        """Remove all messages."""
        for banner in self.banners:
            self._remove(banner)

    def _remove(self, banner: Banner) -> None:
        if banner not in self._banners:
            return
        self._banners.remove(banner)
        self._layout.removeWidget(banner)
        banner.hide()
        banner.deleteLater()

    def retint(self) -> None:
        """Follow a change of the theme."""
        for banner in self._banners:
            banner.retint()


def _wrapped(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
