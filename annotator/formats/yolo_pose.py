"""YOLO pose: labels/PHOTO.txt a photo, classes.txt and data.yaml for all.

A line a person: class, centre and size of the box, then x y v of every joint, all in
fractions of the photo. `data.yaml` says how many joints there are (`kpt_shape`), which one
is on the other side of each (`flip_idx`), and how they are called (`kpt_names`). Every
person of a data set has the same skeleton; a skeleton's edges are not part of the format.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError, Skeleton
from annotator.domain.people import KNOWN_SKELETONS, PosedImage, PosedPerson
from annotator.domain.poses import ABSENT, Point
from annotator.formats.annotated import ClassNumbers, FileNames
from annotator.formats.atomic import atomic_write
from annotator.formats.coco_keypoints import PERSON
from annotator.formats.source import DAMAGED, Reading

_LARGEST = 1 << 28


def write_yolo_pose(folder: Path, images: Iterable[PosedImage]) -> list[Path]:
    """Write people; return the text files.

    Raises:
        AnnotatorError: If people have different skeletons, or a file cannot be written.
    """
    numbers, names = ClassNumbers(), FileNames()
    labels = folder / "labels"
    labels.mkdir(parents=True, exist_ok=True)
    skeleton: Skeleton | None = None
    written = []
    for image in images:
        for person in image.people:
            skeleton = _same(skeleton, person.skeleton)
        lines = [_line(numbers.number(p.label or PERSON), p, image) for p in image.people]
        path = labels / f"{names.stem(image.file_name)}.txt"
        with atomic_write(path) as file:
            file.write("".join(lines).encode("ascii"))
        written.append(path)
    _write_classes(folder, numbers.names or [PERSON], skeleton or KNOWN_SKELETONS[0])
    return written


def _same(first: Skeleton | None, second: Skeleton) -> Skeleton:
    if first not in (None, second):
        raise AnnotatorError(
            "YOLO pose holds one skeleton for all people, but these have several.",
            "Export as COCO keypoints, or each skeleton by itself.",
        )
    return second


def _line(number: int, person: PosedPerson, image: PosedImage) -> str:
    x0, y0, x1, y1 = person.box
    width, height = image.width, image.height
    values = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
    words = [str(number), *(f"{v:.9f}" for v in values)]
    for (x, y), v in zip(person.keypoints, person.visibility, strict=True):
        known = [f"{x / width:.9f}", f"{y / height:.9f}", str(v)]
        words += ["0", "0", "0"] if v == ABSENT else known
    return f"{' '.join(words)}\n"


def _write_classes(folder: Path, names: Sequence[str], skeleton: Skeleton) -> None:
    with atomic_write(folder / "classes.txt") as file:
        file.write("".join(f"{name}\n" for name in names).encode())
    lines = ["path: .", "train: images", "val: images"]
    lines += [f"kpt_shape: [{len(skeleton)}, 3]", f"flip_idx: {list(skeleton.mirror)}", "names:"]
    # JSON strings are YAML strings, whatever a class is called.
    lines += [f"  {number}: {json.dumps(name)}" for number, name in enumerate(names)]
    lines += ["kpt_names:", f"  0: {json.dumps(list(skeleton.joints))}"]
    lines += [f"skeleton: {json.dumps(skeleton.name)}"]
    lines += [f"skeleton_edges: {json.dumps([list(edge) for edge in skeleton.edges])}"]
    with atomic_write(folder / "data.yaml") as file:
        file.write(("\n".join(lines) + "\n").encode())


# --- Reading


def read_yolo_pose(path: Path, width: int, height: int) -> PosedImage:
    """Read the text file of a photo of the given size.

    The skeleton is that of data.yaml in its folder or one above; without one, the known
    skeleton with so many joints.

    Raises:
        AnnotatorError: If a line is no person.
    """
    reading = Reading.of(path)
    if reading.size > _LARGEST:
        raise reading.damaged("is too large", DAMAGED)
    described = _description(path)
    people = []
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if line.strip():
            try:
                people.append(_person(line.split(), (width, height), described))
            except (ValueError, OverflowError) as error:
                raise AnnotatorError(
                    f"Line {number} of {path.name} is no person: {error}.",
                    "Each line needs a class, a box and x y v of every joint.",
                ) from error
    return PosedImage(path.with_suffix(".jpg").name, width, height, tuple(people))


def _person(words: Sequence[str], size: tuple[int, int], described: dict[str, Any]) -> PosedPerson:
    number, values = int(words[0]), [float(word) for word in words[1:]]
    if number < 0 or len(values) < 6 or not all(map(math.isfinite, values)):
        raise ValueError("it has too few numbers, or some that are none")
    skeleton, columns = _skeleton(len(values) - 4, described)
    width, height = size
    cx, cy, w, h = values[:4]
    left, top, right, bottom = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    box = (left * width, top * height, right * width, bottom * height)
    rows = [values[4 + i : 4 + i + columns] for i in range(0, len(values) - 4, columns)]
    keypoints: tuple[Point, ...] = tuple((row[0] * width, row[1] * height) for row in rows)
    visibility = tuple(_visibility(row) for row in rows)
    names = described.get("names", [])
    label = names[number] if number < len(names) else f"class {number}"
    return PosedPerson(skeleton, keypoints, visibility, box, label=label)


def _visibility(row: Sequence[float]) -> int:
    if len(row) == 2:
        return 2 if row[0] or row[1] else 0
    if row[2] not in (0, 1, 2):
        raise ValueError(f"visibility {row[2]:g} is none of 0, 1, 2")
    return int(row[2])


def _skeleton(numbers: int, described: dict[str, Any]) -> tuple[Skeleton, int]:
    """Return the skeleton of lines with so many numbers, and how many a joint has."""
    skeleton: Skeleton | None = described.get("skeleton")
    if skeleton is not None:
        columns, rest = divmod(numbers, len(skeleton))
        if rest or columns not in (2, 3):
            raise ValueError(f"it has {numbers} numbers for {len(skeleton)} joints")
        return skeleton, columns
    for columns in (3, 2):
        for known in KNOWN_SKELETONS:
            if numbers == columns * len(known):
                return known, columns
    if numbers % 3:
        raise ValueError(f"{numbers} numbers are no joints of x, y and v")
    return _plain(numbers // 3), 3


def _plain(count: int) -> Skeleton:
    return Skeleton(f"{count} joints", tuple(f"joint {i + 1}" for i in range(count)))


def _description(path: Path) -> dict[str, Any]:
    """Return skeleton and class names from the files beside the labels."""
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        names = folder / "classes.txt"
        data = folder / "data.yaml"
        if data.is_file() or names.is_file():
            found: dict[str, Any] = {}
            if names.is_file():
                found["names"] = names.read_text("utf-8", "replace").splitlines()
            if data.is_file():
                found["skeleton"] = _described_skeleton(data.read_text("utf-8", "replace"))
            return found
    return {}


def _described_skeleton(text: str) -> Skeleton | None:
    """Read what a data.yaml says of joints; only lines whose value is JSON are understood."""
    values = dict(_json_lines(text))
    shape, names = values.get("kpt_shape"), values.get("0 list")
    if not isinstance(shape, list) or not shape or type(shape[0]) is not int:
        return None
    count, mirror = shape[0], tuple(values.get("flip_idx") or ())
    if names is None:
        for known in KNOWN_SKELETONS:
            if len(known) == count and mirror in ((), known.mirror):
                return known
    try:
        joints = tuple(names or _plain(count).joints)
        edges = tuple((a, b) for a, b in values.get("skeleton_edges") or ())
        name = str(values.get("skeleton") or f"{count} joints")
        found = Skeleton(name, joints, edges, mirror)
    except (ValueError, TypeError):
        return None
    alike = (k for k in KNOWN_SKELETONS if (k.name, k.joints) == (found.name, found.joints))
    return next(alike, found) if len(found) == count else None


def _json_lines(text: str) -> Iterable[tuple[str, Any]]:
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon:
            continue
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            continue
        name = key.strip()
        # Classes and names of joints are both numbered; only the latter are lists.
        yield (f"{name} list" if isinstance(parsed, list) and name.isdigit() else name), parsed
