"""Makes Qt actions from the table, and keeps their state, keys, icons and handlers up to date."""

import logging
from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QToolBar

from annotator.ui.basics.icons import icon, names
from annotator.ui.commands.actions import ACTIONS, KINDS, MENUS, OFFERS, ActionSpec, by_id
from annotator.ui.commands.shortcuts import Shortcuts, effective

Handler = Callable[..., object]

_USUAL = frozenset({"kind_cloud", "offers_masks"})
_log = logging.getLogger(__name__)


class ActionManager(QObject):
    """The window's actions.

    Attributes:
        specs: The table's rows by id.
        actions: Qt's action of each row by id.
        menus: The top-level menus by title, after `fill_menu_bar`.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.specs = by_id()
        self.actions = {spec.action_id: self._make(spec) for spec in ACTIONS}
        self.menus: dict[str, QMenu] = {}
        self._handlers: dict[str, Handler] = {}
        self._conditions: frozenset[str] = frozenset()
        self._bars: list[QToolBar] = []
        self.retint()
        self.apply_shortcuts({})
        self._refresh()

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.title, self._window)
        action.setObjectName(f"action_{spec.action_id}")
        if spec.short:
            action.setIconText(spec.short)
        else:
            action.setPriority(QAction.Priority.LowPriority)  # toolbars show the icon alone
        action.setCheckable(bool(spec.checked_when))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setAutoRepeat(spec.action_id in {"undo", "redo"})
        # No functools.partial: to one of those the signal does not hand its state over.
        action.triggered.connect(lambda checked: self._run(spec, checked))
        self._window.addAction(action)
        return action

    def _run(self, spec: ActionSpec, checked: bool) -> None:
        handler = self._handlers.get(spec.handler)
        if handler is None:
            return
        _log.debug("action %s", spec.action_id)
        if spec.arguments:
            handler(*spec.arguments)
        elif spec.checked_when:
            handler(checked)
        else:
            handler()
        # Qt has toggled the check mark already; the truth is what the conditions say.
        self._refresh()

    def trigger(self, action_id: str) -> None:
        """Do the action as if its menu entry had been chosen; nothing if it is disabled."""
        self.actions[action_id].trigger()

    def supply(self, handlers: Mapping[str, Handler]) -> None:
        """Add or replace handlers by name."""
        self._handlers.update(handlers)
        self._refresh()

    def withdraw(self, handlers: Mapping[str, Handler]) -> None:
        """Take away the handlers of these names: their actions become disabled."""
        for name in handlers:
            self._handlers.pop(name, None)
        self._refresh()

    @property
    def conditions(self) -> frozenset[str]:
        """What holds at the moment."""
        return self._conditions

    def set_conditions(self, conditions: frozenset[str]) -> None:
        """Enable and check actions by what holds now."""
        if conditions != self._conditions:
            self._conditions = conditions
            self._refresh()

    def is_available(self, spec: ActionSpec) -> bool:
        """Whether an action has a handler and all that it needs."""
        return spec.handler in self._handlers and spec.needs <= self._conditions

    def _suits(self, spec: ActionSpec) -> bool:
        """Whether a row is for what is open; with nothing open, those for masks of scans are."""
        needed = spec.needs & (KINDS | OFFERS)
        return needed <= (self._conditions if self._conditions & KINDS else _USUAL)

    def _refresh(self) -> None:
        for action_id, spec in self.specs.items():
            action = self.actions[action_id]
            available = self.is_available(spec)
            action.setEnabled(available)
            action.setVisible(self._suits(spec))
            if spec.checked_when:
                action.setChecked(available and spec.checked_when in self._conditions)
        for bar in self._bars:
            _tidy(bar)
        for menu in self.menus.values():
            menu.menuAction().setVisible(
                any(a.isVisible() for a in menu.actions() if not a.isSeparator())
            )

    def apply_shortcuts(self, own: Shortcuts) -> None:
        """Put the table's keys, overlaid by the person's own, into force."""
        for action_id, keys in effective(own).items():
            self.actions[action_id].setShortcuts([QKeySequence(key) for key in keys])
            self._describe(action_id)

    def set_title(self, action_id: str, title: str) -> None:
        """Change an action's title, such as "Undo Add Click"."""
        if self.actions[action_id].text() != title:
            self.actions[action_id].setText(title)
            self._describe(action_id)

    def _describe(self, action_id: str) -> None:
        spec, action = self.specs[action_id], self.actions[action_id]
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        title = action.text().rstrip("…")
        action.setToolTip("\n".join(filter(None, (f"{title}  {keys}".strip(), spec.tip))))
        action.setStatusTip(spec.tip)

    def retint(self) -> None:
        """Draw the icons in the palette's colour."""
        drawn = set(names())
        for action_id, spec in self.specs.items():
            if spec.icon in drawn:
                self.actions[action_id].setIcon(icon(spec.icon))

    def fill_menu_bar(self, bar: QMenuBar) -> None:
        """Add the menus."""
        for title in MENUS:
            menu = bar.addMenu(f"&{title}")
            menu.setObjectName(f"menu{title}")
            self.menus[title] = menu
            self._fill(menu, [spec for spec in ACTIONS if spec.menu == title])

    def fill_toolbar(self, bar: QToolBar) -> None:
        """Add the rows whose `toolbar` is the bar's object name without "Toolbar"."""
        name = bar.objectName().removesuffix("Toolbar")
        self._fill(bar, [spec for spec in ACTIONS if spec.toolbar == name])
        self._bars.append(bar)
        _tidy(bar)
        for action in bar.actions():
            button = bar.widgetForAction(action)
            if button is not None and action.text():
                button.setAccessibleName(action.text().rstrip("…"))

    def _fill(self, place: QMenu | QToolBar, specs: list[ActionSpec]) -> None:
        group = specs[0].group if specs else ""
        for spec in specs:
            if spec.group != group:
                place.addSeparator()
                group = spec.group
            place.addAction(self.actions[spec.action_id])


def _tidy(bar: QToolBar) -> None:
    """Show separators only between rows that are shown."""
    waiting, any_before = None, False
    for action in bar.actions():
        if action.isSeparator():
            action.setVisible(False)
            waiting = action if any_before else None
        elif action.isVisible():
            if waiting is not None:
                waiting.setVisible(True)
            waiting, any_before = None, True
