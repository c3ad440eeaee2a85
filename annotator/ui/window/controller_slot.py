"""The place in the window for whoever works on the open file: annotating or replaying it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    from annotator.ui.window.main_window import MainWindow

_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea


class Controller(Protocol):
    """What the shell asks of it.

    Attributes:
        message: Signal (headline, detail, level) to show in the window.
        busyChanged: Signal: whether an engine works.
        conditionsChanged: Signal: `conditions()` should be read anew.
    """

    message: Any
    busyChanged: Any  # noqa: N815 - Qt spells signals so
    conditionsChanged: Any  # noqa: N815 - Qt spells signals so

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions of the action table that it supplies."""

    def docks(self) -> Sequence[QDockWidget]:
        """Return its docks, most important first."""

    def area_of(self, dock: QDockWidget, usual: Qt.DockWidgetArea) -> Qt.DockWidgetArea:
        """Return where a dock belongs."""

    def arrange(self, window: QMainWindow) -> None:
        """Put docks that were just added to the window over one another, if they shall be."""

    def status_widgets(self) -> Sequence[QWidget]:
        """Return what belongs into the status bar, from left to right."""

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""

    def close(self) -> None:
        """Let go of everything."""

    def deleteLater(self) -> None:
        """Go, once nobody is in its code any more (every QObject has this)."""


class ControllerSlot:
    """Puts a controller's docks, status and actions into the window, and takes them out again.

    Attributes:
        current: The controller in the slot, or None.
    """

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self.current: Controller | None = None
        self._docks: list[QDockWidget] = []
        self._keeps_layout = True
        self._layout = ""

    def attach(
        self,
        controller: Controller,
        area: Qt.DockWidgetArea = _RIGHT,
        *,
        keeps_layout: bool = True,
        layout: str = "masks",
    ) -> None:
        """Put a controller in.

        Args:
            controller: The controller; the slot must be empty.
            area: Where its docks go before a person moves them.
            keeps_layout: Whether the places of docks are restored, and stored afterwards.
            layout: The task for which they are.
        """
        window = self._window
        self.current, self._keeps_layout, self._layout = controller, keeps_layout, layout
        controller.message.connect(window.messages.show_message)
        controller.busyChanged.connect(lambda _: window.refresh_conditions())
        controller.conditionsChanged.connect(window.refresh_conditions)
        window.actions_manager.supply(controller.action_handlers())
        self._docks = list(controller.docks())
        for dock in self._docks:
            asked_for = not dock.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
            window.addDockWidget(controller.area_of(dock, area), dock)
            # Qt shows it later only; turned away from before, it would pass for closed. One that
            # its controller has hidden is for later.
            dock.setVisible(asked_for or not dock.isHidden())
        if area == _RIGHT:
            window.resizeDocks(self._docks[:1], [396], Qt.Orientation.Horizontal)
        controller.arrange(window)
        for widget in controller.status_widgets():
            window.statusBar().addWidget(widget)
            widget.show()
        if keeps_layout:
            self._restore_layout()

    def _restore_layout(self) -> None:
        stored = self._window.state.layout_of(self._layout)
        if stored is not None:
            self._window.restoreState(stored[1])
        closed = self._window.state.closed_docks
        for dock in self._docks:
            if dock.objectName() in closed:
                dock.hide()

    def detach(self) -> None:
        """Take the controller out and let it go; nothing if there is none."""
        window, controller = self._window, self.current
        if controller is None:
            return
        if self._keeps_layout:
            window.state.save_layout(window.saveGeometry(), window.saveState(), self._layout)
            names = {dock.objectName() for dock in self._docks}
            closed = {dock.objectName() for dock in self._docks if dock.isHidden()}
            window.state.note_closed_docks(names, closed)
        self.current = None
        window.actions_manager.withdraw(controller.action_handlers())
        for widget in controller.status_widgets():
            window.statusBar().removeWidget(widget)
        controller.close()
        for dock in self._docks:
            window.removeDockWidget(dock)
            # Deleted later, but no child any more at once: restoring the layout of the
            # next file goes by name and must not find this one.
            dock.setParent(None)
            dock.deleteLater()
        self._docks = []
        controller.deleteLater()
