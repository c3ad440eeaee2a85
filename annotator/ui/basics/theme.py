"""Light and dark looks: Fusion, two palettes and one style sheet made of palette roles."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from annotator.engine.paths import user_cache
from annotator.ui.basics.icons import svg

_Role = QPalette.ColorRole

_ROLES: tuple[tuple[QPalette.ColorRole, str, str], ...] = (
    # role, light, dark
    (_Role.Window, "#f4f5f7", "#23262b"),
    (_Role.WindowText, "#1c2026", "#e8eaed"),
    (_Role.Base, "#ffffff", "#1a1d21"),
    (_Role.AlternateBase, "#f7f8fa", "#202328"),
    (_Role.Text, "#1c2026", "#e8eaed"),
    (_Role.PlaceholderText, "#6b7280", "#8b929c"),
    (_Role.Button, "#fbfbfc", "#2d3137"),
    (_Role.ButtonText, "#1c2026", "#e8eaed"),
    (_Role.BrightText, "#b42318", "#ff8a80"),
    (_Role.Light, "#ffffff", "#3a3f47"),
    (_Role.Midlight, "#eceef1", "#33383f"),
    (_Role.Mid, "#c9ced6", "#454b54"),
    (_Role.Dark, "#9aa2ad", "#15171a"),
    (_Role.Shadow, "#6b7280", "#0b0c0e"),
    (_Role.Highlight, "#1f5fbf", "#4c8dff"),
    (_Role.HighlightedText, "#ffffff", "#0b1220"),
    (_Role.Link, "#1f5fbf", "#82b1ff"),
    (_Role.LinkVisited, "#5b3fa8", "#b39ddb"),
    (_Role.ToolTipBase, "#1c2026", "#e8eaed"),
    (_Role.ToolTipText, "#ffffff", "#1a1d21"),
)

_DISABLED = {False: "#9198a3", True: "#6d747e"}

_SCHEMES = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}

_STYLE = """
QToolBar { border: none; spacing: 2px; padding: 4px 6px; background: palette(window); }
QToolBar::separator { background: palette(mid); width: 1px; height: 1px; margin: 5px; }
QToolBar QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px; }
QToolBar QToolButton:hover { background: palette(midlight); border-color: palette(mid); }
QToolBar QToolButton:pressed { background: palette(mid); }
QToolBar QToolButton:checked { background: palette(midlight); border-color: palette(highlight); }
QToolBar QToolButton:focus { border-color: palette(highlight); }
QMainWindow::separator { background: palette(window); width: 5px; height: 5px; }
QMainWindow::separator:hover { background: palette(highlight); }
QDockWidget { font-weight: 600; }
QDockWidget::title { padding: 7px 10px; background: palette(window); text-align: left; }
QDockWidget > QWidget { font-weight: 400; }
QStatusBar { border-top: 1px solid palette(mid); }
QDockWidget::close-button, QDockWidget::float-button { border: none; padding: 1px; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: palette(mid);
  border-radius: 3px; }
QToolBar QToolButton[popupMode="2"] { padding-right: 16px; }
QToolBar QToolButton::menu-indicator { subcontrol-position: right center; width: 12px; }
QStatusBar::item { border: none; }
QMenu { padding: 4px; }
QMenu::item { padding: 5px 26px 5px 22px; border-radius: 4px; }
QMenu::item:selected { background: palette(highlight); color: palette(highlighted-text); }
QMenu::separator { height: 1px; background: palette(mid); margin: 4px 8px; }
QMenu::icon { padding-left: 6px; }
QToolTip { padding: 4px 6px; border: none; }
QHeaderView::section { padding: 4px 6px; border: none; border-bottom: 1px solid palette(mid);
  background: palette(window); }
QTableView, QTreeView, QListView { border: 1px solid palette(mid); border-radius: 6px;
  background: palette(base); alternate-background-color: palette(alternate-base); outline: none; }
QTableView::item, QTreeView::item, QListView::item { padding: 3px; }
QProgressBar { border: none; border-radius: 4px; background: palette(mid); }
QProgressBar::chunk { border-radius: 4px; background: palette(highlight); }
#taskSwitch { background: palette(base); border: 1px solid palette(mid); border-radius: 8px; }
#taskSwitch QToolButton { padding: 4px 10px; border-radius: 6px; }
#taskSwitch QToolButton:checked { background: palette(highlight); border-color: palette(highlight);
  color: palette(highlighted-text); font-weight: 600; }
#candidateStrip { background: palette(window); border: 1px solid palette(mid);
  border-radius: 10px; }
#candidateStrip QToolButton { border: 1px solid transparent; border-radius: 6px;
  padding: 4px 10px; }
#candidateStrip QToolButton:hover { background: palette(midlight); }
#candidateStrip QToolButton:checked { background: palette(highlight);
  color: palette(highlighted-text); font-weight: 600; }
#viewContainer { background: palette(base); }
"""


def _palette(dark: bool) -> QPalette:
    palette = QPalette()
    for role, light_colour, dark_colour in _ROLES:
        palette.setColor(role, QColor(dark_colour if dark else light_colour))
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(_DISABLED[dark]))
    faded = QColor("#3a3f47" if dark else "#d5d9df")
    palette.setColor(QPalette.ColorGroup.Disabled, _Role.Highlight, faded)
    return palette


def _picture_style(palette: QPalette) -> str:
    """Return the rules for docks' buttons and lists' boxes, which Fusion draws too dark.

    Style sheets take pictures from files only, so these are put into the cache.
    """
    colour = palette.color(_Role.WindowText)
    folder = user_cache("theme")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        close, floating = (_icon_file(folder, name, colour) for name in ("close", "float"))
        boxes = {
            (state, selected): _icon_file(folder, name, palette.color(role))
            for state, name in (("checked", "box_checked"), ("unchecked", "box"))
            for selected, role in (("", _Role.Text), (":selected", _Role.HighlightedText))
        }
    except OSError:
        return ""
    rules = [
        f'QDockWidget {{ titlebar-close-icon: url("{close}"); '
        f'titlebar-normal-icon: url("{floating}"); }}',
        "QTableView::indicator { width: 18px; height: 18px; }",
    ]
    rules += [
        f'QTableView::indicator:{state}{selected} {{ image: url("{file}"); }}'
        for (state, selected), file in boxes.items()
    ]
    return "\n".join(rules)


def _icon_file(folder: Path, name: str, colour: QColor) -> str:
    path = folder / f"{name}-{colour.name()[1:]}.svg"
    path.write_text(svg(name, colour), encoding="utf-8")
    return path.as_posix()


def system_is_dark() -> bool:
    """Whether the desktop asks for a dark look; False where it does not say."""
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def apply_theme(app: QApplication, theme: str) -> bool:
    """Dress the application; return whether the look is dark.

    Args:
        app: The application.
        theme: "light", "dark" or "system".

    Raises:
        KeyError: If there is no such theme.
    """
    app.styleHints().setColorScheme(_SCHEMES[theme])
    dark = theme == "dark" or (theme == "system" and system_is_dark())
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    palette = _palette(dark)
    app.setPalette(palette)
    style = _STYLE + _picture_style(palette)
    if app.styleSheet() != style:
        app.setStyleSheet(style)
    return dark


def is_dark(palette: QPalette) -> bool:
    """Whether a palette is a dark one."""
    return palette.color(_Role.Window).lightness() < 128


def level_colour(level: str, dark: bool) -> QColor:
    """Return the colour of a message level ("info", "success", "warning" or "error")."""
    light_colours = {"info": "#1f5fbf", "success": "#176f3d", "warning": "#8a5a00"}
    dark_colours = {"info": "#82b1ff", "success": "#6fd49a", "warning": "#ffc861"}
    table, other = (dark_colours, "#ff8a80") if dark else (light_colours, "#b42318")
    return QColor(table.get(level, other))
