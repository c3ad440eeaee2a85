"""How good poses are: PCK, OKS, and clicks needed (NoC) by the published protocol.

Before each round the OKS of the person is compared with what per-image AP asks for: with one
person AP@[.50:.95] >= q needs OKS at or above .90 for q = .85 and .90, and .95 for q = .95.
Otherwise the worst joint (largest |dx| + |dy|) is put right, and, with feedback, the others
are answered anew. At most one click a joint.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SIGMAS = (
    *(0.089, 0.087, 0.107, 0.107, 0.087, 0.089, 0.062),
    *(0.072, 0.079, 0.079, 0.072, 0.062, 0.079, 0.079),
)
"""COCO's per joint in LSP order; CrowdPose's for neck and head."""
THRESHOLDS = {"85": 0.90, "90": 0.90, "95": 0.95}
Refine = Callable[[Floats, Bools, Bools], Floats]
"""(joints [n, K, 2], fixed [n, K], who shall be refined [n]) -> joints [n, K, 2]."""


class Rounds(NamedTuple):
    """A simulated correction of n people.

    Attributes:
        oks: Before each round, [rounds + 1, n].
        unclicked: Mean distance of joints never clicked so far, relative to the torso or
            half the box, [rounds + 1, n]; nan where none is left.
    """

    oks: Floats
    unclicked: Floats

    def clicks(self, oks: float) -> float:
        """Return the mean clicks until the similarity is reached."""
        reached = self.oks >= oks - 1e-9
        first = np.where(reached.any(0), reached.argmax(0), len(self.oks) - 1)
        return float(first.mean())


def similarity(joints: Floats, truth: Floats, known: Bools) -> Floats:
    """Object keypoint similarity [n]; the area is that of the known joints' box."""
    hidden = np.where(known[..., None], truth, np.nan)
    size = np.nanmax(hidden, axis=1) - np.nanmin(hidden, axis=1)
    spread = 2 * (2 * np.asarray(SIGMAS)) ** 2 * (size.prod(axis=1) + 1e-9)[:, None]
    hits = np.exp(-((joints - truth) ** 2).sum(-1) / spread) * known
    similar: Floats = hits.sum(1) / known.sum(1)
    return similar


def lengths(truth: Floats, known: Bools) -> Floats:
    """Return a length a person [n]: left shoulder to right hip, or half the longer side."""
    hidden = np.where(known[..., None], truth, np.nan)
    size = (np.nanmax(hidden, axis=1) - np.nanmin(hidden, axis=1)).max(axis=1)
    torso = np.linalg.norm(truth[:, 9] - truth[:, 2], axis=-1)
    long: Floats = np.where(known[:, 9] & known[:, 2], np.maximum(torso, 0.1 * size), size / 2)
    return long


def pck(joints: Floats, truth: Floats, known: Bools, share: float = 0.2) -> Floats:
    """Share of known joints within a share of the torso, per joint [K]; nan if never known."""
    distance = np.linalg.norm(joints - truth, axis=-1) / lengths(truth, known)[:, None]
    hits, count = ((distance <= share) & known).sum(axis=0), known.sum(axis=0)
    found: Floats = np.where(count > 0, hits / np.maximum(count, 1), np.nan)
    return found


def correct(joints: Floats, truth: Floats, known: Bools, refine: Refine | None) -> Rounds:
    """Simulate corrections, one joint a round, with feedback if `refine` is given."""
    joints, fixed = joints.copy(), np.zeros(known.shape, np.bool_)
    scale, people = lengths(truth, known), np.arange(len(truth))
    oks, unclicked = [], []
    for _ in range(known.shape[1] + 1):
        oks.append(similarity(joints, truth, known))
        distance = np.linalg.norm(joints - truth, axis=-1) / scale[:, None]
        rest = np.where(known & ~fixed, distance, np.nan)
        unclicked.append(
            np.array([np.nanmean(r) if (~np.isnan(r)).any() else np.nan for r in rest])
        )
        error = np.where(known & ~fixed, np.abs(joints - truth).sum(-1), -1.0)
        worst, left = error.argmax(1), np.asarray((error >= 0).any(1), np.bool_)
        fixed[people[left], worst[left]] = True
        joints[people[left], worst[left]] = truth[people[left], worst[left]]
        if refine is not None:
            joints = np.where(fixed[..., None], joints, refine(joints, fixed, left))
    return Rounds(np.stack(oks), np.stack(unclicked))
