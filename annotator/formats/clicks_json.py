"""Clicks as JSON, for headless runs and exchange.

    {"format": "annotator-clicks", "version": 1,
     "cloud": {"name": ..., "points": N, "content_hash": ..., "origin": [x, y, z]},
     "objects": [{"id": 1, "name": "chair 1", "label": "chair", "colour": [r, g, b]}],
     "clicks": [{"position": [x, y, z], "object": 1, "index": 17, "order": 0,
                 "time_ns": 0, "id": 1}],
     "boxes": [{"object": 1, "box": [x0, y0, x1, y1]}]}

Only `clicks` with `position` and `object` is needed. Positions are absolute, as the
scan's file has them; object 0 is the background. On photos positions are [x, y] pixels
of the photo as it is seen, "positive": false says "outside of this object", and a box
around an object stands for clicks or helps them.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from annotator.domain import Box, Click, ObjectInfo, PointCloud, object_colour
from annotator.domain.cloud import Float64
from annotator.formats.atomic import atomic_write
from annotator.formats.source import Reading

FORMAT = "annotator-clicks"
VERSION = 1

_LARGEST = 1 << 28
_BOX = 'Each box needs "object": a number from 1, and "box": [x0, y0, x1, y1] with an area.'
_EXAMPLE = 'Each click needs "position": [x, y, z] and "object": a whole number from 0.'

Entry = dict[str, Any]


@dataclass(frozen=True)
class ClickFile:
    """What a file of clicks says.

    Attributes:
        clicks: In the order of the file, positions relative to the scan's origin.
        objects: Names, classes and colours, if given.
        content_hash: Hash of the scan they were made for; empty if not given.
        points: Number of points of that scan; None if not given.
        boxes: Around objects of a photo, by ascending object id, one each.
    """

    clicks: tuple[Click, ...]
    objects: tuple[ObjectInfo, ...] = ()
    content_hash: str = ""
    points: int | None = None
    boxes: tuple[Box, ...] = ()


def write_clicks(
    path: Path | str,
    clicks: Sequence[Click],
    *,
    objects: Sequence[ObjectInfo] = (),
    cloud: PointCloud | None = None,
    boxes: Sequence[Box] = (),
) -> None:
    """Write clicks, completely or not at all.

    Args:
        path: File to write.
        clicks: Clicks, positions relative to the cloud's origin.
        objects: Their names, classes and colours.
        cloud: The scan clicked, to recognise it again; None for other assets.
        boxes: Boxes around objects of a photo.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    origin = None if cloud is None else cloud.origin
    document: Entry = {"format": FORMAT, "version": VERSION}
    if cloud is not None:
        document["cloud"] = {
            "name": cloud.name,
            "points": len(cloud),
            "content_hash": cloud.content_hash,
            "origin": cloud.origin.tolist(),
        }
    document["objects"] = [_object_entry(info) for info in objects]
    document["clicks"] = [_click_entry(click, origin) for click in clicks]
    if boxes:
        document["boxes"] = [
            {"object": b.object_id, "box": [b.x0, b.y0, b.x1, b.y1]} for b in boxes
        ]
    with atomic_write(Path(path)) as file:
        file.write(json.dumps(document, indent=1, allow_nan=False).encode("ascii"))


def _object_entry(info: ObjectInfo) -> Entry:
    return {
        "id": info.object_id,
        "name": info.name,
        "label": info.label,
        "colour": list(info.colour),
        "visible": info.visible,
        "locked": info.locked,
    }


def _click_entry(click: Click, origin: Float64 | None) -> Entry:
    position = np.asarray(click.position, np.float64)
    return {
        "position": (position if origin is None else position + origin).tolist(),
        "object": click.object_id,
        "index": click.index,
        "order": click.order,
        "time_ns": click.time_ns,
        "id": click.click_id,
        **({} if click.positive else {"positive": False}),
    }


def read_clicks(path: Path | str, *, origin: Float64 | None = None) -> list[Click]:
    """Read the clicks of a file; see `read_click_file`."""
    return list(read_click_file(path, origin=origin).clicks)


def read_click_file(path: Path | str, *, origin: Float64 | None = None) -> ClickFile:
    """Read a file of clicks; missing point numbers stay None.

    Args:
        path: A JSON file.
        origin: [3] origin of the scan to which positions shall be relative; None takes
            the one in the file, or zero.

    Raises:
        AnnotatorError: If the file is no list of clicks; names the entry that is wrong.
    """
    reading = Reading.of(Path(path))
    document = _load(reading)
    if document.get("format", FORMAT) != FORMAT:
        raise reading.damaged("is JSON, but no file of clicks", _EXAMPLE)
    version = document.get("version", VERSION)
    if not _is_whole(version) or version > VERSION:
        raise reading.damaged(
            f"has version {version!r} of the click format, newer than {VERSION}",
            "Update the annotator, or export the clicks again with this version.",
        )
    cloud = document.get("cloud") or {}
    if not isinstance(cloud, dict):
        raise reading.damaged('has a "cloud" that is no object', _EXAMPLE)
    if origin is None and "origin" in cloud:
        origin = np.asarray(_numbers(cloud["origin"], "the cloud's origin", (3,), reading))
    clicks = _entries(document, "clicks", reading)
    points = cloud.get("points")
    return ClickFile(
        tuple(_click(entry, i, origin, reading) for i, entry in enumerate(clicks)),
        tuple(_object(e, i, reading) for i, e in enumerate(_entries(document, "objects", reading))),
        str(cloud.get("content_hash") or ""),
        points if _is_whole(points) else None,
        _boxes(_entries(document, "boxes", reading), reading),
    )


def _boxes(entries: list[Entry], reading: Reading) -> tuple[Box, ...]:
    boxes: dict[int, Box] = {}
    for number, entry in enumerate(entries):
        what = f"box {number}"
        object_id = _whole(entry, "object", None, what, reading)
        x0, y0, x1, y1 = _numbers(entry.get("box"), f"the corners of {what}", (4,), reading)
        if object_id < 1 or x0 >= x1 or y0 >= y1:
            raise reading.damaged(f"has a {what} without object or area", _BOX)
        if object_id in boxes:
            raise reading.damaged(f"has two boxes for object {object_id}", "Keep one of them.")
        boxes[object_id] = Box(object_id, x0, y0, x1, y1)
    return tuple(boxes[i] for i in sorted(boxes))


def _load(reading: Reading) -> Entry:
    if reading.size > _LARGEST:
        raise reading.damaged("is too large for a file of clicks", "Choose a file of clicks.")
    try:
        document = json.loads(reading.path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise reading.damaged(f"is not a JSON file ({error})", _EXAMPLE) from error
    if not isinstance(document, dict) or not {"clicks", "boxes"} & document.keys():
        raise reading.damaged('has no list "clicks"', _EXAMPLE)
    return document


def _entries(document: Entry, key: str, reading: Reading) -> list[Entry]:
    entries = document.get(key, [])
    if not isinstance(entries, list):
        raise reading.damaged(f'has a "{key}" that is no list', _EXAMPLE)
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise reading.damaged(f"has an entry {number} in {key} that is no object", _EXAMPLE)
    return entries


def _click(entry: Entry, number: int, origin: Float64 | None, reading: Reading) -> Click:
    what = f"click {number}"
    position = _numbers(entry.get("position"), f"the position of {what}", (2, 3), reading)
    if origin is not None and len(position) == len(origin):
        position = tuple((np.asarray(position) - origin).tolist())
    index = entry.get("index")
    return Click(
        position=position,
        object_id=_whole(entry, "object", None, what, reading),
        order=_whole(entry, "order", number, what, reading),
        time_ns=_whole(entry, "time_ns", 0, what, reading),
        index=None if index is None else _whole(entry, "index", None, what, reading),
        click_id=_whole(entry, "id", number + 1, what, reading),
        positive=_truth(entry, "positive", what, reading),
    )


def _truth(entry: Entry, key: str, what: str, reading: Reading) -> bool:
    """Return true or false; true if it is not there."""
    value = entry.get(key, True)
    if not isinstance(value, bool):
        raise reading.damaged(f'has a "{key}" of {what} that is neither true nor false', _EXAMPLE)
    return value


def _object(entry: Entry, number: int, reading: Reading) -> ObjectInfo:
    what = f"object {number}"
    object_id = _whole(entry, "id", None, what, reading)
    colour = object_colour(object_id)
    if "colour" in entry:
        red, green, blue = _numbers(entry["colour"], f"the colour of {what}", (3,), reading)
        if not all(0 <= c <= 255 for c in (red, green, blue)):
            raise reading.damaged(f"has a colour of {what} beyond 0..255", "Colours are 0..255.")
        colour = int(red), int(green), int(blue)
    return ObjectInfo(
        object_id,
        str(entry.get("name", "")),
        str(entry.get("label", "")),
        colour,
        bool(entry.get("visible", True)),
        bool(entry.get("locked", False)),
    )


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(entry: Entry, key: str, default: int | None, what: str, reading: Reading) -> int:
    """Return a whole number from 0, which must fit into 64 bits."""
    value = entry.get(key, default)
    if not _is_whole(value) or not 0 <= value < 2**63:
        raise reading.damaged(f'has a "{key}" of {what} that is no whole number from 0', _EXAMPLE)
    return value


def _numbers(
    value: object, what: str, lengths: tuple[int, ...], reading: Reading
) -> tuple[float, ...]:
    """Return a list of finite numbers of one of the allowed lengths."""
    if isinstance(value, list) and len(value) in lengths:
        numbers = [
            float(v)
            for v in value
            if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300
        ]
        if len(numbers) == len(value) and all(math.isfinite(n) for n in numbers):
            return tuple(numbers)
    counts = " or ".join(str(n) for n in lengths)
    raise reading.damaged(f"has no {counts} finite numbers as {what}", _EXAMPLE)
