"""Motion in the window: the tools for masks make the regions, an engine lets them move."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

from annotator.domain import BACKGROUND
from annotator.engine.session import EngineSession
from annotator.project import Project
from annotator.project.motion import plan_of
from annotator.ui.image.controller import PhotoController
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.view import ImageView
from annotator.ui.motion.arrow_tool import ArrowTool, Ends
from annotator.ui.motion.moving import Moving
from annotator.ui.motion.reel_dock import ReelDock
from annotator.ui.motion.regions_dock import RegionsDock
from annotator.ui.motion.regions_model import RegionRow, RegionsModel
from annotator.ui.motion.screen import Screen

_HINT = "Click what shall move · then say how, or drag an arrow (D)"
_PAINTING = frozenset({"brush", "eraser", "polygon", "outline"})
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class MotionController(PhotoController):
    """Lets a person choose regions of one photo at a time and say how they move.

    Attributes:
        moving: What they shall do, and the clips that come of it.
        screen: What of the clips is shown.
    """

    def __init__(
        self,
        project: Project,
        view: ImageView,
        masks: EngineSession,
        motion: EngineSession,
        parent: QObject | None,
    ) -> None:
        super().__init__(project, view, masks, parent)
        self.moving = Moving(self.bench, motion)
        self.screen = Screen(self.moving, view)
        self._tools = {**self._tools, "arrow": ArrowTool(self)}
        self._regions_model = RegionsModel(self.moving.set_of, self)
        self._regions_model.read_only = project.read_only
        self._regions_dock = RegionsDock(self._regions_model, self._window)
        self._reel_dock = ReelDock(self.moving, self.screen, self._window)
        self._reel_dock.commandChosen.connect(self.command)
        dock = self._regions_dock
        dock.objectChosen.connect(self.objects.select)
        dock.tried.connect(lambda fields: self.moving.draft(**fields))
        dock.chosen.connect(lambda fields: self.moving.set(**fields))
        dock.edgeShown.connect(lambda on: self.screen.set(edge=on))
        self.moving.changed.connect(self._refresh_motion)
        self.screen.changed.connect(self._announce_conditions)
        view.set_quiet(True)

    def open_asset(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Show a photo as it was left and let the engines get ready for it."""
        super().open_asset(asset_id, photo)
        self._regions_dock.set_scale(max(photo.working.width, photo.working.height) / 512)
        self.moving.open(asset_id, photo)
        self._refresh_motion()

    def close(self) -> None:
        """Let go of everything."""
        if self._closed:
            return
        self.screen.player.stop()
        self.moving.close()
        super().close()
        view = self._photo_view
        view.set_quiet(False)
        view.set_stretched(())

    @property
    def at_rest(self) -> bool:
        """Whether nothing is computed any more."""
        return super().at_rest and not (self.moving.preview.busy or self.moving.render.rendering)

    # The contract with the shell ------------------------------------------------------------

    def docks(self) -> Sequence[QDockWidget]:
        """Return the docks, most important first."""
        return (self._regions_dock, self._reel_dock, *super().docks())

    def area_of(self, dock: QDockWidget, usual: Qt.DockWidgetArea) -> Qt.DockWidgetArea:
        """Return where a dock belongs: the clip below the photo."""
        return _BOTTOM if dock is self._reel_dock else usual

    def arrange(self, window: QMainWindow) -> None:
        """Put the lists for masks behind the regions."""
        for dock in super().docks():
            window.tabifyDockWidget(self._regions_dock, dock)
        self._regions_dock.raise_()

    def action_handlers(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by the handler names of the action table."""
        screen, moving = self.screen, self.moving
        return {
            **super().action_handlers(),
            "play_clip": screen.toggle_play,
            "next_frame": partial(self._step, +1),
            "previous_frame": partial(self._step, -1),
            "show_flow": lambda on: screen.set(flow=on),
            "show_onion": lambda on: screen.set(onion=on),
            "show_edge": lambda on: screen.set(edge=on),
            "keep_b": moving.keep,
            "use_b": moving.use_kept,
            "show_side": lambda side: screen.set(side=side),
            "render_clip": self.render,
            "clear_arrow": lambda: self.set_arrow(None),
            "toggle_moves": self.toggle_moves,
            "forget_region": moving.forget,
            "run_now": self.run_now,
            "set_auto_run": self.set_auto_run,
        }

    def conditions(self) -> frozenset[str]:
        """Return what holds, for enabling and checking actions."""
        if not hasattr(self, "screen"):
            return super().conditions()
        screen, moving = self.screen, self.moving
        facts = {
            "clip": screen.reel is not None,
            "moves": moving.moves,
            "kept_b": moving.kept is not None,
            "region": self.bench.current is not None,
            "region_moves": moving.plan.moves,
            "has_arrow": moving.plan.arrow is not None,
            "has_plan": moving.plan.object_id in moving.plans,
            "show_flow": screen.flow,
            "show_onion": screen.onion,
            "show_edge": screen.edge,
            f"side_{screen.side}": True,
            "busy": moving.preview.runs.busy or moving.render.rendering,
        }
        return super().conditions() | {name for name, holds in facts.items() if holds}

    # What actions do -------------------------------------------------------------------------

    def select_tool(self, name: str) -> None:
        """Take another tool; while masks are painted, they lie over the clip."""
        super().select_tool(name)
        self.screen.painting = name in _PAINTING
        self.screen.show()

    def undo(self) -> None:
        """Take back the newest step; what is just being tried is journalled first."""
        self.moving.settle()
        super().undo()

    def cancel(self) -> None:
        """Stop the engines, and give up an unfinished gesture."""
        super().cancel()
        self.moving.render.stop()
        self.moving.preview.runs.cancel()

    def run_now(self) -> None:
        """Ask for masks if clicks wait, else for the clip."""
        if self.bench.runs.unanswered:
            self.bench.run_now()
        else:
            self.moving.run_now()

    def set_auto_run(self, on: bool) -> None:
        """Run after every change, or only when asked."""
        runs = self.moving.preview.runs
        runs.auto_run = on
        if on and runs.unanswered:
            runs.run_now()
        super().set_auto_run(on)

    def render(self) -> None:
        """Make the clip at full quality, or stop making it."""
        if self.moving.render.rendering:
            self.moving.render.stop()
        else:
            self.moving.start_render()

    def toggle_moves(self, *_: object) -> None:
        """Let the current region move, or stand still."""
        self.moving.set(moves=not self.moving.plan.moves)

    def _step(self, by: int) -> None:
        self.screen.pause()
        self.screen.player.step(by)

    # What the arrow tool asks for ---------------------------------------------------------------

    def take_region_at(self, place: tuple[float, float]) -> bool:
        """Make the object at a place the current one; False if there is none at all."""
        bench = self.bench
        if bench.labels is not None:
            x, y = (int(v / bench.factor) for v in place)
            found = int(bench.labels[min(y, bench.shape[0] - 1), min(x, bench.shape[1] - 1)])
            if found != BACKGROUND and found != bench.current_object:
                self.objects.select(found)
        if bench.current is None:
            bench.say("There is no region yet.", "Click what shall move first.")
        return bench.current is not None

    def try_arrow(self, ends: Ends) -> None:
        """Show an arrow of the current object that is being drawn, and what it does."""
        self.moving.draft(arrow=ends)

    def set_arrow(self, ends: Ends | None) -> None:
        """Give the current object an arrow, or take it away."""
        if ends is not None or self.moving.plan.arrow is not None:
            self.moving.set(arrow=ends)

    def give_up_arrow(self) -> None:
        """Show the arrow again that the object has."""
        self.moving.give_up()

    # What the window shows -------------------------------------------------------------------

    def _refresh(self) -> None:
        super()._refresh()
        if hasattr(self, "moving"):
            self._refresh_motion()

    def _hint(self) -> str:
        return _HINT

    def _refresh_motion(self) -> None:
        asset = self.bench.asset
        if asset is None:
            return
        plans = self.moving.plans
        rows = [
            RegionRow(info, plans.get(number) or plan_of(asset, number))
            for number, info in asset.objects.items()
            if number not in asset.people
        ]
        self._regions_model.show(rows, self.bench.current_object)
        free = self.bench.current is not None and not self.bench.project.read_only
        self._regions_dock.show_plan(self.moving.plan, free)
        self._regions_dock.show_note(*self.moving.note)
        self.bench.canvas.show_regions(plans, asset.objects, self.bench.current_object)
        self._announce_conditions()
