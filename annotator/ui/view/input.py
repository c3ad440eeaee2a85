"""Pointer and keyboard of the view: to the tool first, then to the camera."""

from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from annotator.ui.view.navigation import Navigation, arrow
from annotator.ui.view.pointer import PointerEvent, PointerTool, ToolView

CURSOR_STEP, CURSOR_LEAP, CURSOR_NUDGE = 8, 40, 1  # logical pixels: plain, Shift, Ctrl

_NO_BUTTON = Qt.MouseButton.NoButton
_LEFT = Qt.MouseButton.LeftButton
_PRESS_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class HasCursor(Protocol):
    """The placement cursor (x, y) of a view's overlay, or None."""

    cursor: tuple[float, float] | None


class InputView(ToolView, Protocol):
    """What a view must have to get its events sorted."""

    @property
    def overlay(self) -> HasCursor:
        """Where the placement cursor is."""

    def update_overlay(self) -> None:
        """Draw the cursor anew."""

    def setFocus(self, reason: Qt.FocusReason, /) -> None:  # noqa: D102 - Qt's own
        ...

    def width(self) -> int:  # noqa: D102 - Qt's own
        ...

    def height(self) -> int:  # noqa: D102 - Qt's own
        ...


InputViewT = TypeVar("InputViewT", bound=InputView)


class ViewInput(Generic[InputViewT]):
    """Sorts a view's events.

    Arrow keys show a placement cursor; while it is shown Enter and Space act as the left
    button there, held down as long as the key is, and win over the window's shortcuts.
    Escape or the mouse puts it away.
    """

    def __init__(self, view: InputViewT, navigator: Navigation) -> None:
        self._view = view
        self._tool: PointerTool[InputViewT] | None = None
        self._navigator = navigator
        self._tool_drags = False
        self._key_press: QPointF | None = None

    def set_tool(self, tool: PointerTool[InputViewT] | None) -> None:
        """Offer events to this tool from now on."""
        self._tool = tool

    def handle(self, event: QEvent) -> bool:
        """Handle an event of the view; False leaves it to Qt."""
        if isinstance(event, QMouseEvent):
            return self._mouse(event)
        if isinstance(event, QWheelEvent):
            notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
            self._navigator.wheel(notches, event.position())
            event.accept()
            return True
        if isinstance(event, QKeyEvent):
            return self._key(event)
        if event.type() == QEvent.Type.FocusOut:
            self._put_cursor_away()
        return False

    # -- mouse ---------------------------------------------------------------

    def _mouse(self, event: QMouseEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseMove:
            self._put_cursor_away()
            return self._mouse_moved(event)
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            return self._mouse_pressed(event, kind == QEvent.Type.MouseButtonDblClick)
        if kind == QEvent.Type.MouseButtonRelease:
            return self._mouse_released(event)
        return False

    def _mouse_pressed(self, event: QMouseEvent, double: bool) -> bool:
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        at = event.position()
        self._navigator.press(at, event.button(), event.modifiers())
        offered = self._event(at, event.button(), event.buttons(), event.modifiers(), double)
        wanted = self._tool is not None and not self._navigator.claims_drags
        self._tool_drags = wanted and self._tool is not None and self._tool.press(offered)
        if double and not self._tool_drags:
            self._navigator.double(at)
        return True

    def _mouse_moved(self, event: QMouseEvent) -> bool:
        at, buttons = event.position(), event.buttons()
        self._navigator.track(at)
        offered = self._event(at, _NO_BUTTON, buttons, event.modifiers())
        if buttons == _NO_BUTTON:
            if self._tool is not None:
                self._tool.hover(offered)
            return True
        handled = self._tool is not None and self._tool.move(offered)
        if not (handled or self._tool_drags):
            self._navigator.move(at)
        return True

    def _mouse_released(self, event: QMouseEvent) -> bool:
        if self._tool is not None:
            self._tool.release(
                self._event(event.position(), event.button(), event.buttons(), event.modifiers())
            )
        if event.buttons() == _NO_BUTTON:
            self._navigator.release()
            self._tool_drags = False
        return True

    def _event(
        self,
        at: QPointF,
        button: Qt.MouseButton,
        buttons: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
        double: bool = False,
    ) -> PointerEvent[InputViewT]:
        dragged = self._navigator.dragged
        return PointerEvent(at.x(), at.y(), button, buttons, modifiers, self._view, dragged, double)

    # -- keyboard ------------------------------------------------------------

    def _key(self, event: QKeyEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            wanted = self._wants(event.key())
            event.setAccepted(wanted)
            return wanted
        if event.type() == QEvent.Type.KeyRelease:
            return self._key_released(event)
        if event.type() != QEvent.Type.KeyPress:
            return False
        if self._navigator.key(event.key(), event.modifiers()):
            return True
        step = arrow(event.key())
        if step is not None:
            self._move_cursor(step, event.modifiers())
            return True
        return self._cursor_key(event)

    def _wants(self, key: int) -> bool:
        shown = self._view.overlay.cursor is not None
        return arrow(key) is not None or (shown and key in (*_PRESS_KEYS, Qt.Key.Key_Escape))

    def _cursor_key(self, event: QKeyEvent) -> bool:
        cursor = self._view.overlay.cursor
        if cursor is None:
            return False
        if event.key() == Qt.Key.Key_Escape:
            self._put_cursor_away()
            return True
        if event.key() not in _PRESS_KEYS:
            return False
        if not event.isAutoRepeat() and self._key_press is None:
            self._key_press = QPointF(*cursor)
            self._navigator.dragged = False
            if self._tool is not None:
                self._tool.press(self._event(self._key_press, _LEFT, _LEFT, event.modifiers()))
        return True

    def _key_released(self, event: QKeyEvent) -> bool:
        if event.key() not in _PRESS_KEYS or self._key_press is None:
            return False
        if not event.isAutoRepeat():
            self._release_key_press(event.modifiers())
        return True

    def _release_key_press(self, modifiers: Qt.KeyboardModifier) -> None:
        cursor = self._view.overlay.cursor
        at = self._key_press if cursor is None else QPointF(*cursor)
        self._key_press = None
        if self._tool is not None and at is not None:
            self._tool.release(self._event(at, _LEFT, _NO_BUTTON, modifiers))
        self._navigator.dragged = False

    def _move_cursor(self, step: tuple[int, int], modifiers: Qt.KeyboardModifier) -> None:
        view = self._view
        length = CURSOR_STEP
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            length = CURSOR_LEAP
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            length = CURSOR_NUDGE
        x, y = view.overlay.cursor or (view.width() / 2, view.height() / 2)
        x = min(max(x + step[0] * length, 0.0), view.width() - 1.0)
        y = min(max(y + step[1] * length, 0.0), view.height() - 1.0)
        view.overlay.cursor = (x, y)
        view.update_overlay()
        self._announce_cursor(QPointF(x, y), modifiers)

    def _announce_cursor(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        if self._tool is None:
            return
        if self._key_press is None:
            self._tool.hover(self._event(at, _NO_BUTTON, _NO_BUTTON, modifiers))
        else:
            self._navigator.dragged = True
            self._tool.move(self._event(at, _NO_BUTTON, _LEFT, modifiers))

    def _put_cursor_away(self) -> None:
        if self._key_press is not None:
            self._release_key_press(Qt.KeyboardModifier.NoModifier)
        if self._view.overlay.cursor is not None:
            self._view.overlay.cursor = None
            self._view.update_overlay()
