"""Asks, at its first use and after every change, whether a third-party plugin may run."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from annotator.domain import AnnotatorError
from annotator.engine.registry import PluginEntry
from annotator.engine.trust import Content, content_of, trust, was_trusted

SHOWN_FILES = 12


class TrustDialog(QMessageBox):
    """Says whose code it is, where it lies and what it may do; No is the default."""

    def __init__(
        self, entry: PluginEntry, content: Content, changed: bool, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("trustDialog")
        manifest = entry.manifest
        self.setIcon(QMessageBox.Icon.Warning)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWindowTitle("Run this plugin?")
        again = "was changed since you agreed to it" if changed else "did not come with Annotator"
        self.setText(f"{manifest.title} {manifest.version} {again}.")
        self.setInformativeText(
            "A plugin is a program: it can read, change and send whatever you can. "
            f"Run it only if you know where it is from.\n\n{entry.folder}"
        )
        names = list(content.files[:SHOWN_FILES])
        more = len(content.files) - len(names)
        names += [f"and {more} more"] if more else []
        self.setDetailedText("\n".join([f"sha256 {content.sha256}", "", *names]))
        buttons = QMessageBox.StandardButton
        self.setStandardButtons(buttons.Yes | buttons.No)
        self.button(buttons.Yes).setText("Run it")
        self.button(buttons.No).setText("Do not run it")
        self.setDefaultButton(buttons.No)
        self.setEscapeButton(buttons.No)


def ask_trust(entry: PluginEntry, parent: QWidget | None) -> bool:
    """Ask whether a plugin may run and remember a yes; return the answer.

    A plugin that changes while the question is open stays untrusted.
    """
    try:
        content = content_of(entry.folder)
        dialog = TrustDialog(entry, content, was_trusted(entry.folder), parent)
        agreed = dialog.exec() == QMessageBox.StandardButton.Yes
        dialog.deleteLater()
        if agreed:
            trust(entry.folder, content.sha256)
    except AnnotatorError:
        return False
    return agreed
