"""`annotator pose`: the people of photos, without a screen."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from annotator.cli.console import out, report_error
from annotator.cli.engines import open_engine, read_photo
from annotator.domain import AnnotatorError, PersonPrompt, Pose, Prompt, Skeleton, WorkingImage
from annotator.domain.people import Person, PosedImage, PosedPerson, consistent_box

if TYPE_CHECKING:
    from annotator.engine.opened import OpenEngine
    from annotator.formats.joint_clicks import ToldPerson

DEFAULT_POSE_ENGINE = "clickpose"
ToldOf = Callable[[Path], "list[ToldPerson]"]


def pose(
    inputs: list[Path] = typer.Argument(..., help="Photos and folders of photos."),
    output: Path = typer.Option(
        ..., "-o", "--output", help="people.json (COCO), .csv, or a folder."
    ),
    clicks: Path | None = typer.Option(
        None, help="JSON of corrected joints; for several photos a folder of them."
    ),
    engine: str = typer.Option(DEFAULT_POSE_ENGINE, help="plugin[:variant]."),
    least: float = typer.Option(0.0, "--score", help="Leave out people found with a lower score."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    format_id: str | None = typer.Option(
        None, "--format", help="coco-keypoints, yolo-pose, labelme-joints or csv."
    ),
) -> None:
    """Find the people of photos and their joints; corrected joints stay where they are put."""
    from annotator.cli.segment import photos_among
    from annotator.formats.people import find_people_writer, write_people

    find_people_writer(output, format_id)  # a wrong format is said before the work
    photos = photos_among(inputs)
    if not photos:
        raise AnnotatorError("There are no photos to look at.", "Name photos or folders of them.")
    told_of = _told_source(clicks, len(photos))
    opened = open_pose_engine(engine, device, param)
    failed: list[Path] = []
    images = _images(opened, photos, told_of, least, failed)
    for file in write_people(output, images, format_id):
        out.print(str(file))
    if failed:
        raise AnnotatorError(
            f"{len(failed)} of {len(photos)} photos could not be looked at.",
            "The messages above say why; the others were written.",
        )


def open_pose_engine(reference: str, device: str, parameters: Sequence[str]) -> "OpenEngine":
    """Load an engine for poses.

    Raises:
        AnnotatorError: If it cannot be loaded or is for something else.
    """
    opened = open_engine(reference, device, parameters)
    if opened.skeleton is None:
        raise AnnotatorError(
            f"{opened.ref} finds no people.", "`annotator plugins list` shows what engines are for."
        )
    return opened


def pose_of(engine: "OpenEngine", encoding: object, prompt: Prompt) -> Pose:
    """Predict people.

    Raises:
        AnnotatorError: If the engine is for something else.
    """
    result = engine.predict(encoding, prompt)
    if not isinstance(result, Pose):
        raise AnnotatorError(f"{engine.ref} finds no people.", "Choose another engine.")
    return result


def _told_source(clicks: Path | None, photos: int) -> ToldOf:
    from annotator.formats.joint_clicks import read_joint_clicks

    if clicks is None:
        return lambda photo: []
    if clicks.is_dir():
        return lambda photo: read_joint_clicks(_beside(clicks, photo))
    if photos > 1:
        raise AnnotatorError(
            "One file of corrections cannot be for several photos.",
            "Name a folder with --clicks; it holds PHOTO.json for each.",
        )
    return lambda photo: read_joint_clicks(clicks)


def _beside(folder: Path, photo: Path) -> Path:
    for name in (f"{photo.name}.json", f"{photo.stem}.json"):
        if (folder / name).is_file():
            return folder / name
    raise AnnotatorError(
        f"{folder.name} holds no corrections for {photo.name}.", f"Put {photo.stem}.json into it."
    )


def _images(
    engine: "OpenEngine",
    photos: Sequence[Path],
    told_of: ToldOf,
    least: float,
    failed: list[Path],
) -> Iterator[PosedImage]:
    for path in photos:
        try:
            yield _pose_photo(engine, path, told_of(path), least)
        except AnnotatorError as error:
            if len(photos) == 1:
                raise
            failed.append(path)
            report_error(error)


def _pose_photo(
    engine: "OpenEngine", path: Path, told: "Sequence[ToldPerson]", least: float
) -> PosedImage:
    working = WorkingImage.of(read_photo(path))
    started = time.perf_counter()
    encoding = engine.encode(working.image)
    encoded = time.perf_counter()
    people = corrected_people(engine, encoding, told, working.factor, least)
    seconds = time.perf_counter() - encoded
    out.print(
        f"{path.name}: {len(people)} people; encoding {encoded - started:.2f} s, "
        f"joints {seconds:.3f} s ({engine.device})"
    )
    return PosedImage(path.name, working.width, working.height, tuple(people), path)


def corrected_people(
    engine: "OpenEngine",
    encoding: object,
    told: "Sequence[ToldPerson]",
    factor: int = 1,
    least: float = 0.0,
) -> list[PosedPerson]:
    """Return the people that an engine finds, corrected by what was told of them.

    Args:
        engine: For poses.
        encoding: Of the photo.
        told: Corrections, in pixels of the photo.
        factor: How many pixels of the photo are one of the engine's, in each direction.
        least: Score below which nobody is taken.

    Raises:
        AnnotatorError: If a joint is unknown, or belongs to nobody.
    """
    skeleton = engine.skeleton
    assert skeleton is not None  # as open_pose_engine has made sure
    found = [
        person
        for person in adopted(pose_of(engine, encoding, Prompt()), skeleton, engine.has_scores)
        if person.score is None or person.score >= least
    ]
    boxed = [_scaled(one.box, factor) for one in told if one.box is not None]
    people = [*found, *_boxed(engine, encoding, skeleton, boxed)]
    fresh = iter(range(len(found), len(people)))
    for one in told:
        row = next(fresh) if one.box is not None else _nearest(one, found, skeleton, factor)
        people[row] = _placed(people[row], one, skeleton, factor)
    return _answered(engine, encoding, people, skeleton, factor)


def adopted(pose: Pose, skeleton: Skeleton, has_scores: bool) -> list[Person]:
    """Return what an engine found as persons whose first guess it is, in its order."""
    return [
        Person(
            number, skeleton.name, tuple(map(float, pose.boxes[row])),  # type: ignore[arg-type]
            tuple((float(x), float(y)) for x, y in pose.keypoints[row]),
            tuple(int(v) for v in pose.visibility[row]), (None,) * len(skeleton),
            score=float(pose.scores[row]) if has_scores else None,
        )
        for row, number in enumerate(range(1, len(pose.keypoints) + 1))
    ]  # fmt: skip


def _boxed(
    engine: "OpenEngine",
    encoding: object,
    skeleton: Skeleton,
    boxes: "Sequence[tuple[float, float, float, float]]",
) -> list[Person]:
    if not boxes:
        return []
    told = tuple(PersonPrompt(number, box) for number, box in enumerate(boxes, 1))
    guessed = adopted(pose_of(engine, encoding, Prompt(people=told)), skeleton, False)
    return [replace(person, box=box) for person, box in zip(guessed, boxes, strict=True)]


def _scaled(
    box: "tuple[float, float, float, float]", factor: int
) -> "tuple[float, float, float, float]":
    x0, y0, x1, y1 = (v / factor for v in box)
    return (x0, y0, x1, y1)


def _joint_numbers(told: "ToldPerson", skeleton: Skeleton) -> list[int]:
    known = {name: number for number, name in enumerate(skeleton.joints)}
    for joint in told.joints:
        if joint.name not in known:
            raise AnnotatorError(
                f"The engine knows no joint {joint.name!r}.", f"Known: {', '.join(known)}."
            )
    return [known[joint.name] for joint in told.joints]


def _nearest(told: "ToldPerson", found: Sequence[Person], skeleton: Skeleton, factor: int) -> int:
    if not found:
        raise AnnotatorError("Nobody was found whom the joints could belong to.", "Give a box.")
    numbers = _joint_numbers(told, skeleton)
    places = np.array([joint.place for joint in told.joints]) / factor
    joints = np.array([person.start for person in found])[:, numbers]
    return int(np.linalg.norm(joints - places, axis=2).mean(1).argmin())


def _placed(person: Person, told: "ToldPerson", skeleton: Skeleton, factor: int) -> Person:
    placed, visibility = list(person.placed), list(person.visibility)
    for number, joint in zip(_joint_numbers(told, skeleton), told.joints, strict=True):
        placed[number] = (joint.place[0] / factor, joint.place[1] / factor)
        visibility[number] = joint.visibility
    return replace(person, placed=tuple(placed), visibility=tuple(visibility))


def _answered(
    engine: "OpenEngine",
    encoding: object,
    people: Sequence[Person],
    skeleton: Skeleton,
    factor: int,
) -> list[PosedPerson]:
    asking = [person for person in people if person.asks]
    answers = {}
    if asking:
        told = tuple(person.prompt() for person in asking)
        pose = pose_of(engine, encoding, Prompt(people=told))
        rows = [[(float(x), float(y)) for x, y in row] for row in pose.keypoints]
        answers = {id(person): row for person, row in zip(asking, rows, strict=True)}
    return [
        _posed(person, person.shown(answers.get(id(person))), skeleton, factor) for person in people
    ]


def _posed(
    person: Person, shown: "Sequence[tuple[float, float]]", skeleton: Skeleton, factor: int
) -> PosedPerson:
    box = consistent_box(person.box, shown, person.visibility)
    x0, y0, x1, y1 = (v * factor for v in box)
    points = tuple((x * factor, y * factor) for x, y in shown)
    return PosedPerson(
        skeleton, points, person.visibility, (x0, y0, x1, y1), label="person", score=person.score
    )
