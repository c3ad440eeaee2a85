"""What gestures and commands do to people; everything is a step that can be undone."""

from collections.abc import Iterable
from dataclasses import replace

from annotator.domain.labels import Colour
from annotator.domain.people import Move as PointMove
from annotator.domain.people import Person, drawn, moved, swapped
from annotator.domain.poses import ABSENT, VISIBLE, Corners, Point
from annotator.project.people_events import HowJoints, HowSet, JointSetting
from annotator.ui.image.canvas import colour_of
from annotator.ui.pose.bench import PoseBench

_SEED = 4.0  # half the edge of the box around somebody's first joint, pixels of the photo


class PoseHands:
    """Carries out what was meant for the people of a photo. Places are pixels of the photo."""

    def __init__(self, bench: PoseBench) -> None:
        self.bench = bench

    @property
    def current_object(self) -> int:
        """The current person, or the one that comes next, for the box tool."""
        return self.bench.current_object or 1

    @property
    def colour(self) -> Colour:
        """Of the current person."""
        asset = self.bench.asset
        return colour_of(asset.objects if asset else {}, self.current_object)

    def say(self, headline: str, detail: str = "", level: str = "info") -> None:
        """Show a message in the window."""
        self.bench.say(headline, detail, level)

    def set_box(self, corners: Corners) -> None:
        """Add a person in a box."""
        self.bench.guess_in(corners)

    # Joints -------------------------------------------------------------------------------------

    def place(self, object_id: int, joint: int, place: Point, *, moving: bool = False) -> None:
        """Put a joint somewhere; it stays exactly there, and the free ones may follow."""
        person = self.bench.people.get(object_id)
        if person is None:
            return
        seen = person.visibility[joint]
        setting = JointSetting(joint, (float(place[0]), float(place[1])), seen or VISIBLE)
        again = moving and person.placed[joint] is not None
        if self._set_joints(person, [setting], "move" if again else "place"):
            self.bench.pace.click()

    def release(self, joints: Iterable[int]) -> None:
        """Let placed joints of the current person follow again."""
        person = self.bench.person
        if person is None:
            return
        placed = [j for j in joints if person.placed[j] is not None]
        if not placed:
            self.say("This joint was not placed.", "It follows already.")
            return
        self._set_joints(
            person, [JointSetting(j, None, person.visibility[j]) for j in placed], "release"
        )

    def place_all(self) -> None:
        """Place every joint of the current person where it is shown."""
        person = self.bench.person
        if person is None:
            return
        shown = self.bench.shown(person)
        free = [j for j, v in enumerate(person.visibility) if v and person.placed[j] is None]
        settings = [JointSetting(j, shown[j], person.visibility[j]) for j in free]
        if settings:
            self._set_joints(person, settings, "place")

    def set_visibility(self, joint: int | None, visibility: int) -> None:
        """Say that a joint of the current person is visible, occluded or absent."""
        person = self.bench.person
        if person is None or joint is None:
            self.say("No joint is chosen.", "Click one, or type its number.")
            return
        if person.visibility[joint] == visibility:
            return
        placed = person.placed[joint]
        if visibility == ABSENT:
            placed = None
        elif person.visibility[joint] == ABSENT and placed is None and not person.follows:
            placed = self.bench.shown(person)[joint]
        self._set_joints(person, [JointSetting(joint, placed, visibility)], "visibility")

    def _set_joints(self, person: Person, settings: list[JointSetting], how: HowJoints) -> bool:
        bench = self.bench
        if bench.asset_id is None:
            return False
        set_joints = bench.project.set_joints
        done = bench.attempt(set_joints, bench.asset_id, person.object_id, settings, how)
        return done is not None

    # Guided placement ---------------------------------------------------------------------------

    @property
    def guided(self) -> bool:
        """Whether the current person is being placed joint by joint."""
        person = self.bench.person
        return person is not None and not person.follows and self.next_absent(person) is not None

    def next_absent(self, person: Person, after: int = -1) -> int | None:
        """Return the next joint that is absent, after a joint, then from the beginning."""
        absent = [j for j, v in enumerate(person.visibility) if v == ABSENT]
        return next((j for j in absent if j > after), absent[0] if absent else None)

    def guide(self, place: Point) -> None:
        """Place the joint whose turn it is; the first one makes a new person."""
        bench = self.bench
        person = bench.person if self.guided else None
        if person is None:
            self._begin_guided(place)
            return
        joint = bench.joint if bench.joint is not None else self.next_absent(person)
        if joint is None:
            return
        setting = JointSetting(joint, (float(place[0]), float(place[1])), VISIBLE)
        if self._set_joints(person, [setting], "guide"):
            bench.pace.click()
            self.skip(joint)

    def skip(self, joint: int | None = None) -> None:
        """Go on to the next joint that is still absent; this one stays as it is."""
        person = self.bench.person
        if person is not None:
            now = self.bench.joint if joint is None else joint
            self.bench.choose_joint(self.next_absent(person, -1 if now is None else now))

    def _begin_guided(self, place: Point) -> None:
        bench = self.bench
        skeleton = bench.skeleton
        x, y = float(place[0]), float(place[1])
        box = (x - _SEED, y - _SEED, x + _SEED, y + _SEED)
        first = bench.joint or 0
        first = first if first < len(skeleton) else 0
        count = len(skeleton)
        person = Person(
            0, skeleton.name, box, ((x, y),) * count,
            tuple(VISIBLE if j == first else ABSENT for j in range(count)),
            tuple((x, y) if j == first else None for j in range(count)), follows=False,
        )  # fmt: skip
        if bench.add([person], "guided", skeleton=skeleton):
            self.skip(first)

    # Whole persons ------------------------------------------------------------------------------

    def preview(self, move: PointMove | None) -> None:
        """Show the current person moved as a whole; None ends the preview."""
        person = self.bench.person
        shown = None if person is None else self.bench.shown(person)
        preview = moved(person, shown, move) if person and shown and move else None
        self.bench.preview_person(preview)

    def move_person(self, move: PointMove, how: HowSet) -> None:
        """Move the current person as a whole."""
        person = self.bench.person
        if person is not None:
            self._set_person(moved(person, self.bench.shown(person), move), how)

    def swap(self, joints: Iterable[int] | None) -> None:
        """Exchange joints of the current person with those of the other side; None for all."""
        person = self.bench.person
        if person is None:
            return
        skeleton = self.bench.project.skeleton_of(person)
        chosen = list(range(len(skeleton))) if joints is None else list(joints)
        if all(skeleton.mirror[j] == j for j in chosen):
            self.say("This joint has no counterpart on the other side.")
            return
        self._set_person(swapped(person, self.bench.shown(person), skeleton, chosen), "swap")

    def toggle_follows(self) -> None:
        """Let the free joints of the current person follow the placed ones, or stay."""
        person = self.bench.person
        if person is not None:
            start = self.bench.shown(person)
            self._set_person(replace(person, start=start, follows=not person.follows), "follow")

    def fit_box(self) -> None:
        """Draw the current person's box anew around its joints."""
        from annotator.domain.people import box_of_joints

        person = self.bench.person
        box = person and box_of_joints(self.bench.shown(person), person.visibility)
        if person and box:
            self._set_person(replace(person, box=box), "box")

    def _set_person(self, person: Person, how: HowSet) -> None:
        bench = self.bench
        if bench.asset_id is not None:
            bench.attempt(bench.project.set_person, bench.asset_id, person, how)

    def duplicate(self) -> None:
        """Add a copy of the current person beside it."""
        person, asset = self.bench.person, self.bench.asset
        if person is None or asset is None:
            return
        x0, y0, x1, y1 = self.bench.shown_box(person)
        aside = 0.15 * max(x1 - x0, y1 - y0)
        copy = moved(person, self.bench.shown(person), lambda p: (p[0] + aside, p[1] + aside))
        label = asset.objects[person.object_id].label
        self.bench.add([copy], "duplicated", labels=[label])

    def add_from_template(self) -> None:
        """Add a person by the skeleton's layout in the middle of what is seen."""
        bench = self.bench
        camera = bench.canvas.view.camera
        width, height = camera.viewport
        x0, y0 = camera.to_photo(width * 0.35, height * 0.2)
        x1, y1 = camera.to_photo(width * 0.65, height * 0.8)
        person = drawn(bench.skeleton, 0, (x0, y0, x1, y1))
        bench.add([person], "template", skeleton=bench.skeleton)

    def copy_previous(self) -> None:
        """Copy the people of the photo before this one, as they stand there.

        None of their joints counts as placed: on this photo nobody looked at them yet.
        """
        bench = self.bench
        ids = [i for i, asset in bench.project.document.assets.items() if asset.people]
        earlier = [i for i in ids if bench.asset_id is not None and i < bench.asset_id]
        if bench.asset is None or not earlier:
            self.say("No photo before this one has people.", "Annotate one, or import people.")
            return
        asset = bench.project.asset(earlier[-1])
        copies = [
            replace(
                person,
                start=bench.project.shown_joints(asset, person),
                placed=(None,) * len(person.start),
            )
            for person in asset.people.values()
        ]
        labels = [asset.objects[person.object_id].label for person in asset.people.values()]
        bench.add(copies, "copied", labels=labels)
