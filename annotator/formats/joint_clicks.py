"""Corrections of people as JSON, for runs without a window.

    {"people": [{"box": [x0, y0, x1, y1], "name": "",
                 "joints": [{"joint": "left_wrist", "x": 1, "y": 2, "visibility": 2}]}]}

A person has a box, joints, or both; one without a box is the found person nearest to its
joints. Coordinates are pixels of the photo.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError
from annotator.domain.poses import VISIBLE, Corners, Point
from annotator.formats.coco import load_json
from annotator.formats.source import DAMAGED, Reading

_LARGEST = 1 << 26


@dataclass(frozen=True)
class ToldJoint:
    """A joint that was placed: its name, place in pixels, and visibility 0, 1 or 2."""

    name: str
    place: Point
    visibility: int = VISIBLE


@dataclass(frozen=True)
class ToldPerson:
    """What was said of one person; box or joints may be missing, not both."""

    box: Corners | None
    joints: tuple[ToldJoint, ...] = ()
    name: str = ""


def read_joint_clicks(path: Path) -> list[ToldPerson]:
    """Read corrections of people.

    Raises:
        AnnotatorError: If the file is none; names the person that is wrong.
    """
    reading = Reading.of(path)
    people = load_json(reading, _LARGEST).get("people")
    if not isinstance(people, list):
        raise reading.damaged('has no list "people"', "Choose a file of corrections of people.")
    return [_person(entry, number, reading) for number, entry in enumerate(people)]


def _person(entry: Any, number: int, reading: Reading) -> ToldPerson:  # noqa: ANN401 - JSON
    try:
        if not isinstance(entry, dict):
            raise ValueError("it is no object")
        joints = entry.get("joints") or []
        told = tuple(_joint(joint) for joint in joints)
        box = None if entry.get("box") is None else _box(entry["box"])
        if box is None and not told:
            raise ValueError("it has neither box nor joints")
        return ToldPerson(box, told, str(entry.get("name") or ""))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AnnotatorError(
            f"Person {number} of {reading.path.name} cannot be read: {error}.", DAMAGED
        ) from error


def _joint(entry: Any) -> ToldJoint:  # noqa: ANN401 - JSON
    visibility = entry.get("visibility", VISIBLE)
    if visibility not in (0, 1, 2):
        raise ValueError(f"visibility {visibility!r} is none of 0, 1, 2")
    return ToldJoint(
        str(entry["joint"]), (_number(entry["x"]), _number(entry["y"])), int(visibility)
    )


def _box(value: Any) -> Corners:  # noqa: ANN401 - JSON
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError("its box is no list of 4 numbers")
    x0, y0, x1, y1 = map(_number, value)
    if not (x0 < x1 and y0 < y1):
        raise ValueError("its box has no area")
    return (x0, y0, x1, y1)


def _number(value: Any) -> float:  # noqa: ANN401 - JSON
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
