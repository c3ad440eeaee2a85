"""People as a table: one row a joint, for spreadsheets and statistics.

Columns: image, width, height, person, name, label, skeleton, joint, x, y, visibility, and the
person's box x0, y0, x1, y1 and score. Absent joints have no x and y. Edges of a skeleton are
no part of a table; those of known skeletons are found by its name.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from annotator.domain import Skeleton
from annotator.domain.people import KNOWN_SKELETONS, PosedImage, PosedPerson
from annotator.domain.poses import ABSENT, Corners, Point
from annotator.formats.annotated import require_pixels
from annotator.formats.atomic import atomic_write
from annotator.formats.images import MAX_PIXELS
from annotator.formats.source import DAMAGED, Reading

COLUMNS = (
    "image", "width", "height", "person", "name", "label", "skeleton", "joint", "x", "y",
    "visibility", "x0", "y0", "x1", "y1", "score",
)  # fmt: skip
_LARGEST = 1 << 28
Row = dict[str, str]


def write_joints_csv(path: Path, images: Iterable[PosedImage]) -> None:
    """Write people, completely or not at all.

    Raises:
        AnnotatorError: If the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image in images:
        for number, person in enumerate(image.people, 1):
            writer.writerows(_rows(image, person, number))
    with atomic_write(path) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def _rows(image: PosedImage, person: PosedPerson, number: int) -> Iterator[list[object]]:
    score = "" if person.score is None else repr(person.score)
    head = [
        image.file_name, image.width, image.height, number, person.name, person.label,
        person.skeleton.name,
    ]  # fmt: skip
    tail = [*map(repr, person.box), score]
    rows = zip(person.skeleton.joints, person.keypoints, person.visibility, strict=True)
    for joint, (x, y), visibility in rows:
        place = ["", ""] if visibility == ABSENT else [repr(x), repr(y)]
        yield [*head, joint, *place, visibility, *tail]


def read_joints_csv(path: Path) -> Iterator[PosedImage]:
    """Read people from a table, photo by photo.

    Raises:
        AnnotatorError: If it is no such table; names the row that is wrong.
    """
    reading = Reading.of(path)
    if reading.size > _LARGEST:
        raise reading.damaged("is too large", DAMAGED)
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    table = csv.DictReader(io.StringIO(text, newline=""))
    missing = set(COLUMNS[:-5]) - set(table.fieldnames or ())
    if missing:
        raise reading.damaged(f"has no column {min(missing)!r}", "Choose a table of joints.")
    images: dict[str, dict[str, list[Row]]] = {}
    try:
        for row in table:
            people = images.setdefault(row["image"] or "", {})
            people.setdefault(row["person"] or "", []).append(row)
        for name, groups in images.items():
            yield _image(name, groups, reading)
    except csv.Error as error:
        raise reading.damaged(f"is no table ({error})", DAMAGED) from error


def _image(name: str, groups: dict[str, list[Row]], reading: Reading) -> PosedImage:
    first = next(iter(groups.values()))[0]
    try:
        sizes = int(first["height"]), int(first["width"])
        people = tuple(_person(rows) for rows in groups.values())
    except (ValueError, TypeError) as error:
        raise reading.damaged(f"has a wrong row for {name}: {error}", DAMAGED) from error
    height, width = require_pixels(reading.path.name, *sizes, MAX_PIXELS)
    return PosedImage(name, width, height, people)


def _person(rows: Sequence[Row]) -> PosedPerson:
    first = rows[0]
    joints = tuple(row["joint"] for row in rows)
    name = first["skeleton"] or f"{len(joints)} joints"
    alike = (known for known in KNOWN_SKELETONS if (known.name, known.joints) == (name, joints))
    skeleton = next(alike, None) or Skeleton(name, joints)
    places = [_place(row) for row in rows]
    keypoints, visibility = tuple(p for p, _ in places), tuple(v for _, v in places)
    score = first.get("score")
    return PosedPerson(
        skeleton, keypoints, visibility, _box(first), first["name"], first["label"],
        score=_finite(score) if score else None,
    )  # fmt: skip


def _place(row: Row) -> tuple[Point, int]:
    visibility = int(row["visibility"])
    if visibility not in (0, 1, 2):
        raise ValueError(f"visibility {visibility} is none of 0, 1, 2")
    if visibility == ABSENT:
        return (0.0, 0.0), ABSENT
    return (_finite(row["x"]), _finite(row["y"])), visibility


def _box(row: Row) -> Corners:
    x0, y0, x1, y1 = (_finite(row.get(key)) for key in ("x0", "y0", "x1", "y1"))
    return (x0, y0, x1, y1)


def _finite(text: str | None) -> float:
    value = float(text or "")
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value
