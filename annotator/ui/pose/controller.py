"""People in the window: bench, tools, docks and status, put together."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QDockWidget, QMenu, QWidget

from annotator.domain.poses import ABSENT
from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.ui.annotate.batch_key import BatchKey
from annotator.ui.annotate.button_row import ButtonSpec
from annotator.ui.annotate.objects_dock import ObjectsDock
from annotator.ui.annotate.objects_model import ObjectRow, ObjectsModel
from annotator.ui.annotate.status_strip import StatusStrip
from annotator.ui.annotate.task_controller import TaskController
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.view import ImageView
from annotator.ui.pose.bench import PoseBench
from annotator.ui.pose.commands import JointPicker, PeopleCommands
from annotator.ui.pose.figures import JointKey
from annotator.ui.pose.handlers import pose_handlers
from annotator.ui.pose.hands import PoseHands
from annotator.ui.pose.joints_dock import JointRows, JointsDock
from annotator.ui.pose.menu import fill_menu
from annotator.ui.pose.picker_box import JointNameBox
from annotator.ui.pose.sharing import ExportPeopleDialog, import_people
from annotator.ui.pose.tools import pose_tools

_BUTTONS = (
    ButtonSpec("find_people", "search", "Find people (P)"),
    ButtonSpec("new_object", "add", "New person, joint by joint (N)"),
    ButtonSpec("duplicate_person", "duplicate", "Duplicate the person (Ctrl+D)"),
    ButtonSpec("swap_person", "swap", "Swap left and right of the person (Shift+S)"),
    ButtonSpec("isolate_object", "isolate", "Show this person only; again shows all (I)"),
    ButtonSpec("show_all", "show", "Show everybody (Shift+H)"),
    ButtonSpec("delete_object", "delete", "Delete the person (Shift+Delete)"),
)


class PoseController(TaskController):
    """Lets a person find people on one photo at a time and correct their joints."""

    bench: PoseBench

    def __init__(
        self, project: Project, view: ImageView, session: EngineSession, parent: QObject | None
    ) -> None:
        bench = PoseBench(project, view, session, parent)
        self.hands = PoseHands(bench)
        tools = pose_tools(self.hands, self.offer, self.finish_guiding)
        super().__init__(bench, tools, parent)
        self._photo_view = view
        self.people, self.picker = PeopleCommands(bench), JointPicker(bench)
        window = self._window
        self._status = StatusStrip(window)
        self._model = ObjectsModel(self.people.change, self)
        self._model.name_points("Joints", "Placed")
        self._model.read_only = project.read_only
        self.people_dock = ObjectsDock(self._model, self._labels, window, "People", _BUTTONS)
        self.joints_dock = JointsDock(window)
        self.menu = QMenu(window)
        self.menu.setAccessibleName("Joint and person")
        self._batch = BatchKey(bench.runs.hold, bench.runs.release, self)
        for widget in (view, self.people_dock.table, self.joints_dock.table):
            self._batch.watch(widget)
        self._connect()

    def _connect(self) -> None:
        bench = self.bench
        bench.refreshed.connect(self._refresh)
        self.people_dock.objectChosen.connect(bench.choose_object)
        self.people_dock.commandChosen.connect(self.command)
        self.joints_dock.jointChosen.connect(bench.choose_joint)
        self.joints_dock.commandChosen.connect(self.command)

    # The contract with the shell ------------------------------------------------------------

    def open_asset(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Show a photo as it was left, and let the engine get ready for it."""
        self.bench.open_asset(asset_id, photo)
        self._show_camera(asset_id)
        self._show_hint()

    def close(self) -> None:
        """Let go of everything; answers that are still under way are not shown."""
        if self._closed:
            return
        self._photo_view.set_hint("")
        super().close()
        for widget in (*self._status.widgets, self.menu):
            widget.deleteLater()

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        return {**super().action_handlers(), **pose_handlers(self), "cancel_run": self.cancel}

    def docks(self) -> Sequence[QDockWidget]:
        """Return the docks, most important first."""
        return (self.people_dock, self.joints_dock)

    def status_widgets(self) -> Sequence[QWidget]:
        """Return what belongs into the status bar, from left to right."""
        return self._status.widgets

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        bench, person = self.bench, self.bench.person
        joint = bench.joint if person is not None else None
        facts = {
            "person": person is not None,
            "joint": joint is not None,
            "joint_placed": person is not None and joint is not None and person.fixed[joint],
            "follows": person is not None and person.follows,
            "joint_names": bench.layer.names,
            "auto_run": bench.runs.auto_run,
            "busy": bench.runs.busy or bench.waiting or joint is not None,
        }
        held = super().conditions() - {"object"}
        held |= {"object"} if person is not None else set()
        return frozenset(held | {name for name, holds in facts.items() if holds})

    # What actions do -------------------------------------------------------------------------

    def select_tool(self, name: str) -> None:
        """Take another tool, such as joint or box."""
        self.bench.layer.handles = name == "whole"
        super().select_tool(name)
        self.bench.canvas.view.update_overlay()
        self._show_hint()

    def cancel(self) -> None:
        """Give up a gesture, then the chosen joint, then what the engine does."""
        self._cancel_gesture()
        if self.bench.joint is not None and not self.bench.waiting:
            self.bench.choose_joint(None)
        else:
            self.bench.stop()

    def undo(self) -> None:
        """Take back the newest step; joint by joint, it is that joint's turn again."""
        super().undo()
        person = self.bench.person
        if self._tool == "guide" and person is not None and self.hands.guided:
            self.bench.choose_joint(self.hands.next_absent(person))

    def new_person(self) -> None:
        """Place a new person joint by joint."""
        self.bench.choose_object(0)
        self.select_tool("guide")

    def finish_guiding(self) -> None:
        """Go back from placing joint by joint."""
        self.select_tool("joint")
        self.bench.choose_joint(None)

    def set_auto_run(self, on: bool) -> None:
        """Let the engine answer every joint placed, or only when asked."""
        self.bench.runs.auto_run = on
        if on and self.bench.runs.unanswered:
            self.bench.runs.run_now()
        self._announce_conditions()

    def set_names(self, on: bool) -> None:
        """Show the names of all joints of the current person, or of none."""
        self.bench.layer.names = on
        self.bench.canvas.view.update_overlay()
        self._announce_conditions()

    def ask_joint(self) -> JointNameBox | None:
        """Let a joint be chosen by a few letters of its name; return where they are typed."""
        names = self.picker.names()
        return JointNameBox(names, self.picker.named, self._photo_view) if names else None

    def offer(self, key: JointKey | None) -> QMenu:
        """Offer what can be done to a joint or the current person; return the menu."""
        fill_menu(self.menu, self, key)
        self.menu.popup(QCursor.pos())
        return self.menu

    def export_people(self) -> ExportPeopleDialog:
        """Write the people of this photo, or of all, to files; return the dialog."""
        dialog = ExportPeopleDialog(self.bench, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def import_people(self) -> object:
        """Bring people of a file into this photo."""
        return import_people(self.bench, self._window)

    def edit_skeletons(self) -> object:
        """Show the skeletons, to choose one for new people or make another; return the dialog."""
        from annotator.ui.pose.templates import SkeletonDialog

        dialog = SkeletonDialog(self.bench, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def rename(self) -> None:
        """Open the editor on the current person's name."""
        if self.bench.current is not None:
            self.people_dock.edit_name(self.bench.current_object)

    def look_at(self) -> None:
        """Bring the current person into view, as large as it fits."""
        person = self.bench.person
        if person is not None:
            x0, y0, x1, y1 = self.bench.shown_box(person)
            self._photo_view.camera.show(x0, y0, x1, y1)

    def command(self, name: str) -> None:
        """Do what a button of a dock asks for."""
        states = {"absent": 0, "occluded": 1, "visible": 2}
        if name in states:
            self.hands.set_visibility(self.bench.joint, states[name])
        elif name in (handlers := self.action_handlers()):
            handlers[name]()

    # What the window shows -------------------------------------------------------------------

    def _labels(self) -> Sequence[str]:
        used = [i.label for i in self.bench.asset.objects.values()] if self.bench.asset else []
        known = [c.name for c in self.bench.project.document.label_set.classes]
        return list(dict.fromkeys([*known, *filter(None, used)]))

    def _refresh(self) -> None:
        bench = self.bench
        people, asset = bench.people, bench.asset
        rows = [
            ObjectRow(asset.objects[i], sum(p.fixed), sum(v != ABSENT for v in p.visibility))
            for i, p in people.items()
            if asset is not None
        ]
        self.people_dock.show_rows(rows, bench.current_object)
        person = bench.person
        skeleton = bench.project.skeleton_of(person) if person else None
        self.joints_dock.show_rows(JointRows(person, skeleton, bench.joint))
        self._status.show_object(bench.current_object, bench.current)
        self._status.show_clicks(
            sum(sum(p.fixed) for p in people.values()), bench.pace.mean_seconds
        )
        self._status.show_iou(None)
        self._status.show_engine(bench.runs.engine_text)
        self._show_hint()
        self._announce()

    def _show_hint(self) -> None:
        self._photo_view.set_hint(self._hint())

    def _hint(self) -> str:
        bench = self.bench
        if bench.asset is None or bench.project.read_only:
            return ""
        if self._tool == "guide":
            return self._guiding_hint()
        if bench.waiting:
            return "Looking for people…" if bench.runs.busy else "Press Enter to look for people"
        if not bench.people and self._tool == "joint":
            return "Find people (P) · draw a box around somebody (X) · place joint by joint (N)"
        return ""

    def _guiding_hint(self) -> str:
        bench, person = self.bench, self.bench.person if self.hands.guided else None
        skeleton = bench.project.skeleton_of(person) if person else bench.skeleton
        joint = bench.joint or 0 if person is None else self._turn()
        name = skeleton.joints[min(joint, len(skeleton) - 1)]
        more = " · Backspace leaves it out · Enter ends" if person else ""
        return f"Click the {name.replace('_', ' ')} ({joint + 1} of {len(skeleton)}){more}"

    def _turn(self) -> int:
        person = self.bench.person
        if self.bench.joint is not None or person is None:
            return self.bench.joint or 0
        return self.hands.next_absent(person) or 0
