"""Finds the line of a TOML file that a field stands in, which the standard parser does not tell."""

import re
from collections.abc import Iterator, Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\"'\- ]+?)\s*\]\]?\s*(#.*)?$")
_WORD = r"(?:[A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')"
_KEY = re.compile(rf"^\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*=")

Place = tuple[str | int, ...]


def line_of(text: str, place: Sequence[str | int]) -> int:
    """Return the 1-based line of a field, or of the nearest table or key around it.

    Args:
        text: The file.
        place: Keys and list indices from the root, such as ("parameters", 0, "default").
    """
    best, depth = 1, 0
    for number, found in _places(text):
        if len(found) > depth and tuple(place[: len(found)]) == found:
            best, depth = number, len(found)
    return best


def _places(text: str) -> Iterator[tuple[int, Place]]:
    """Give line and place of every table header and key."""
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            table = _table(header.group(1) == "[[", _keys(header.group(2)), counts)
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_keys(key.group(1)))


def _table(is_list: bool, keys: list[str], counts: dict[Place, int]) -> Place:
    """Return the place of a table; those in lists are counted, and children follow the newest."""
    place: Place = ()
    for key in keys[:-1]:
        place = (*place, key)
        if place in counts:
            place = (*place, counts[place])
    place = (*place, keys[-1])
    if is_list:
        counts[place] = counts.get(place, -1) + 1
        place = (*place, counts[place])
    return place


def _keys(dotted: str) -> list[str]:
    return [key.strip().strip("\"'") for key in dotted.split(".")]
