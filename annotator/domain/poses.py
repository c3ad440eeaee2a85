"""People: skeletons of named joints, and what an engine is told of one person."""

import math
from dataclasses import dataclass

Point = tuple[float, float]
Corners = tuple[float, float, float, float]

ABSENT, OCCLUDED, VISIBLE = 0, 1, 2
"""COCO's visibility of a joint: not annotated, hidden but known, seen."""


@dataclass(frozen=True)
class Skeleton:
    """The joints that a person, or anything else with joints, is annotated with.

    Attributes:
        name: What it is called, such as "coco-17".
        joints: Name of each joint, [K].
        edges: Pairs of joints, 0-based, that a bone connects.
        mirror: For each joint the one on the other side; itself in the middle.
        sigmas: For each joint the spread of its annotations by people, as a fraction of
            the person's scale: COCO's constants of object keypoint similarity (OKS).
        layout: Where each joint is in a box from (0, 0) to (1, 1) around someone who faces
            the camera, [K]; by it a person is drawn before anything is known.
    """

    name: str
    joints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    mirror: tuple[int, ...] = ()
    sigmas: tuple[float, ...] = ()
    layout: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.joints)
        if not self.layout:
            object.__setattr__(self, "layout", _circle(count))
        if not self.mirror:
            object.__setattr__(self, "mirror", tuple(range(count)))
        if not self.sigmas:
            object.__setattr__(self, "sigmas", (DEFAULT_SIGMA,) * count)
        problem = _problem_of(self)
        if problem:
            raise ValueError(f"skeleton {self.name!r}: {problem}")

    def __len__(self) -> int:
        return len(self.joints)

    def side_of(self, joint: int) -> int:
        """Return -1 for a joint on the person's left, 1 on the right, 0 in the middle.

        A name that begins or ends with left, right, l or r says it; else the joint that
        comes first of a mirrored pair is the left one.
        """
        other = self.mirror[joint]
        if other == joint:
            return 0
        told = _told_side(self.joints[joint]) or -_told_side(self.joints[other])
        return told or (-1 if joint < other else 1)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of (left, right) joints."""
        lefts = [i for i in range(len(self)) if self.side_of(i) < 0]
        return tuple((left, self.mirror[left]) for left in lefts)


DEFAULT_SIGMA = 0.079
"""Spread of joints that nobody measured: that of COCO's shoulders."""


def _problem_of(skeleton: Skeleton) -> str:
    """Return what is wrong with a skeleton, in words; empty if nothing is."""
    count = len(skeleton.joints)
    if not count:
        return "it has no joints"
    if len(set(skeleton.joints)) < count or not all(skeleton.joints):
        return "each joint needs a name of its own"
    if any(not (0 <= a < count and 0 <= b < count and a != b) for a, b in skeleton.edges):
        return "an edge joins no two of its joints"
    mirror = skeleton.mirror
    if len(mirror) != count or any(not 0 <= m < count for m in mirror):
        return f"it needs {count} mirrored joints"
    if any(mirror[m] != i for i, m in enumerate(mirror)):
        return "a joint's mirrored joint mirrors another one"
    if len(skeleton.layout) != count or any(not 0 <= v <= 1 for p in skeleton.layout for v in p):
        return f"it needs {count} places within 0 and 1"
    if len(skeleton.sigmas) != count or any(not 0 < s < float("inf") for s in skeleton.sigmas):
        return f"it needs {count} sigmas above 0"
    return ""


def _circle(count: int) -> tuple[Point, ...]:
    turns = [2 * math.pi * joint / max(count, 1) for joint in range(count)]
    return tuple((0.5 + 0.5 * math.sin(t), 0.5 - 0.5 * math.cos(t)) for t in turns)


def _told_side(name: str) -> int:
    """Return -1 for a name that says left, 1 for right, 0 for neither."""
    words = name.lower().replace("-", "_").replace(" ", "_").replace(".", "_").split("_")
    for word in (words[0], words[-1]):
        for side, spellings in ((-1, ("left", "l")), (1, ("right", "r"))):
            if word in spellings or word.startswith(spellings[0]):
                return side
    return 0


COCO_17 = Skeleton(
    "coco-17",
    (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
        "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    ),
    (
        (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7),
        (6, 8), (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
    ),
    (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15),
    (
        0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107,
        0.107, 0.087, 0.087, 0.089, 0.089,
    ),
    (
        (0.5, 0.06), (0.54, 0.03), (0.46, 0.03), (0.6, 0.05), (0.4, 0.05), (0.72, 0.2),
        (0.28, 0.2), (0.88, 0.35), (0.12, 0.35), (1.0, 0.5), (0.0, 0.5), (0.64, 0.52),
        (0.36, 0.52), (0.66, 0.76), (0.34, 0.76), (0.67, 1.0), (0.33, 1.0),
    ),
)  # fmt: skip
"""The 17 joints of COCO, with its edges and sigmas."""

LSP_14 = Skeleton(
    "lsp-14",
    (
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
        "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow",
        "left_wrist", "neck", "head_top",
    ),
    (
        (0, 1), (1, 2), (3, 4), (4, 5), (2, 3), (6, 7), (7, 8), (9, 10), (10, 11), (8, 9),
        (2, 8), (3, 9), (8, 12), (9, 12), (12, 13),
    ),
    (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13),
    (
        0.089, 0.087, 0.107, 0.107, 0.087, 0.089, 0.062, 0.072, 0.079, 0.079, 0.072, 0.062,
        0.079, 0.079,
    ),
    (
        (0.33, 1.0), (0.34, 0.76), (0.36, 0.52), (0.64, 0.52), (0.66, 0.76), (0.67, 1.0),
        (0.0, 0.5), (0.12, 0.35), (0.28, 0.2), (0.72, 0.2), (0.88, 0.35), (1.0, 0.5),
        (0.5, 0.17), (0.5, 0.0),
    ),
)  # fmt: skip
"""The 14 joints of Leeds Sports Pose; sigmas of COCO, and CrowdPose's for neck and head."""


@dataclass(frozen=True)
class PersonPrompt:
    """What a pose engine is told of one person: a starting guess, and what is certain of it.

    Attributes:
        object_id: The object that the person is.
        box: (x0, y0, x1, y1) around the person in pixels, as image clicks count them.
        keypoints: (x, y) of each of the engine's joints, [K]; empty if only a box was drawn.
        visibility: 0 absent, 1 occluded, 2 visible, [K]; empty as well then. Where an absent
            joint is says nothing.
        fixed: Whether the user placed the joint, [K]; empty as well then.
    """

    object_id: int
    box: Corners
    keypoints: tuple[Point, ...] = ()
    visibility: tuple[int, ...] = ()
    fixed: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.keypoints) == len(self.visibility) == len(self.fixed):
            raise ValueError("a person needs as many visibilities and fixed marks as keypoints")
