"""Skeleton templates: JSON that people can edit, and the categories of COCO keypoints.

    {"skeletons": [{"name", "joints": ["nose", ...], "edges": [["nose", "neck"], ...],
                    "mirror": [["left eye", "right eye"], ...], "sigmas": [...],
                    "layout": [[x, y], ...]}]}

Edges and pairs name joints, so that a line can be moved without renumbering. Only `name`
and `joints` are needed: pairs are then found by names that begin or end with left or right.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError, Skeleton
from annotator.domain.people import KNOWN_SKELETONS
from annotator.formats.atomic import atomic_write
from annotator.formats.coco import load_json
from annotator.formats.source import Reading

_LARGEST = 1 << 28
_MOST_JOINTS = 1000
Entry = Mapping[str, Any]


def write_skeletons(path: Path, skeletons: Sequence[Skeleton]) -> None:
    """Write templates, completely or not at all.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    document = {"skeletons": [skeleton_entry(skeleton) for skeleton in skeletons]}
    with atomic_write(path) as file:
        file.write(json.dumps(document, indent=1, allow_nan=False).encode("ascii"))


def skeleton_entry(skeleton: Skeleton) -> dict[str, Any]:
    """Return a template as plain JSON values."""
    names = skeleton.joints
    pairs = [(i, m) for i, m in enumerate(skeleton.mirror) if i < m]
    return {
        "name": skeleton.name,
        "joints": list(names),
        "edges": [[names[a], names[b]] for a, b in skeleton.edges],
        "mirror": [[names[a], names[b]] for a, b in pairs],
        "sigmas": list(skeleton.sigmas),
        "layout": [list(place) for place in skeleton.layout],
    }


def read_skeletons(path: Path) -> list[Skeleton]:
    """Read templates of our own, or the keypoint categories of a COCO file.

    Raises:
        AnnotatorError: If the file holds neither; names the template that is wrong.
    """
    reading = Reading.of(path)
    document = load_json(reading, _LARGEST)
    entries, read = document.get("skeletons"), skeleton_of
    if entries is None:
        categories = document.get("categories")
        entries = [c for c in _listed(categories) if isinstance(c, dict) and c.get("keypoints")]
        read = skeleton_of_category
    if not _listed(entries):
        raise reading.damaged(
            "holds no skeletons", 'It needs a list "skeletons", or categories with keypoints.'
        )
    try:
        return [read(entry) for entry in _listed(entries)]
    except ValueError as error:
        raise AnnotatorError(
            f"A skeleton of {path.name} cannot be read: {error}.", "Correct the file."
        ) from error


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def skeleton_of(entry: object) -> Skeleton:
    """Return the template that plain JSON values describe.

    Raises:
        ValueError: If they describe none, in words.
    """
    if not isinstance(entry, dict):
        raise ValueError("it is no object")
    name, joints = str(entry.get("name") or "skeleton"), _names(entry.get("joints"))
    numbers = {joint: number for number, joint in enumerate(joints)}
    return Skeleton(
        name,
        joints,
        _pairs(entry.get("edges"), numbers),
        _mirror(entry.get("mirror"), joints, numbers),
        _floats(entry.get("sigmas")),
        _places(entry.get("layout")),
    )


def _names(value: object) -> tuple[str, ...]:
    names = _listed(value)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("it lists no names of joints")
    if len(names) > _MOST_JOINTS:
        raise ValueError(f"it has more than {_MOST_JOINTS} joints")
    return tuple(names)


def _pairs(value: object, numbers: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    """Return pairs of joints that are given by names."""
    found = []
    for pair in _listed(value):
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"{pair!r} is no pair of joints")
        unknown = [end for end in pair if not isinstance(end, str) or end not in numbers]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of its joints")
        found.append((numbers[pair[0]], numbers[pair[1]]))
    return tuple(found)


def _mirror(value: object, joints: Sequence[str], numbers: Mapping[str, int]) -> tuple[int, ...]:
    if value is None:
        return mirrored_by_name(joints)
    mirror = list(range(len(joints)))
    for first, second in _pairs(value, numbers):
        mirror[first], mirror[second] = second, first
    return tuple(mirror)


def _floats(value: object) -> tuple[float, ...]:
    numbers = _listed(value)
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise ValueError("its sigmas are no numbers")
    return tuple(float(n) for n in numbers)


def _places(value: object) -> tuple[tuple[float, float], ...]:
    places = []
    for place in _listed(value):
        numbers = _floats(place)
        if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
            raise ValueError(f"{place!r} is no place")
        places.append((numbers[0], numbers[1]))
    return tuple(places)


def mirrored_by_name(joints: Sequence[str]) -> tuple[int, ...]:
    """Return for each joint the one whose name says the other side, else itself."""
    numbers = {name.lower(): number for number, name in enumerate(joints)}
    return tuple(
        numbers.get(_other_side(name.lower()), number) for number, name in enumerate(joints)
    )


_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}
_SIDE = re.compile(r"^(left|right)|(?:^|(?<=[_\-. ]))(left|right|l|r)(?=[_\-. ]|$)|(left|right)$")


def _other_side(name: str) -> str:
    return _SIDE.sub(lambda match: _SIDES[match.group(0)], name, count=1)


# --- COCO categories


def category_entry(skeleton: Skeleton, number: int, label: str) -> dict[str, Any]:
    """Return a COCO category: edges count joints from 1; what COCO lacks is added."""
    own = skeleton_entry(skeleton)
    extra = {key: own[key] for key in ("mirror", "sigmas", "layout")}
    return {
        "id": number,
        "name": label,
        "supercategory": label,
        "keypoints": list(skeleton.joints),
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.edges],
        "skeleton_name": skeleton.name,
        **extra,
    }


def skeleton_of_category(entry: object) -> Skeleton:
    """Return the skeleton of a COCO category; the known one if it has its joints and edges.

    Raises:
        ValueError: If it has none, in words.
    """
    if not isinstance(entry, dict):
        raise ValueError("a category is no object")
    joints = _names(entry.get("keypoints"))
    edges = tuple(_one_based(pair, len(joints)) for pair in _listed(entry.get("skeleton")))
    ours = "skeleton_name" in entry
    for known in KNOWN_SKELETONS:
        if not ours and known.joints == joints and (not edges or _same(known.edges, edges)):
            return known
    numbers = {joint: number for number, joint in enumerate(joints)}
    name = str(entry.get("skeleton_name") or entry.get("name") or "skeleton")
    skeleton = Skeleton(
        name,
        joints,
        edges,
        _mirror(entry.get("mirror"), joints, numbers),
        _floats(entry.get("sigmas")),
        _places(entry.get("layout")),
    )
    return next((known for known in KNOWN_SKELETONS if known == skeleton), skeleton)


def _same(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]) -> bool:
    return set(map(frozenset, first)) == set(map(frozenset, second))


def _one_based(pair: object, joints: int) -> tuple[int, int]:
    ends = _listed(pair)
    if len(ends) != 2 or not all(type(end) is int for end in ends):
        raise ValueError(f"{pair!r} is no edge")
    if not all(1 <= end <= joints for end in ends):
        raise ValueError(f"edge {pair!r} names no two joints, which COCO counts from 1")
    return ends[0] - 1, ends[1] - 1
