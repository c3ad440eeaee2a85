"""Line icons as SVG text, drawn in the palette's colour so that they suit every theme."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZES = (16, 20, 24, 32, 48, 64)

_SHAPES: dict[str, str] = {
    "open": '<path d="M3 18V6a1 1 0 0 1 1-1h5l2 2h8a1 1 0 0 1 1 1v2"/>'
            '<path d="M3 18l3-8h16l-3 8a1 1 0 0 1-1 .8H4A1 1 0 0 1 3 18z"/>',
    "folder": '<path d="M3 18V6a1 1 0 0 1 1-1h5l2 2h9a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1'
              '-1-1z"/>',
    "save": '<path d="M5 3h11l4 4v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z"/>'
            '<path d="M8 3v5h7V3M8 21v-7h8v7"/>',
    "export": '<path d="M12 15V3M8 7l4-4 4 4"/><path d="M4 14v6h16v-6"/>',
    "undo": '<path d="M4 9h10a6 6 0 0 1 0 12H8"/><path d="M8 5L4 9l4 4"/>',
    "redo": '<path d="M20 9H10a6 6 0 0 0 0 12h6"/><path d="M16 5l4 4-4 4"/>',
    "delete": '<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>',
    "keyboard": '<rect x="2" y="6" width="20" height="12" rx="2"/>'
                '<path d="M6 10h.01M10 10h.01M14 10h.01M18 10h.01M7 14h10"/>',
    "settings": '<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="3"/>'
                '<circle cx="8" cy="17" r="3"/>',
    "add": '<path d="M12 5v14M5 12h14"/>',
    "background": '<circle cx="12" cy="12" r="8" stroke-dasharray="3 3"/><path d="M8 12h8"/>',
    "hide": '<path d="M4 4l16 16M9.5 5.6A10 10 0 0 1 22 12a15 15 0 0 1-2.6 3.4M6 7.3A14 14 0 0 0 2 '
            '12s3.5 7 10 7a9.6 9.6 0 0 0 4.6-1.2"/>',
    "show": '<path d="M2 12s3.5-7 10-7 10 7 10 7-3.5 7-10 7S2 12 2 12z"/>'
            '<circle cx="12" cy="12" r="3"/>',
    "isolate": '<path d="M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4"/>'
               '<circle cx="12" cy="12" r="3.5"/>',
    "lock": '<rect x="5" y="11" width="14" height="10" rx="2"/><path d="M8 11V7a4 4 0 0 1 8 0v4"/>',
    "task_masks": '<path d="M4 15c0-7 5-10 8-6s8-1 8 4-6 7-9 6-7 0-7-4z" fill="currentColor" '
                  'fill-opacity=".35"/>',
    "task_poses": '<circle cx="12" cy="4.5" r="2.5"/><path d="M12 7v8M12 9l-5 3M12 9l5 3M12 15l-4 '
                  '6M12 15l4 6"/>',
    "task_motion": '<path d="M3 8c3-3 6 3 9 0s6 3 9 0M3 16c3-3 6 3 9 0"/>'
                   '<path d="M15 16h6M18 13l3 3-3 3"/>',
    "tool_arrow": '<path d="M4 20L19 5M10 5h9v9"/><circle cx="4.5" cy="19.5" r="1.5" '
                  'fill="currentColor"/>',
    "tool_whole": '<path d="M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3"/>',
    "swap": '<path d="M7 4L3 8l4 4M3 8h15M17 12l4 4-4 4M21 16H6"/>',
    "duplicate": '<rect x="8" y="8" width="12" height="12" rx="2"/>'
                 '<path d="M16 8V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3"/>',
    "tool_click": '<path d="M12 2v5M12 17v5M2 12h5M17 12h5"/><circle cx="12" cy="12" r="2" '
                  'fill="currentColor"/>',
    "tool_brush": '<path d="M20 4c-4 1-8 5-10 9l2 2c4-2 8-6 9-10z"/>'
                  '<path d="M10 13c-3 0-4 2-4 4s-1 3-3 3c2 1 8 1 9-5"/>',
    "tool_eraser": '<path d="M9 20h11M5 13l8-8a1.5 1.5 0 0 1 2 0l4 4a1.5 1.5 0 0 1 0 2l-9 9H8'
                   'l-3-3a2.8 2.8 0 0 1 0-4z"/><path d="M9 9l6 6"/>',
    "tool_lasso": '<path d="M12 4c5 0 9 2.5 9 5.5S17 15 12 15s-9-2.5-9-5.5S7 4 12 4z" '
                  'stroke-dasharray="4 2.5"/><path d="M7 14c-2 2 0 3 1 4s0 3-2 3"/>',
    "tool_box": '<rect x="4" y="6" width="16" height="12" stroke-dasharray="4 2.5"/>'
                '<path d="M4 6h.01M20 6h.01M4 18h.01M20 18h.01" stroke-width="4"/>',
    "tool_polygon": '<path d="M5 8l8-4 7 7-4 9H7z"/>'
                    '<path d="M5 8h.01M13 4h.01M20 11h.01M16 20h.01M7 20h.01" stroke-width="4"/>',
    "tool_outline": '<path d="M4 15c0-7 5-10 8-6s8-1 8 4-6 7-9 6-7 0-7-4z"/>'
                    '<path d="M12 9h.01M11 19h.01" stroke-width="5"/>',
    "bigger": '<circle cx="12" cy="12" r="8.5"/><path d="M12 8v8M8 12h8"/>',
    "smaller": '<circle cx="12" cy="12" r="8.5"/><path d="M8 12h8"/>',
    "fill_holes": '<circle cx="12" cy="12" r="9"/>'
                  '<circle cx="12" cy="12" r="4" fill="currentColor"/>',
    "smooth": '<path d="M3 8l3-3 3 4 3-4 3 4 3-4 3 3" opacity=".55"/>'
              '<path d="M3 17c6-5 12-5 18 0"/>',
    "zoom_to": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>'
               '<path d="M8 9.5V8h1.5M11.5 8H13v1.5M13 11.5V13h-1.5M9.5 13H8v-1.5"/>',
    "zoom_in": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21M10.5 7.5v6M7.5 '
               '10.5h6"/>',
    "zoom_out": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21M7.5 10.5h6"/>',
    "one_to_one": '<rect x="3" y="5" width="18" height="14" rx="2"/>'
                  '<path d="M7.5 9.5L9 8.5V15.5M15 9.5L16.5 8.5V15.5M12 10.5h.01M12 14h.01"/>',
    "clip": '<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9z"/>'
            '<path d="M4 7.5l8 4.5 8-4.5M12 12v9"/>',
    "fit": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/><path d="M9 9h6v6H9z"/>',
    "look_top": '<path d="M12 3l9 5-9 5-9-5z" fill="currentColor"/>'
                '<path d="M3 8v8l9 5 9-5V8M12 13v8"/>',
    "look_front": '<path d="M3 8l9 5v8l-9-5z" fill="currentColor"/><path d="M3 8l9-5 9 5v8l-9 5"/>'
                  '<path d="M12 13l9-5"/>',
    "look_iso": '<path d="M12 3l9 5v8l-9 5-9-5V8z"/><path d="M3 8l9 5 9-5M12 13v8"/>',
    "shading": '<circle cx="12" cy="12" r="9"/>'
               '<path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/>',
    "run": '<path d="M7 4l13 8-13 8z" fill="currentColor"/>',
    "safety": '<path d="M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6z"/>'
              '<path d="M12 8v5M12 16.5h.01"/>',
    "auto_run": '<path d="M13 2L4 14h7l-1 8 9-12h-7z"/>',
    "stop": '<rect x="6" y="6" width="12" height="12" rx="1.5" fill="currentColor"/>',
    "help": '<circle cx="12" cy="12" r="9"/><path d="M9.5 9a2.5 2.5 0 1 1 3.5 2.3c-.8.4-1 1-1'
            ' 1.7M12 17h.01"/>',
    "float": '<rect x="4" y="9" width="11" height="11" rx="1.5"/><path d="M9 5h11v11"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7.5h.01"/>',
    "success": '<circle cx="12" cy="12" r="9"/><path d="M8 12.5l3 3 5-6"/>',
    "warning": '<path d="M12 3.5L22 20H2z"/><path d="M12 10v5M12 17.5h.01"/>',
    "error": '<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8z"/><path d="M12 7v6M12 16.5h.01"/>',
    "scan": '<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9z" stroke-dasharray="1.2 2.4"/>'
            '<circle cx="12" cy="12" r="2.6" fill="currentColor" stroke="none"/>'
            '<path d="M12 6.5v2M12 15.5v2M6.5 12h2M15.5 12h2"/>',
    "colour": '<path d="M12 3a9 9 0 1 0 0 18c2 0 2.2-1.4 1.5-2.4-.9-1.4 0-2.6 1.6-2.6'
              'H18a3 3 0 0 0 3-3c0-5.5-4-10-9-10z"/>'
              '<path d="M7.5 12h.01M9 8h.01M13.5 7h.01M17 10h.01"/>',
    "merge": '<path d="M5 4v4a4 4 0 0 0 4 4h10"/><path d="M5 20v-4a4 4 0 0 1 4-4"/>'
             '<path d="M15 8l4 4-4 4"/>',
    "box": '<rect x="4" y="4" width="16" height="16" rx="4"/>',
    "box_checked": '<rect x="4" y="4" width="16" height="16" rx="4"/>'
                   '<path d="M8 12.4l3 3 5.4-6.6"/>',
    "photo": '<rect x="3" y="5" width="18" height="14" rx="1.5"/>'
             '<circle cx="8.5" cy="10" r="1.6"/><path d="M4 18l5.5-5 3 2.5L16 12l5 5"/>',
    "first": '<path d="M7 5v14M18 5l-8 7 8 7"/>',
    "last": '<path d="M17 5v14M6 5l8 7-8 7"/>',
    "pause": '<path d="M8 5v14M16 5v14" stroke-width="3.4"/>',
    "replay": '<path d="M4 12a8 8 0 1 0 2.6-5.9L4 8.5"/><path d="M4 4v4.5h4.5"/>'
              '<path d="M10.5 9l4.5 3-4.5 3z" fill="currentColor"/>',
    "next": '<path d="M9 5l7 7-7 7"/>',
    "previous": '<path d="M15 5l-7 7 7 7"/>',
    "missing": '<path d="M6 3h8l5 5v13H6z"/><path d="M10 11l5 6M15 11l-5 6"/>',
    "engine": '<rect x="6" y="6" width="12" height="12" rx="2"/><path d="M9 2v4M15 2v4M9 18v4M15 18'
              'v4M2 9h4M2 15h4M18 9h4M18 15h4"/>',
}  # fmt: skip


def names() -> tuple[str, ...]:
    """Return the names of all icons."""
    return tuple(_SHAPES)


def svg(name: str, colour: QColor) -> str:
    """Return an icon as SVG text in one colour.

    Raises:
        KeyError: If there is no such icon.
    """
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="1.7" stroke-linecap="round" '
        f'stroke-linejoin="round">{_SHAPES[name]}</svg>'
    )
    return text.replace("currentColor", colour.name())


def pixmap(name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """Draw an icon.

    Args:
        name: One of `names()`.
        colour: Line colour.
        size: Edge in logical pixels.
        ratio: Device pixels per logical pixel.

    Raises:
        KeyError: If there is no such icon.
    """
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg(name, colour).encode())).render(painter)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=256)
def _tinted(name: str, normal: str, disabled: str, selected: str) -> QIcon:
    result = QIcon()
    for size in _SIZES:
        result.addPixmap(pixmap(name, QColor(normal), size), QIcon.Mode.Normal)
        result.addPixmap(pixmap(name, QColor(disabled), size), QIcon.Mode.Disabled)
        result.addPixmap(pixmap(name, QColor(selected), size), QIcon.Mode.Selected)
    return result


def icon(name: str, colour: QColor | None = None) -> QIcon:
    """Return an icon tinted with `colour` or the palette's text colour of this moment."""
    palette = QGuiApplication.palette()
    normal = colour or palette.color(QPalette.ColorRole.WindowText)
    group, role = QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText
    faded = palette.color(group, role)
    on_highlight = palette.color(QPalette.ColorRole.HighlightedText)
    return _tinted(name, normal.name(), faded.name(), on_highlight.name())
