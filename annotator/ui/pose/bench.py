"""The open photo while people are worked on: its document, its figures, and its engine."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import QObject

from annotator.domain import PersonPrompt, Pose, Prompt, Skeleton
from annotator.domain.people import Person, consistent_box, drawn
from annotator.domain.poses import Corners, Point
from annotator.engine.session import EngineEvent, EngineSession
from annotator.project import AssetState, Project
from annotator.project.events import TaskName
from annotator.project.people_events import HowAdded
from annotator.ui.annotate.bench import Bench
from annotator.ui.image.canvas import PhotoCanvas
from annotator.ui.image.loading import LoadedPhoto
from annotator.ui.image.view import ImageView
from annotator.ui.pose import asking
from annotator.ui.pose.figures import Figure, FigureLayer, JointKey
from annotator.ui.pose.motion import Gliding
from annotator.ui.pose.showing import figure_of

OVERLAP = 0.6
"""Share of both boxes' common area above which somebody found is taken for one already there."""


class PoseBench(Bench):
    """One open photo and its people.

    Attributes:
        photo: The photo as read; None before one is open.
        layer: The figures over it.
        joint: Number of the joint that the next click places; None for none.
    """

    task: ClassVar[TaskName] = "poses"
    canvas: PhotoCanvas

    def __init__(
        self, project: Project, view: ImageView, session: EngineSession, parent: QObject | None
    ) -> None:
        super().__init__(project, PhotoCanvas(view), session, parent)
        self.photo: LoadedPhoto | None = None
        self.layer = FigureLayer()
        self.joint: int | None = None
        self._template: Skeleton | None = None
        self._gliding = Gliding(view, self._draw, self)
        self._boxes: list[Corners] = []
        self._finding = False
        self._question: asking.Question | None = None
        self._moved: tuple[JointKey, Point] | None = None
        self._preview: Person | None = None
        self._last: dict[int, tuple[Point, ...]] = {}
        self._heard: Skeleton | None = None
        self.runs.answered.connect(self._on_answer)
        self.runs.changed.connect(self._on_runs_changed)
        self.runs.failed.connect(lambda *_: self._give_up())

    # What there is --------------------------------------------------------------------------

    @property
    def people(self) -> dict[int, Person]:
        """The people of the photo, by id."""
        return dict(self.asset.people) if self.asset else {}

    @property
    def person(self) -> Person | None:
        """The current person, or None."""
        return self.people.get(self.current_object)

    @property
    def engine_skeleton(self) -> Skeleton | None:
        """The joints that the engine finds; None before one is loaded."""
        return self.runs.skeleton

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of people to come: the one chosen, the engine's, or COCO's."""
        return self._template or self.engine_skeleton or self.project.document.skeletons["coco-17"]

    def choose_skeleton(self, skeleton: Skeleton | None) -> None:
        """Draw new people by a skeleton; None for the engine's own."""
        self._template = skeleton
        self.refreshed.emit()

    @property
    def waiting(self) -> bool:
        """Whether the engine looks for people, or for joints in a box."""
        return self._finding or bool(self._boxes)

    @property
    def factor(self) -> float:
        """Pixels of the photo along the edge of a pixel that the engine sees."""
        return float(self.photo.working.factor) if self.photo else 1.0

    def shown(self, person: Person) -> tuple[Point, ...]:
        """Return every joint of a person as it stands in the document, [K]."""
        asset = self.asset
        return person.keypoints if asset is None else self.project.shown_joints(asset, person)

    def shown_box(self, person: Person) -> Corners:
        """Return the box of a person, which holds all its joints."""
        return consistent_box(person.box, self.shown(person), person.visibility)

    # Opening and closing --------------------------------------------------------------------

    def open_asset(self, asset_id: int, photo: LoadedPhoto) -> None:
        """Show a photo as it was left, and let the engine get ready for it."""
        self.photo, self.asset_id = photo, asset_id
        self.isolated, self.joint, self._moved, self._preview = None, None, None, None
        self._boxes, self._finding, self._question, self._last = [], False, None, {}
        self.canvas.open(photo)
        self.layer = FigureLayer(handles=self.layer.handles, names=self.layer.names)
        self.canvas.view.overlay.layer = self.layer
        self.current_object = next(iter(self.people), 0)
        self._use_engine()
        self.runs.open_asset(asset_id, photo.working.image)
        self._ask()
        self._show_people()
        self.refreshed.emit()

    def close(self) -> None:
        """Let go of project, session and view; nothing arrives any more."""
        self._gliding.stop()
        super().close()
        self.photo = None

    # What the engine is asked ---------------------------------------------------------------

    def find_people(self) -> None:
        """Let the engine find everybody; those found become people of the photo."""
        if self.asset is None or self._refused():
            return
        if self.runs.unusable:
            self.say("There is no engine that finds people.", "Choose one in the Engine menu.")
            return
        self._finding = True
        self._ask()
        self.refreshed.emit()

    def guess_in(self, box: Corners) -> None:
        """Add a person in a box: the engine guesses its joints, or the skeleton's layout does."""
        if self.asset is None or self._refused():
            return
        own = self._template
        if self.runs.unusable or (own is not None and not asking.helps(self.engine_skeleton, own)):
            self.add([drawn(self.skeleton, 0, box)], "box", skeleton=self.skeleton)
            return
        self._boxes.append(box)
        self._ask()
        self.refreshed.emit()

    def stop(self) -> None:
        """Stop looking for people and joints; what was placed stays."""
        self._boxes, self._finding, self._question = [], False, None
        self.runs.cancel()
        self.refreshed.emit()

    def run_now(self) -> None:
        """Ask the engine for what waits for an answer."""
        if not self.runs.run_now():
            self.say("The joints are up to date.", "They answer everything that was placed.")

    def _refused(self) -> bool:
        if self.project.read_only:
            self.say("This project is open read-only.", level="warning")
        return self.project.read_only

    def _unanswered(self) -> list[tuple[PersonPrompt, Skeleton]]:
        """Return the people whose placed joints the engine has not answered yet."""
        asset, engine = self.asset, self.engine_skeleton
        if asset is None or engine is None:
            return []
        waiting = []
        for person in asset.people.values():
            own = self.project.skeleton_of(person)
            locked = asset.objects[person.object_id].locked
            open_ = person.asks and self.project.followed(asset, person) is None
            if open_ and not locked and asking.helps(engine, own):
                waiting.append((person.prompt(), own))
        return waiting

    def _ask(self) -> None:
        """Ask for all that waits, unless people are being looked for just now."""
        question = self._next_question()
        if question is not None and question == self._question and self.runs.unanswered:
            return
        self._question = question
        if question is not None:
            self.runs.want(question.prompt)
        elif self.runs.unanswered or self.runs.pending:
            self.runs.settle(Prompt())

    def _next_question(self) -> asking.Question | None:
        if self._finding:
            return asking.find_everybody()
        waiting, engine = self._unanswered(), self.engine_skeleton or self.skeleton
        if not waiting and not self._boxes:
            return None
        return asking.refine(waiting, self._boxes, engine, self.factor)

    def _on_answer(self, event: EngineEvent) -> None:
        question, pose, engine = self._question, event.result, self.engine_skeleton
        self._question = None
        if self.asset is None:
            return
        answers = question is not None and event.prompt == question.prompt
        if answers and question and engine and isinstance(pose, Pose):
            self.pace.mark()
            if question.kind == "find":
                self._finding = False
                self._adopt(pose, engine)
            else:
                self._take(question, pose, engine, event)
        self._ask()
        self.refreshed.emit()

    def _take(
        self, question: asking.Question, pose: Pose, engine: Skeleton, event: EngineEvent
    ) -> None:
        """Keep what was answered for people, and add those whose boxes were drawn."""
        assert self.asset_id is not None
        for row, (prompt, own) in enumerate(question.people):
            joints = asking.answer_for(pose, row, prompt, own, engine, self.factor)
            self.attempt(
                self.project.hold_pose, self.asset_id, prompt, joints,
                queue_ms=event.queue_milliseconds, run_ms=event.milliseconds,
                device=self.runs.device,
            )  # fmt: skip
        first = len(question.people)
        new = [
            asking.guessed(pose, first + n, engine, self.factor, False, box)
            for n, box in enumerate(question.boxes)
        ]
        self._boxes = [box for box in self._boxes if box not in question.boxes]
        if new:
            self._add_guesses(new, "box", engine)

    def _adopt(self, pose: Pose, engine: Skeleton) -> None:
        """Add those found who are not there yet, as one step."""
        score = self.runs.has_scores
        rows = range(len(pose.keypoints))
        found = [asking.guessed(pose, row, engine, self.factor, score, None) for row in rows]
        known = [self.shown_box(person) for person in self.people.values()]
        new = [p for p in found if all(_overlap(p.box, box) < OVERLAP for box in known)]
        if new:
            self._add_guesses(new, "proposed", engine)
        elif found:
            self.say("Everybody found is there already.")
        else:
            self.say("The engine found nobody.", "Draw a box around a person, or place joints.")

    def _give_up(self) -> None:
        """Draw people by their skeleton's layout where the engine failed to guess them."""
        boxes, self._boxes, self._finding, self._question = self._boxes, [], False, None
        if boxes and self.asset is not None:
            people = [drawn(self.skeleton, 0, box) for box in boxes]
            self.add(people, "box", skeleton=self.skeleton)

    def _add_guesses(self, people: Sequence[Person], how: HowAdded, engine: Skeleton) -> None:
        """Add what the engine guessed, in the joints that were chosen for new people."""
        own = self._template or engine
        if not asking.helps(engine, own):
            own = engine
        self.add([asking.in_joints_of(p, engine, own) for p in people], how, skeleton=own)

    def add(
        self,
        people: Sequence[Person],
        how: HowAdded,
        labels: Sequence[str] = (),
        skeleton: Skeleton | None = None,
    ) -> tuple[int, ...]:
        """Add people as one step; the first becomes the current one.

        Args:
            people: The people.
            how: Where they come from.
            labels: Class of each; "person" if none are given.
            skeleton: Their skeleton, if the project may not know it yet.
        """
        if self.asset_id is None:
            return ()
        if skeleton is not None:
            name = self.attempt(self.project.add_skeleton, skeleton)
            if name is None:
                return ()
            people = [replace(person, skeleton=name) for person in people]
        ids = self.attempt(self.project.add_people, self.asset_id, people, how, labels=labels) or ()
        if ids:
            self.choose_object(ids[0])
        return ids

    # What follows ---------------------------------------------------------------------------

    def choose_object(self, object_id: int) -> None:
        """Make a person the current one."""
        if object_id != self.current_object:
            self.joint = None
        super().choose_object(object_id)
        self._show_people()

    def choose_joint(self, joint: int | None) -> None:
        """Let the next click place a joint of the current person; None for none."""
        person = self.person
        fits = person is not None and joint is not None and 0 <= joint < len(person.start)
        self.joint = joint if fits else None
        self._show_people()
        self.refreshed.emit()

    def _follow(self, topics: frozenset[str]) -> None:
        if topics & {"people", "objects", "engine", "result"}:
            if self.current_object not in self.people:
                self.current_object, self.joint = next(reversed(self.people), 0), None
            if self.asset and self.isolated not in self.asset.objects:
                self.isolated = None
            if not topics & {"result"}:
                self._ask()
            self._show_people()

    def _on_runs_changed(self) -> None:
        if self.runs.skeleton != self._heard:  # another engine is ready
            self._heard = self.runs.skeleton
            self._ask()
        self._draw()
        self.refreshed.emit()

    # What is shown --------------------------------------------------------------------------

    def preview_joint(self, key: JointKey | None, place: Point | None = None) -> None:
        """Show a joint elsewhere while it is dragged; None ends the preview."""
        self._moved = None if key is None or place is None else (key, place)
        self._gliding.stop()
        self._draw()

    def preview_person(self, person: Person | None) -> None:
        """Show a person elsewhere while it is moved as a whole; None ends the preview."""
        self._preview = person
        self._gliding.stop()
        self._draw()

    def hover(self, key: JointKey | None) -> None:
        """Mark the joint under the pointer."""
        if key != self.layer.hovered:
            self.layer.hovered = key
            self.canvas.view.update_overlay()

    def _show_objects(self) -> None:
        self._show_people()

    def _show_people(self) -> None:
        """Show the document's people, those that changed gliding from where they were."""
        now = {i: self.shown(person) for i, person in self.people.items()}
        before = {i: self._last[i] for i in now if i in self._last and self._last[i] != now[i]}
        self._last = now
        if before:
            self._gliding.start(before)
        self._draw()

    def _draw(self) -> None:
        asset = self.asset
        if asset is None:
            self.layer.figures = ()
        else:
            hidden = self.hidden
            self.layer.figures = tuple(
                self._figure(asset, person)
                for person in asset.people.values()
                if person.object_id not in hidden
            )
        key = None if self.joint is None else (self.current_object, self.joint)
        self.layer.selected = key
        self.canvas.view.update_overlay()

    def _figure(self, asset: AssetState, person: Person) -> Figure:
        preview = self._preview
        if preview is not None and preview.object_id == person.object_id:
            person, joints = preview, preview.keypoints
        else:
            joints = self._drawn_joints(person)
        return figure_of(
            self.project, asset, person, joints,
            current=person.object_id == self.current_object, pending=self.runs.pending,
        )  # fmt: skip

    def _drawn_joints(self, person: Person) -> tuple[Point, ...]:
        """Return where joints are drawn: placed ones at once, others on their way."""
        glide = self._gliding.at(person.object_id, self._last.get(person.object_id, ()))
        known = len(glide) == len(person.start)
        joints = list(person.shown(glide) if known else self.shown(person))
        if self._moved is not None and self._moved[0][0] == person.object_id:
            joints[self._moved[0][1]] = self._moved[1]
        return tuple(joints)


def _overlap(first: Corners, second: Corners) -> float:
    """Return the intersection of two boxes over their union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (first, second)]
    return width * height / (sum(areas) - width * height)
