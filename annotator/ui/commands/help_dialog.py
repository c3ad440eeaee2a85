"""The sheet of gestures and shortcuts, made from the table of actions, and the about text."""

import html
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

import annotator
from annotator.ui.commands.actions import ACTIONS, MENUS
from annotator.ui.commands.shortcuts import Shortcuts, effective

_GESTURES = (
    ("Left click", "this point belongs to the current object"),
    ("Ctrl + left click", "this point belongs to no object (background)"),
    ("Right click on a marker", "delete that click"),
    ("Drag a marker", "move that click"),
    ("Hold Q", "place several clicks; the network runs once when you let go"),
    ("Alt with brush or lasso", "take hidden points too; Ctrl erases"),
    ("Left drag", "turn around the scan"),
    ("Right or middle drag, Shift + left drag", "shift the scan"),
    ("Wheel", "zoom to the cursor"),
    (
        "Double click (with the click tool: Shift + double click)",
        "turn around this point from now on",
    ),
    ("Arrow keys, then Space or Enter in the view", "move a cursor and click without a mouse"),
    ("Drop a file on the window", "open it"),
)
_PHOTO_GESTURES = (
    ("Left click", "inside: this belongs to the current object"),
    ("Right click, Alt + left click", "outside: this does not belong to the current object"),
    ("Right click on a marker", "delete that click"),
    ("Drag a marker", "move that click"),
    (
        "Digits while masks are offered",
        "take the mask of that number; Escape keeps the present one",
    ),
    ("Drag, middle drag, Space + drag", "move the photo"),
    ("Wheel", "zoom to the cursor"),
    (
        "Polygon: click, hold to draw, Enter",
        "close it; Ctrl + Enter takes away, Backspace steps back",
    ),
    ("Outline: drag a corner or a side", "move it; a right click removes a corner"),
)
_PACKAGES = ("PySide6-Essentials", "numpy", "torch", "laspy")


class HelpDialog(QDialog):
    """A page of text."""

    def __init__(self, title: str, page: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("helpDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(640, 620)
        self.browser = QTextBrowser(self)
        self.browser.setOpenExternalLinks(True)
        self.browser.setAccessibleName(title)
        self.browser.setHtml(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self.browser, 1)
        column.addWidget(buttons)
        self.browser.setFocus(Qt.FocusReason.OtherFocusReason)


def shortcuts_page(own: Shortcuts) -> str:
    """Return the sheet of gestures and shortcuts in force as HTML."""
    keys = effective(own)
    tables = (
        ("Mouse", _GESTURES),
        ("Mouse on Photos", _PHOTO_GESTURES),
        ("Objects", _digit_rows()),
    )
    sections = [_table(title, rows) for title, rows in tables]
    for menu in MENUS:
        rows = [
            (_spelled(keys[spec.action_id]), spec.title.rstrip("…"))
            for spec in ACTIONS
            if spec.menu == menu and keys[spec.action_id]
        ]
        sections.append(_table(menu, rows))
    return "".join(sections)


def _digit_rows() -> list[tuple[str, str]]:
    return [
        ("1 … 9", "click for object 1 … 9, on the main row and the keypad"),
        ("0", "click for the background"),
    ]


def _spelled(sequences: Iterable[str]) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(sequence).toString(native) for sequence in sequences)


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(
        f"<tr><td width='230'><b>{html.escape(keys)}</b></td><td>{html.escape(words)}</td></tr>"
        for keys, words in rows
    )
    return f"<h3>{html.escape(title)}</h3><table cellpadding='3'>{body}</table>" if body else ""


def about_page(renderer: str) -> str:
    """Return what this program is, with versions, as HTML."""
    rows = [("annotator", annotator.__version__), ("3D renderer", renderer)]
    rows += [(name, _version(name)) for name in _PACKAGES]
    return (
        "<h2>Click Annotator</h2><p>Click-based annotation of 3D scans: each click says "
        "which object a point belongs to, and a network masks the objects.</p>"
        "<p>MIT licence. Networks and their weights have licences of their own; see "
        "<tt>annotator plugins info</tt>.</p>" + _table("Versions", rows)
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
