"""The shell's own dialogs: palette, shortcuts, preferences, help, theme."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog

from annotator.ui.basics.crash import log_file
from annotator.ui.commands.command_palette import CommandPalette
from annotator.ui.commands.help_dialog import HelpDialog, about_page, shortcuts_page
from annotator.ui.commands.shortcuts_editor import ShortcutsEditor
from annotator.ui.window.preferences_dialog import PreferencesDialog

if TYPE_CHECKING:
    from annotator.ui.window.main_window import MainWindow


class ShellHandlers(QObject):
    """What the Edit and Help menus do beside annotation."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {
            "command_palette": self.show_palette,
            "edit_shortcuts": self.edit_shortcuts,
            "preferences": self.edit_preferences,
            "set_theme": self.set_theme,
            "full_screen": self.set_full_screen,
            "show_help": self.show_help,
            "show_log": self.show_log,
            "about": self.show_about,
            "close_project": self._window.close_workspace,
            "quit": self._window.close,
        }

    def show_palette(self) -> None:
        """Find any command by a few letters."""
        extra = list(self._window.engines.menu.actions.values())
        palette = CommandPalette(self._window.actions_manager, extra, self._window)
        palette.show()

    def edit_shortcuts(self) -> None:
        """Change keys."""
        editor = ShortcutsEditor(self._window.preferences.shortcuts, self._window)
        editor.accepted.connect(
            lambda: self._window.preferences.set_shortcuts(editor.result_shortcuts)
        )
        self._open(editor)

    def edit_preferences(self) -> None:
        """Change settings."""
        self._open(PreferencesDialog(self._window.preferences, self._window))

    def _open(self, dialog: QDialog) -> None:
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def set_theme(self, theme: str) -> None:
        """Switch between light, dark and the system's look."""
        self._window.preferences["theme"] = theme

    def set_full_screen(self, on: bool) -> None:
        """Fill the screen, or not."""
        if on:
            self._window.showFullScreen()
        else:
            self._window.showNormal()
        self._window.refresh_conditions()

    def show_help(self) -> None:
        """Show gestures and shortcuts."""
        page = shortcuts_page(self._window.preferences.shortcuts)
        HelpDialog("Shortcuts and Gestures", page, self._window).show()

    def show_about(self) -> None:
        """Show what this is."""
        HelpDialog("About", about_page(self._window.view.renderer_name), self._window).show()

    def show_log(self) -> None:
        """Open the log file."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file())))
