"""People on photos: what was said of a person, how it is shown, and what can be done to it.

A person has a first guess of all joints (`start`), and the joints that the user placed,
which stay exactly where they were put. What an engine makes of the two is never part of
the person: it follows from them, and is looked up by the prompt.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from annotator.domain.poses import (
    ABSENT,
    COCO_17,
    LSP_14,
    Corners,
    PersonPrompt,
    Point,
    Skeleton,
)

KNOWN_SKELETONS = (COCO_17, LSP_14)
"""Skeletons that every project knows."""

Move = Callable[[Point], Point]
Place = Point | None
MARGIN = 0.1
"""By how much of its size a box around joints alone is made larger on each side."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a photo, as annotated.

    Attributes:
        object_id: The object that the person is.
        skeleton: Name of the skeleton.
        box: (x0, y0, x1, y1) around the person in pixels; joints may lie outside.
        start: The first guess of every joint, (x, y) pixels, [K].
        visibility: 0 absent, 1 occluded, 2 visible, [K].
        placed: Where the user put each joint; None for joints that follow, [K].
        follows: Whether an engine moves the joints that were not placed.
        score: How sure an engine was of the person; None if none was, or said.
    """

    object_id: int
    skeleton: str
    box: Corners
    start: tuple[Point, ...]
    visibility: tuple[int, ...]
    placed: tuple[Place, ...]
    follows: bool = True
    score: float | None = None

    @property
    def keypoints(self) -> tuple[Point, ...]:
        """Every joint without an engine: where it was placed, else the first guess, [K]."""
        pairs = zip(self.placed, self.start, strict=True)
        return tuple(start if placed is None else placed for placed, start in pairs)

    @property
    def fixed(self) -> tuple[bool, ...]:
        """Whether the user placed each joint, [K]."""
        return tuple(place is not None for place in self.placed)

    @property
    def asks(self) -> bool:
        """Whether there is anything for an engine to do: some joints are placed, not all."""
        free = (v and not f for v, f in zip(self.visibility, self.fixed, strict=True))
        return self.follows and any(self.fixed) and any(free)

    def prompt(self) -> PersonPrompt:
        """Return what an engine is told of the person."""
        placed = [place for place in self.placed if place is not None]
        box = union(self.box, enclosing(placed)) if placed else self.box
        return PersonPrompt(self.object_id, box, self.keypoints, self.visibility, self.fixed)

    def shown(self, followed: Sequence[Point] | None = None) -> tuple[Point, ...]:
        """Return every joint as it is shown, [K]; placed ones exactly as placed.

        Args:
            followed: What an engine answered for `prompt()`, [K]; None for nothing.
        """
        return self.keypoints if followed is None else overlay(self.placed, followed)


def overlay(placed: Sequence[Place], points: Sequence[Point]) -> tuple[Point, ...]:
    """Return points with the placed joints put exactly where they were placed."""
    pairs = zip(placed, points, strict=True)
    return tuple(point if place is None else place for place, point in pairs)


@dataclass(frozen=True, slots=True)
class PosedPerson:
    """One person as files hold it: what is shown, without how it came about.

    Attributes:
        skeleton: Its joints.
        keypoints: (x, y) pixels of every joint, [K]; of absent ones of no meaning.
        visibility: 0 absent, 1 occluded, 2 visible, [K].
        box: (x0, y0, x1, y1) pixels.
        name: What it is called.
        label: Class name; "person" if empty.
        score: How sure an engine was; None if unknown.
        area: Pixels that it covers, by which OKS is scaled; None for its box's.
        crowd: Whether it stands for a group, which evaluations leave out.
        object_id: Number in the file; 0 for the next one.
    """

    skeleton: Skeleton
    keypoints: tuple[Point, ...]
    visibility: tuple[int, ...]
    box: Corners
    name: str = ""
    label: str = ""
    score: float | None = None
    area: float | None = None
    crowd: bool = False
    object_id: int = 0

    @property
    def present(self) -> tuple[Point, ...]:
        """Joints that are annotated."""
        pairs = zip(self.keypoints, self.visibility, strict=True)
        return tuple(point for point, visibility in pairs if visibility != ABSENT)


@dataclass(frozen=True)
class PosedImage:
    """A photo with people, as files hold it.

    Attributes:
        file_name: Of the photo.
        width: Pixels of a row.
        height: Pixels of a column.
        people: In the order of their objects.
        path: Of the photo, if known.
    """

    file_name: str
    width: int
    height: int
    people: tuple[PosedPerson, ...] = ()
    path: Path | None = None


# --- Boxes


def enclosing(points: Iterable[Point], margin: float = 0.0) -> Corners:
    """Return the box around points, made larger by a fraction of its size on each side.

    Raises:
        ValueError: If there are no points.
    """
    xs, ys = zip(*points, strict=True)
    x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
    dx, dy = margin * (x1 - x0), margin * (y1 - y0)
    return (x0 - dx, y0 - dy, x1 + dx, y1 + dy)


def union(first: Corners, second: Corners) -> Corners:
    """Return the box around two boxes."""
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )


def consistent_box(box: Corners, points: Sequence[Point], visibility: Sequence[int]) -> Corners:
    """Return a person's box, enlarged to hold all joints that are annotated; never smaller."""
    present = [p for p, v in zip(points, visibility, strict=True) if v != ABSENT]
    return union(box, enclosing(present)) if present else box


def box_of_joints(points: Sequence[Point], visibility: Sequence[int]) -> Corners | None:
    """Return a box around the annotated joints alone, with a margin; None without joints."""
    present = [p for p, v in zip(points, visibility, strict=True) if v != ABSENT]
    if not present:
        return None
    x0, y0, x1, y1 = enclosing(present, MARGIN)
    pad = max(2.0 - (x1 - x0), 2.0 - (y1 - y0), 0.0) / 2
    return (x0 - pad, y0 - pad, x1 + pad, y1 + pad)


# --- New people


def drawn(skeleton: Skeleton, object_id: int, box: Corners, *, follows: bool = True) -> Person:
    """Return a person whose joints lie in a box as the skeleton's layout says."""
    x0, y0, x1, y1 = box
    start = tuple((x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for x, y in skeleton.layout)
    count = len(skeleton)
    nothing: tuple[Place, ...] = (None,) * count
    return Person(object_id, skeleton.name, box, start, (2,) * count, nothing, follows)


def from_posed(posed: PosedPerson, object_id: int, *, placed: bool = True) -> Person:
    """Return a person of a file as one of a project.

    Args:
        posed: The person.
        object_id: Its object.
        placed: Whether its joints count as placed by the user, so that no engine moves them.
    """
    start, visibility = _finite(posed), posed.visibility
    fixed = tuple(
        point if placed and v != ABSENT else None
        for point, v in zip(start, visibility, strict=True)
    )
    return Person(
        object_id, posed.skeleton.name, posed.box, start, visibility, fixed,
        follows=not placed, score=posed.score,
    )  # fmt: skip


def _finite(posed: PosedPerson) -> tuple[Point, ...]:
    """Put absent joints, of which files say nothing, into the middle of the box."""
    x0, y0, x1, y1 = posed.box
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    pairs = zip(posed.keypoints, posed.visibility, strict=True)
    return tuple(point if visibility != ABSENT else middle for point, visibility in pairs)


# --- Changes of a whole person


def moved(person: Person, shown: Sequence[Point], move: Move) -> Person:
    """Return a person moved as a whole: placed joints stay placed, all others start anew.

    Args:
        person: The person.
        shown: Its joints as they are shown, [K]: what the user sees is what is moved.
        move: Where each point goes.
    """
    placed = tuple(None if place is None else move(place) for place in person.placed)
    x0, y0, x1, y1 = person.box
    corners = [move(corner) for corner in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))]
    start = tuple(move(point) for point in shown)
    return replace(person, start=start, placed=placed, box=enclosing(corners))


def shifting(dx: float, dy: float) -> Move:
    """Return a move by some pixels."""
    return lambda point: (point[0] + dx, point[1] + dy)


def scaling(centre: Point, factor: float) -> Move:
    """Return a move away from a centre by a factor."""
    return lambda point: (
        centre[0] + factor * (point[0] - centre[0]),
        centre[1] + factor * (point[1] - centre[1]),
    )


def turning(centre: Point, degrees: float) -> Move:
    """Return a turn about a centre, clockwise on the screen."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def turn(point: Point) -> Point:
        x, y = point[0] - centre[0], point[1] - centre[1]
        return (centre[0] + cosine * x - sine * y, centre[1] + sine * x + cosine * y)

    return turn


def swapped(
    person: Person, shown: Sequence[Point], skeleton: Skeleton, joints: Iterable[int]
) -> Person:
    """Return a person with joints and their mirrored ones exchanged, places and marks alike.

    Args:
        person: The person.
        shown: Its joints as they are shown, [K].
        skeleton: Its skeleton.
        joints: Joints to exchange; one of a pair is enough.
    """
    order = list(range(len(skeleton)))
    for joint in joints:
        other = skeleton.mirror[joint]
        order[joint], order[other] = other, joint
    return replace(
        person,
        start=tuple(shown[i] for i in order),
        visibility=tuple(person.visibility[i] for i in order),
        placed=tuple(person.placed[i] for i in order),
    )


def shared_joints(first: Skeleton, second: Skeleton) -> tuple[tuple[int, int], ...]:
    """Return pairs (joint of the first, joint of the second) that have the same name."""
    numbers = {name: number for number, name in enumerate(second.joints)}
    return tuple((i, numbers[n]) for i, n in enumerate(first.joints) if n in numbers)


def told_as(prompt: PersonPrompt, own: Skeleton, other: Skeleton) -> PersonPrompt:
    """Return a person's prompt in the joints of another skeleton, the missing ones absent."""
    x0, y0, x1, y1 = prompt.box
    points: list[Point] = [((x0 + x1) / 2, (y0 + y1) / 2)] * len(other)
    visibility, fixed = [ABSENT] * len(other), [False] * len(other)
    for mine, theirs in shared_joints(own, other):
        points[theirs] = prompt.keypoints[mine]
        visibility[theirs] = prompt.visibility[mine]
        fixed[theirs] = prompt.fixed[mine]
    box = prompt.box
    return PersonPrompt(prompt.object_id, box, tuple(points), tuple(visibility), tuple(fixed))


def answered_as(
    answer: Sequence[Point], other: Skeleton, own: Skeleton, start: Sequence[Point]
) -> tuple[Point, ...]:
    """Return an answer in another skeleton's joints in a person's own; the rest as at the start."""
    points = list(start)
    for theirs, mine in shared_joints(other, own):
        points[mine] = answer[theirs]
    return tuple(points)
