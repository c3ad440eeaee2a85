"""People as prompts tell of them, and as poses answer."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, PersonPrompt, Pose, Skeleton

Floats = npt.NDArray[np.float64]
VISIBLE = 2


def box_of(person: PersonPrompt) -> Floats:
    """Return a person's box [4], at least a pixel wide and high.

    Raises:
        AnnotatorError: If it is not made of finite numbers.
    """
    x0, y0, x1, y1 = (float(v) for v in person.box)
    box = np.array([min(x0, x1), min(y0, y1), max(x0, x1, x0 + 1), max(y0, y1, y0 + 1)])
    if not np.isfinite(box).all():
        raise AnnotatorError(
            f"The box of person {person.object_id} has no finite corners.", "Draw it again."
        )
    return box


def joints_of(person: PersonPrompt, skeleton: Skeleton) -> Floats | None:
    """Return where a person's joints [K, 2] are said to be; None if only a box is known.

    Joints of which nothing is known are laid out in the box.

    Raises:
        AnnotatorError: If the person has other joints than the skeleton, or one is nowhere.
    """
    if not person.keypoints:
        return None
    if len(person.keypoints) != len(skeleton):
        raise AnnotatorError(
            f"Person {person.object_id} has {len(person.keypoints)} joints; this engine "
            f"works with {len(skeleton)} ({skeleton.name}).",
            "Convert the person to this skeleton, or choose another engine.",
        )
    joints = np.asarray(person.keypoints, np.float64)
    box = box_of(person)
    laid = box[:2] + np.asarray(skeleton.layout) * (box[2:] - box[:2])
    joints = np.where(known(person)[:, None], joints, laid)
    if not np.isfinite(joints).all():
        raise AnnotatorError(
            f"A joint of person {person.object_id} has no finite place.", "Place it again."
        )
    return joints


def known(person: PersonPrompt) -> npt.NDArray[np.bool_]:
    """Say for each joint whether its place means anything."""
    return (np.asarray(person.visibility) > 0) | fixed(person)


def fixed(person: PersonPrompt) -> npt.NDArray[np.bool_]:
    """Say for each joint whether the user placed it."""
    return np.asarray(person.fixed, bool)


def pose_of(
    joints: Sequence[Floats], boxes: Sequence[Floats], scores: Sequence[float], count: int
) -> Pose:
    """Return a pose of people with `count` joints, all visible."""
    people = len(joints)
    return Pose(
        np.asarray(joints, np.float32).reshape(people, count, 2),
        np.full((people, count), VISIBLE, np.uint8),
        np.asarray(boxes, np.float32).reshape(people, 4),
        np.clip(np.asarray(scores, np.float32), 0, 1),
    )


def keep_told(pose: Pose, people: Sequence[PersonPrompt], exactly: bool = True) -> Pose:
    """Put joints the user placed back unrounded, and keep what is said of visibility.

    Args:
        pose: Of these people.
        people: As they were told.
        exactly: Whether fixed joints are put back.
    """
    for row, person in enumerate(people):
        if person.keypoints:
            pose.visibility[row] = np.asarray(person.visibility, np.uint8)
            held = fixed(person)
            if exactly:
                given = np.asarray(person.keypoints, np.float32)
                pose.keypoints[row, held] = given[held]
    return pose
