"""What can happen to people on photos; as few kinds of events as serve.

Joints that the user places, moves, releases or hides are `JointsSet`; everything that changes
a person as a whole, and cannot be said joint by joint, is `PersonSet` with the whole person.
Guesses of an engine that were adopted are in the log in full: a replay needs no model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from annotator.domain import ObjectInfo, Skeleton
from annotator.domain.people import Person, Place
from annotator.project.events import Event

HowAdded = Literal["proposed", "box", "template", "guided", "copied", "duplicated", "imported"]
HowSet = Literal["move", "scale", "rotate", "swap", "box", "follow", "template"]
HowJoints = Literal["place", "move", "release", "visibility", "guide"]

_PEOPLE = frozenset({"people", "objects"})


@dataclass(frozen=True, slots=True)
class SkeletonAdded(Event):
    """The project learned a skeleton; persons name it."""

    skeleton: Skeleton

    kind: ClassVar[str] = "skeleton_added"
    text: ClassVar[str] = "Add skeleton"
    topics: ClassVar[frozenset[str]] = frozenset({"people"})
    undoable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class PeopleAdded(Event):
    """One or several persons came, in one step.

    Attributes:
        asset_id: The photo.
        infos: Their objects: ids, names, classes and colours.
        people: The persons, in the same order.
        how: Where they came from.
    """

    asset_id: int
    infos: tuple[ObjectInfo, ...]
    people: tuple[Person, ...]
    how: HowAdded

    kind: ClassVar[str] = "people_added"
    text: ClassVar[str] = "Add people"
    topics: ClassVar[frozenset[str]] = _PEOPLE

    @property
    def wording(self) -> str:
        """What undo and redo call it."""
        return _ADDED[self.how]


@dataclass(frozen=True, slots=True)
class PersonSet(Event):
    """A person changed as a whole.

    Attributes:
        asset_id: The photo.
        person: As it is from now on.
        how: What was done to it.
    """

    asset_id: int
    person: Person
    how: HowSet

    kind: ClassVar[str] = "person_set"
    text: ClassVar[str] = "Change person"
    topics: ClassVar[frozenset[str]] = _PEOPLE

    @property
    def wording(self) -> str:
        """What undo and redo call it."""
        return _SET[self.how]


@dataclass(frozen=True, slots=True)
class JointSetting:
    """One joint as it is from now on.

    Attributes:
        joint: Its number in the skeleton.
        placed: Where the user put it, in pixels; None if it follows.
        visibility: 0 absent, 1 occluded, 2 visible.
    """

    joint: int
    placed: Place
    visibility: int


@dataclass(frozen=True, slots=True)
class JointsSet(Event):
    """Joints of a person were placed, moved, released, or their visibility was said.

    Attributes:
        asset_id: The photo.
        object_id: The person.
        joints: The joints concerned.
        how: What was done.
    """

    asset_id: int
    object_id: int
    joints: tuple[JointSetting, ...]
    how: HowJoints

    kind: ClassVar[str] = "joints_set"
    text: ClassVar[str] = "Place joint"
    topics: ClassVar[frozenset[str]] = frozenset({"people"})

    @property
    def wording(self) -> str:
        """What undo and redo call it."""
        return _JOINTS[self.how]


_ADDED: Mapping[HowAdded, str] = {
    "proposed": "Find people",
    "box": "Add person",
    "template": "Add person",
    "guided": "Add person",
    "copied": "Copy people",
    "duplicated": "Duplicate person",
    "imported": "Import people",
}
_SET: Mapping[HowSet, str] = {
    "move": "Move person",
    "scale": "Scale person",
    "rotate": "Rotate person",
    "swap": "Swap left and right",
    "box": "Change box",
    "follow": "Change following",
    "template": "Change skeleton",
}
_JOINTS: Mapping[HowJoints, str] = {
    "place": "Place joint",
    "move": "Move joint",
    "release": "Release joint",
    "visibility": "Change visibility",
    "guide": "Place joint",
}
PEOPLE_EVENTS = (SkeletonAdded, PeopleAdded, PersonSet, JointsSet)
"""Every kind of event on people."""
