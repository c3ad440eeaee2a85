"""What events on people do to an asset: pure functions; wrong events are told in words."""

import math
from collections.abc import Mapping
from dataclasses import replace

from annotator.domain import ObjectInfo, Skeleton
from annotator.domain.people import Person
from annotator.project import people_events as pe

People = dict[int, Person]
Skeletons = Mapping[str, Skeleton]


def require_person(person: Person, skeletons: Skeletons) -> None:
    """Refuse a person that does not fit its skeleton.

    Raises:
        ValueError: In words.
    """
    if person.skeleton not in skeletons:
        raise ValueError(f"The project knows no skeleton {person.skeleton!r}.")
    joints = len(skeletons[person.skeleton])
    counts = {len(person.start), len(person.visibility), len(person.placed)}
    if counts != {joints}:
        raise ValueError(f"A person of {person.skeleton} needs {joints} joints.")
    if not set(person.visibility) <= {0, 1, 2}:
        raise ValueError("A visibility is none of 0, 1, 2.")
    places = [*person.start, *(place for place in person.placed if place is not None)]
    if not all(math.isfinite(v) for v in (*person.box, *(v for p in places for v in p))):
        raise ValueError("A joint is nowhere.")
    x0, y0, x1, y1 = person.box
    if not (x0 < x1 and y0 < y1):
        raise ValueError("The box of a person has no area.")


def added(
    people: Mapping[int, Person], event: pe.PeopleAdded, skeletons: Skeletons
) -> tuple[People, list[ObjectInfo]]:
    """Return the people with those of an event, and the objects that they need.

    Raises:
        ValueError: If the event makes no sense, in words.
    """
    ids = [info.object_id for info in event.infos]
    if not ids or ids != [person.object_id for person in event.people]:
        raise ValueError("Each person needs its object.")
    if len(set(ids)) < len(ids) or min(ids) < 1 or set(ids) & people.keys():
        raise ValueError("A person was added twice.")
    for person in event.people:
        require_person(person, skeletons)
    more = {person.object_id: person for person in event.people}
    return dict(sorted({**people, **more}.items())), list(event.infos)


def changed(people: Mapping[int, Person], event: pe.PersonSet, skeletons: Skeletons) -> People:
    """Return the people with one changed as a whole.

    Raises:
        ValueError: If there is none such, in words.
    """
    if event.person.object_id not in people:
        raise ValueError(f"There is no person {event.person.object_id}.")
    require_person(event.person, skeletons)
    return {**people, event.person.object_id: event.person}


def with_joints(people: Mapping[int, Person], event: pe.JointsSet) -> People:
    """Return the people with some joints of one as an event says.

    Raises:
        ValueError: If there is no such person or joint, in words.
    """
    person = people.get(event.object_id)
    if person is None:
        raise ValueError(f"There is no person {event.object_id}.")
    placed, visibility = list(person.placed), list(person.visibility)
    for setting in event.joints:
        if not 0 <= setting.joint < len(placed):
            raise ValueError(f"A person of {person.skeleton} has no joint {setting.joint}.")
        if setting.visibility not in (0, 1, 2):
            raise ValueError(f"Visibility {setting.visibility} is none of 0, 1, 2.")
        if setting.placed is not None and not all(map(math.isfinite, setting.placed)):
            raise ValueError("A joint is nowhere.")
        placed[setting.joint] = setting.placed
        visibility[setting.joint] = setting.visibility
    now = replace(person, placed=tuple(placed), visibility=tuple(visibility))
    return {**people, event.object_id: now}
