"""What the engine is asked about people, and whose each row of its answer is.

One request is under way at a time. People do not influence each other, so that everything
that waits for an answer goes into one: boxes just drawn, and people with placed joints.
Finding everybody is a request of its own and comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from annotator.domain import PersonPrompt, Pose, Prompt, Skeleton
from annotator.domain.people import Person, answered_as, drawn, shared_joints, told_as
from annotator.domain.poses import Corners, Point

LEAST_SHARED = 3
"""Joints that person and engine must have in common for the engine to be of use."""


@dataclass(frozen=True)
class Question:
    """What is asked at once.

    Attributes:
        kind: "find" everybody, or "refine" those of the prompt.
        prompt: As the engine gets it, in pixels of the working copy.
        people: Whose joints it refines: the document's prompt and skeleton of each.
        boxes: Boxes of persons yet to come; their rows come after those of `people`.
    """

    kind: Literal["find", "refine"]
    prompt: Prompt
    people: tuple[tuple[PersonPrompt, Skeleton], ...] = ()
    boxes: tuple[Corners, ...] = ()


def find_everybody() -> Question:
    """Ask who is there."""
    return Question("find", Prompt())


def refine(
    people: Sequence[tuple[PersonPrompt, Skeleton]],
    boxes: Sequence[Corners],
    engine: Skeleton,
    factor: float,
) -> Question:
    """Ask for the free joints of people, and for a first guess in each box.

    Args:
        people: Prompt, in pixels of the photo, and skeleton of each.
        boxes: In pixels of the photo.
        engine: The joints that the engine knows.
        factor: Pixels of the photo along the edge of one of the engine's.
    """
    told = [_scaled(told_for(prompt, own, engine), factor) for prompt, own in people]
    told += [_scaled(PersonPrompt(0, box), factor) for box in boxes]
    numbered = tuple(replace(p, object_id=i) for i, p in enumerate(told, 1))
    return Question("refine", Prompt(people=numbered), tuple(people), tuple(boxes))


def told_for(prompt: PersonPrompt, own: Skeleton, engine: Skeleton) -> PersonPrompt:
    """Return a person's prompt in the engine's joints."""
    return prompt if own.joints == engine.joints else told_as(prompt, own, engine)


def helps(engine: Skeleton | None, own: Skeleton) -> bool:
    """Whether an engine can refine people of a skeleton."""
    return engine is not None and len(shared_joints(engine, own)) >= LEAST_SHARED


def _scaled(prompt: PersonPrompt, factor: float) -> PersonPrompt:
    if factor == 1:
        return prompt
    x0, y0, x1, y1 = (v / factor for v in prompt.box)
    points = tuple((x / factor, y / factor) for x, y in prompt.keypoints)
    return replace(prompt, box=(x0, y0, x1, y1), keypoints=points)


def row_of(pose: Pose, row: int, factor: float) -> tuple[Point, ...]:
    """Return a row of an answer in pixels of the photo, [K]."""
    return tuple((float(x) * factor, float(y) * factor) for x, y in pose.keypoints[row].tolist())


def answer_for(
    pose: Pose, row: int, prompt: PersonPrompt, own: Skeleton, engine: Skeleton, factor: float
) -> tuple[Point, ...]:
    """Return a row of an answer in a person's own joints; those that only it has stay."""
    found = row_of(pose, row, factor)
    if own.joints == engine.joints:
        return found
    return answered_as(found, engine, own, prompt.keypoints)


def guessed(
    pose: Pose, row: int, skeleton: Skeleton, factor: float, score: bool, box: Corners | None
) -> Person:
    """Return a row of an answer as a person whose first guess it is.

    Args:
        pose: The answer.
        row: Its row.
        skeleton: Of the engine.
        factor: Pixels of the photo along the edge of one of the engine's.
        score: Whether its score means anything.
        box: The box that the user drew; None for the engine's own.
    """
    x0, y0, x1, y1 = (float(v) * factor for v in pose.boxes[row].tolist())
    return Person(
        0,
        skeleton.name,
        box or (x0, y0, max(x1, x0 + 1.0), max(y1, y0 + 1.0)),
        row_of(pose, row, factor),
        tuple(int(v) for v in pose.visibility[row].tolist()),
        (None,) * len(skeleton),
        score=float(pose.scores[row]) if score else None,
    )


def in_joints_of(person: Person, engine: Skeleton, other: Skeleton) -> Person:
    """Return a guess of an engine in the joints of another skeleton.

    Joints that the engine does not know lie where the skeleton's layout has them.
    """
    if engine.joints == other.joints:
        return person
    laid = drawn(other, 0, person.box)
    seen = list(laid.visibility)
    for theirs, mine in shared_joints(engine, other):
        seen[mine] = person.visibility[theirs]
    start = answered_as(person.start, engine, other, laid.start)
    return replace(laid, start=start, visibility=tuple(seen), score=person.score)
