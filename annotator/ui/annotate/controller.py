"""Annotation in the window: bench, tools, docks and status, put together for any asset."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QCursor
from PySide6.QtWidgets import QColorDialog, QDockWidget, QMenu, QWidget

from annotator.domain import BACKGROUND
from annotator.ui.annotate.batch_key import BatchKey
from annotator.ui.annotate.chips import chip
from annotator.ui.annotate.clicks_dock import ClicksDock
from annotator.ui.annotate.clicks_model import ClicksModel
from annotator.ui.annotate.handlers import handlers
from annotator.ui.annotate.object_commands import ObjectCommands
from annotator.ui.annotate.objects_dock import ObjectsDock
from annotator.ui.annotate.objects_model import ObjectRow, ObjectsModel
from annotator.ui.annotate.status_strip import StatusStrip
from annotator.ui.annotate.task_controller import TaskController
from annotator.ui.annotate.tools import AnnotationTool
from annotator.ui.annotate.workbench import Workbench


class Hands(Protocol):
    """What gestures do, apart from what their tools alone ask for."""

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser in logical pixels."""

    def resize_brush(self, steps: int) -> None:
        """Make the brush larger (+) or smaller (-)."""

    def remove_click(self, click_id: int) -> None:
        """Remove any click."""


class AnnotationController(TaskController):
    """Lets a person annotate masks of one asset at a time; each kind of asset has a subclass."""

    bench: Workbench

    def __init__(
        self,
        bench: Workbench,
        hands: Hands,
        tools: Mapping[str, AnnotationTool],
        parent: QObject | None,
    ) -> None:
        super().__init__(bench, tools, parent)
        self.hands = hands
        self.objects = ObjectCommands(bench)
        window = self._window
        self._batch = BatchKey(self.bench.runs.hold, self.bench.runs.release, self)
        self._status = StatusStrip(window)
        self._clicks_model = ClicksModel(self.bench.runs.clicks, self)
        self._clicks_dock = ClicksDock(self._clicks_model, window)
        self._objects_model = ObjectsModel(self.objects.change, self)
        self._objects_model.read_only = bench.project.read_only
        self._objects_dock = ObjectsDock(self._objects_model, self._label_names, window)
        self._merge_menu = QMenu(window)
        self._connect()
        for widget in (self._view, self._objects_dock.table, self._clicks_dock.table):
            self._batch.watch(widget)

    def _connect(self) -> None:
        self.bench.refreshed.connect(self._refresh)
        self._objects_dock.objectChosen.connect(self.objects.select)
        self._clicks_dock.clickChosen.connect(self.bench.select_click)
        for dock in (self._objects_dock, self._clicks_dock):
            dock.commandChosen.connect(self.command)

    # The contract with the shell ------------------------------------------------------------

    def close(self) -> None:
        """Let go of everything; answers that are still under way are not shown."""
        if self._closed:
            return
        super().close()
        for widget in (*self._status.widgets, self._merge_menu):
            widget.deleteLater()

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {**super().action_handlers(), **handlers(self)}

    def docks(self) -> Sequence[QDockWidget]:
        """Return the docks, most important first."""
        return (self._objects_dock, self._clicks_dock)

    def status_widgets(self) -> Sequence[QWidget]:
        """Return what belongs into the status bar, from left to right."""
        return self._status.widgets

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        bench = self.bench
        facts = {
            "object_background": bench.asset is not None and bench.current_object == BACKGROUND,
            "click_selected": bench.selected_click is not None,
            "auto_run": bench.runs.auto_run,
        }
        return super().conditions() | {name for name, holds in facts.items() if holds}

    # What actions do -------------------------------------------------------------------------

    def delete_click(self) -> None:
        """Remove the selected click; the one after it is selected."""
        clicks = self.bench.clicks
        ids = [click.click_id for click in clicks]
        if self.bench.selected_click not in ids:
            return
        place = ids.index(self.bench.selected_click)
        self.hands.remove_click(ids.pop(place))
        left = [click.click_id for click in self.bench.clicks]
        if left == ids:
            self.bench.select_click(left[min(place, len(left) - 1)] if left else None)

    def step_click(self, by: int) -> None:
        """Select the next (+1) or previous (-1) click, around the end."""
        ids = [click.click_id for click in self.bench.clicks]
        if not ids:
            return
        now = self.bench.selected_click
        place = ids.index(now) + by if now in ids else (0 if by > 0 else -1)
        self.bench.select_click(ids[place % len(ids)])

    def rename_object(self) -> None:
        """Open the editor on the current object's name."""
        if self.bench.current is not None:
            self._objects_dock.edit_name(self.bench.current_object)

    def ask_merge(self) -> QMenu | None:
        """Offer the objects that the current one can be merged into; return the menu."""
        others = self.objects.others
        if self.bench.current is None or not others:
            self.bench.say("There is no other object to merge into.")
            return None
        self._merge_menu.clear()
        self._merge_menu.setAccessibleName("Merge into")
        for info in others:
            icon = chip(info.object_id, info.colour)
            action = self._merge_menu.addAction(icon, info.name or f"Object {info.object_id}")
            action.triggered.connect(lambda _=False, i=info.object_id: self.objects.merge_into(i))
        self._merge_menu.popup(QCursor.pos())
        return self._merge_menu

    def ask_colour(self) -> QColorDialog | None:
        """Let the person choose the current object's colour; return the dialog."""
        info = self.bench.current
        if info is None:
            return None
        dialog = QColorDialog(QColor(*info.colour), self._objects_dock)
        dialog.setWindowTitle(f"Colour of {info.name or info.object_id}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(
            lambda c: self.objects.change(
                info.object_id, {"colour": (c.red(), c.green(), c.blue())}
            )
        )
        dialog.open()
        return dialog

    def resize_brush(self, steps: int) -> None:
        """Make the brush larger (+) or smaller (-)."""
        self.hands.resize_brush(steps)
        circle = self._view.overlay.circle
        if circle is not None:
            self._view.set_overlay_circle(circle[:2], self.hands.brush_radius)

    def set_auto_run(self, on: bool) -> None:
        """Run after every click, or only when asked."""
        self.bench.runs.auto_run = on
        if on and self.bench.runs.unanswered:
            self.bench.runs.run_now()
        self._announce_conditions()

    def command(self, name: str) -> None:
        """Do what a button of a dock asks for, by handler name."""
        {**self.action_handlers(), **self._dock_handlers()}[name]()

    def _dock_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return what only buttons of docks do."""
        return {"colour_object": self.ask_colour}

    # What the window shows -------------------------------------------------------------------

    def _label_names(self) -> Sequence[str]:
        used = [i.label for i in self.bench.asset.objects.values()] if self.bench.asset else []
        known = [c.name for c in self.bench.project.document.label_set.classes]
        return list(dict.fromkeys([*known, *filter(None, used)]))

    def _refresh(self) -> None:
        bench = self.bench
        objects = bench.asset.objects if bench.asset else {}
        self._clicks_model.show(bench.clicks, objects)
        self._clicks_dock.select(bench.selected_click)
        self._objects_dock.show_rows(self._object_rows(), bench.current_object)
        self._refresh_status()
        self._announce()

    def _object_rows(self) -> list[ObjectRow]:
        asset = self.bench.asset
        if asset is None:
            return []
        points = self.bench.points
        clicks = [click.object_id for click in asset.clicks]
        rows = [
            ObjectRow(info, clicks.count(i), int(points[i]) if i < len(points) else 0)
            for i, info in asset.objects.items()
        ]
        # a person of the poses has a place here only once it has a mask, too
        return [r for r in rows if r.clicks or r.points or r.info.object_id not in asset.people]

    def _refresh_status(self) -> None:
        bench = self.bench
        self._status.show_object(bench.current_object, bench.current)
        self._status.show_clicks(len(bench.clicks), bench.pace.mean_seconds)
        self._status.show_iou(bench.ious())
        self._status.show_engine(bench.runs.engine_text)
