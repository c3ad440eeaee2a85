"""When something unforeseen happens: it is logged, shown with a copy button, and work goes on."""

import faulthandler
import logging
import sys
import threading
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    Qt,
    QtMsgType,
    QUrl,
    Signal,
    Slot,
    qInstallMessageHandler,
)
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.ui.basics.folders import log_folder

LOG_NAME = "annotator.log"

_log = logging.getLogger("annotator")
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_file() -> Path:
    """Return the path of the log file."""
    return log_folder() / LOG_NAME


class CrashReporter(QObject):
    """Catches what nobody caught, in every thread, and tells the window about it.

    Attributes:
        crashed: Headline and traceback, in the GUI thread.
    """

    crashed = Signal(str, str)
    _caught = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._caught.connect(self._announce, Qt.ConnectionType.QueuedConnection)
        self._earlier = (sys.excepthook, threading.excepthook)
        self._handler = RotatingFileHandler(
            log_file(), maxBytes=2_000_000, backupCount=2, encoding="utf-8"
        )
        self._handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        )
        self._dumps: IO[str] = (log_folder() / "crash.log").open("a", encoding="utf-8")
        self._had_faulthandler = faulthandler.is_enabled()

    def install(self) -> None:
        """Take over the hooks of Python and Qt."""
        logging.getLogger().addHandler(self._handler)
        _log.setLevel(logging.INFO)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(_on_qt_message)
        if not self._had_faulthandler:
            faulthandler.enable(self._dumps)

    def uninstall(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook = self._earlier
        qInstallMessageHandler(None)
        if not self._had_faulthandler:
            faulthandler.disable()
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        self._dumps.close()

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._earlier[0](kind, error, trace)
            return
        self._report(kind, error, trace)

    def _on_thread_exception(self, event: threading.ExceptHookArgs) -> None:
        if event.exc_type is not SystemExit:
            self._report(event.exc_type, event.exc_value, event.exc_traceback)

    def _report(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        _log.error("unexpected error\n%s", text)
        self._caught.emit(f"Unexpected error: {error or kind.__name__}", text)

    @Slot(str, str)
    def _announce(self, headline: str, text: str) -> None:
        self.crashed.emit(headline, text)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
    logging.getLogger("annotator.qt").log(_QT_LEVELS.get(kind, logging.INFO), "%s", message or "")


class CrashDialog(QDialog):
    """The traceback, with buttons to copy it and to open the log folder."""

    def __init__(self, headline: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crashDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Unexpected Error")
        self.resize(720, 420)
        words = QLabel(
            f"{headline}\nEvery click so far is saved. You can go on; if the window behaves "
            "strangely, close and reopen it.",
            self,
        )
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        self.text = QPlainTextEdit(text, self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Traceback")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(words)
        column.addWidget(self.text, 1)
        column.addLayout(self._make_buttons())

    def _make_buttons(self) -> QHBoxLayout:
        self.copy_button = QPushButton("Copy", self)
        self.copy_button.clicked.connect(self._copy)
        folder = QPushButton("Open Log Folder", self)
        folder.clicked.connect(open_log_folder)
        close = QPushButton("Close", self)
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(self.copy_button)
        row.addWidget(folder)
        row.addStretch()
        row.addWidget(close)
        return row

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())


def open_log_folder() -> None:
    """Show the folder of the log file in the desktop's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder())))
