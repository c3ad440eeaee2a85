"""The regions of one photo: what they shall do, as logged and as a person is just trying."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from annotator.domain import Clip, RegionPlan
from annotator.engine.session import EngineSession
from annotator.project import Change
from annotator.project.motion import plan_of
from annotator.ui.image.bench import PhotoWorkbench
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.motion.preview import Preview
from annotator.ui.motion.reel import Reel, full_reel
from annotator.ui.motion.render import Render

_USUAL_FRAMES = 48
_FLOW = "flow"
"""Parameter of animation engines that says whether large flow fields are kept, if they have it."""


@dataclass(frozen=True)
class Variant:
    """Settings that are kept beside the present ones, with their clip.

    Attributes:
        plans: What objects shall do.
        reel: What came of it.
    """

    plans: Mapping[int, RegionPlan]
    reel: Reel


class Moving(QObject):
    """Keeps plans, preview and rendering of the open photo together.

    Attributes:
        preview: The live loop.
        render: The clip at full quality.
        kept: The settings kept as B, or None.
        note: What a person should know of the newest preview; (headline, level).

    Signals:
        changed: Plans, notes or what is under way changed.
        reelChanged: The live loop is another one, or none.
        regionsChanged: A clip of other pixels is asked for.
    """

    changed = Signal()
    reelChanged = Signal()  # noqa: N815 - Qt spells signals so
    regionsChanged = Signal()  # noqa: N815 - Qt spells signals so

    def __init__(self, bench: PhotoWorkbench, session: EngineSession) -> None:
        super().__init__(bench)
        self.bench = bench
        self.preview = Preview(session, self)
        self.render = Render(session, self)
        self.kept: Variant | None = None
        self.note: tuple[str, str] = ("", "info")
        self._draft: RegionPlan | None = None
        self._full: Reel | None = None
        self._engine: object = None
        self._keep_flow = False
        self._disconnect = bench.project.changed.connect(self._on_change)
        bench.composer.composed.connect(self._on_labels)
        self.preview.ready.connect(self._on_ready)
        self.preview.failed.connect(self._on_failed)
        self.preview.slow.connect(self._on_slow)
        self.preview.runs.changed.connect(self.changed)
        self.render.changed.connect(self._on_render)
        self.render.failed.connect(lambda headline, detail: bench.say(headline, detail, "error"))

    # What there is ------------------------------------------------------------------------

    @property
    def plans(self) -> Mapping[int, RegionPlan]:
        """What objects shall do, with what is just being tried."""
        asset = self.bench.asset
        if asset is None:
            return {}
        draft = self._draft
        tried = {} if draft is None else {draft.object_id: draft}
        return {**asset.regions, **tried}

    @property
    def plan(self) -> RegionPlan:
        """What the current object shall do."""
        number = self.bench.current_object
        if self._draft is not None and self._draft.object_id == number:
            return self._draft
        asset = self.bench.asset
        return RegionPlan(number, moves=False) if asset is None else plan_of(asset, number)

    @property
    def photo_scale(self) -> float:
        """Size of the photo in units of 512 pixels, by which lengths are judged."""
        photo = self.bench.photo
        longest = max(photo.working.width, photo.working.height) if photo else 512
        return longest / 512

    @property
    def moves(self) -> bool:
        """Whether anything shall move."""
        return any(plan.moves for plan in self.plans.values())

    @property
    def reel(self) -> Reel | None:
        """The clip of the present settings, at full quality if there is one."""
        return self._full or self.preview.reel

    @property
    def frames(self) -> int:
        """How many frames a clip has."""
        return len(self.preview.reel) if self.preview.reel else _USUAL_FRAMES

    # Opening and closing --------------------------------------------------------------------

    def open(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Take another photo."""
        self._draft, self.kept, self._full, self.note = None, None, None, ("", "info")
        self._keep_flow = False
        self.preview.open(asset_id, photo)
        self.render.open(asset_id, photo.working.image, 1 / photo.working.factor)
        self._use_engine()
        self._ask()
        self.reelChanged.emit()

    def close(self) -> None:
        """Let go of everything."""
        self._disconnect()
        self.preview.close()
        self.render.close()

    # What a person does ------------------------------------------------------------------------

    def draft(self, **fields: Any) -> None:  # noqa: ANN401 - fields of RegionPlan
        """Try fields of the current object's plan: the preview follows, the log does not."""
        if self.bench.project.read_only or self.bench.current is None:
            return
        self._draft = self._with(fields)
        self._ask()
        self.changed.emit()

    def give_up(self) -> None:
        """Forget what was tried."""
        if self._draft is not None:
            self._draft = None
            self._ask()
            self.changed.emit()

    def settle(self) -> None:
        """Journal what was tried, as one step."""
        draft, self._draft = self._draft, None
        if draft is not None and self.bench.asset_id is not None:
            self._set(draft)

    def set(self, **fields: Any) -> None:  # noqa: ANN401 - fields of RegionPlan
        """Change fields of the current object's plan, as one step."""
        if self.bench.current is None:
            self.bench.say("There is no region yet.", "Click what shall move first.")
            return
        plan, self._draft = self._with(fields), None
        self._set(plan)

    def forget(self, *_: object) -> None:
        """Forget what the current object shall do, as one step."""
        bench, self._draft = self.bench, None
        if bench.asset is not None and bench.current_object in bench.asset.regions:
            assert bench.asset_id is not None
            bench.attempt(bench.project.remove_region, bench.asset_id, bench.current_object)
        self._ask()
        self.changed.emit()

    def _with(self, fields: Mapping[str, Any]) -> RegionPlan:
        plan = self.plan
        asset = self.bench.asset
        fresh = asset is not None and plan.object_id not in asset.regions
        return replace(plan, **{"moves": plan.moves or fresh, **fields})

    def _set(self, *plans: RegionPlan) -> None:
        assert self.bench.asset_id is not None
        self.bench.attempt(self.bench.project.set_regions, self.bench.asset_id, *plans)
        self._ask()
        self.changed.emit()

    def set_of(self, object_id: int, fields: Mapping[str, Any]) -> None:
        """Change fields of any object's plan, as one step."""
        self.bench.choose_object(object_id)
        self.set(**fields)

    def keep(self) -> None:
        """Keep the present settings as B, to compare later ones with."""
        if self.reel is not None:
            self.kept = Variant(dict(self.plans), self.reel)
            self.reelChanged.emit()

    def use_kept(self) -> None:
        """Take the settings kept as B again, in one step; the present ones become B."""
        kept, asset = self.kept, self.bench.asset
        if kept is None or asset is None:
            return
        stopped = [replace(p, moves=False) for i, p in self.plans.items() if i not in kept.plans]
        back = [plan for i, plan in kept.plans.items() if i in asset.objects]
        self.keep()
        self._draft = None
        self._set(*back, *stopped)

    def run_now(self) -> None:
        """Ask the engine again, also if it is slow or failed."""
        if self.preview.again():
            self.note = ("", "info")
        else:
            self.bench.say("The preview is up to date.", "Change a region to see another.")

    def start_render(
        self, then: Callable[[Clip], object] | None = None, *, flow: bool = False
    ) -> None:
        """Make the clip at full quality, or hand over the one that there is.

        Args:
            then: What to do with it.
            flow: Whether it must have its flow, however large that is.
        """
        self.settle()
        clip = self.render.clip
        if flow and (clip is None or clip.flow is None) and _FLOW in self.preview.runs.parameters:
            self._keep_flow = True
            self._use_engine()
            self._ask()
            clip = self.render.clip
        if clip is not None:
            if then is not None:
                then(clip)
            return
        self.bench.composer.settle()
        labels = self.bench.labels
        if labels is None or not self.moves:
            self.bench.say("Nothing moves yet.", "Click a region and say how it moves.")
            return
        self.bench.attempt(self.render.start, self.plans, labels, self.frames, then)
        self.changed.emit()

    @property
    def full_clip(self) -> Clip | None:
        """The clip at full quality, if it is of the present settings."""
        return self.render.clip

    # What follows ------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if self.bench.asset is None or change.asset_id not in (None, self.bench.asset_id):
            return
        if "engine" in change.topics:
            self._keep_flow = False
            self._use_engine()
        if change.topics & {"regions", "engine", "objects"}:
            if "regions" in change.topics:
                self._draft = None
            self._ask()
            self.changed.emit()

    def _on_labels(self) -> None:
        if self._ask():
            self.regionsChanged.emit()

    def _ask(self) -> bool:
        asked = self.preview.ask(self.plans, self.bench.labels)
        if asked:
            self.render.outdate()
        return asked

    def _use_engine(self) -> None:
        asset = self.bench.asset
        chosen = asset.engine_for("motion") if asset else None
        if chosen is None or not chosen.ref:
            return
        kept = {_FLOW: "always"} if self._keep_flow else {}
        wanted = (chosen.ref, {**chosen.parameters, **kept})
        if wanted != self._engine:
            self._engine = wanted
            self.preview.use(*wanted)
            self.render.outdate()

    def _on_ready(self) -> None:
        reel = self.preview.reel
        self.note = (" ".join(reel.clip.notes) if reel else "", "info")
        self.reelChanged.emit()
        self.changed.emit()

    def _on_render(self) -> None:
        """Play the clip at full quality as soon as it is there, and as long as it is right."""
        clip, preview = self.render.clip, self.preview.reel
        if (clip is None) != (self._full is None):
            self._full = full_reel(clip, preview) if clip is not None and preview else None
            self.reelChanged.emit()
        self.changed.emit()

    def _on_failed(self, headline: str, detail: str) -> None:
        self.note = (f"{headline} {detail}".strip(), "error")
        self.changed.emit()

    def _on_slow(self) -> None:
        self.bench.say("This engine takes long.", "Previews wait for Run Now (Enter) from now on.")
